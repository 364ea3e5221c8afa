//! Dotted paths: `user.profile.name` is a key of that name if there is one, else a way through nested maps.
//!
//! The rule holds on every level: what is left of the path is tried as a key before it is split at its first dot.
//! Elements of arrays can be read by their index, and not be written.

use std::borrow::Cow;
use std::ops::Range;

use crate::error::Error;
use crate::format::{Flaw, Format, MOST_DEPTH};

/// The value that `path` leads to inside `value`.
pub(super) fn find<'v>(format: Format, value: &'v [u8], path: &str) -> Option<&'v [u8]> {
    let (mut value, mut path) = (value, path);
    loop {
        if let Some(found) = format.child(value, path) {
            return value.get(found);
        }
        let (head, rest) = path.split_once('.')?;
        value = value.get(format.child(value, head)?)?;
        path = rest;
    }
}

/// `value` with `leaf` where `path` leads to; maps on the way are made, anything else in the way is an error.
pub(super) fn put(format: Format, value: Option<&[u8]>, path: &str, leaf: &[u8]) -> Result<Vec<u8>, Error> {
    let made = put_within(format, value, path, leaf, MOST_DEPTH).map_err(Flaw::while_encoding)?;
    format.check(&made).map_err(Flaw::while_encoding)?;
    Ok(made)
}

fn put_within(
    format: Format,
    value: Option<&[u8]>,
    path: &str,
    leaf: &[u8],
    depth: u32,
) -> Result<Vec<u8>, Flaw> {
    let depth = depth.checked_sub(1).ok_or(Flaw::TooDeep)?;
    let child = |key| value.and_then(|value| format.child(value, key).map(|range| &value[range]));
    match path.split_once('.') {
        Some((head, rest)) if child(path).is_none() => {
            let inner = put_within(format, child(head), rest, leaf, depth)?;
            with(format, value, head, Some(&inner))
        }
        _ => with(format, value, path, Some(leaf)),
    }
}

/// `value` without what `path` leads to; `None` if it leads nowhere.
pub(super) fn cut(format: Format, value: &[u8], path: &str) -> Result<Option<Vec<u8>>, Error> {
    if find(format, value, path).is_none() {
        return Ok(None);
    }
    cut_found(format, value, path).map(Some).map_err(Flaw::while_encoding)
}

fn cut_found(format: Format, value: &[u8], path: &str) -> Result<Vec<u8>, Flaw> {
    match path.split_once('.') {
        Some((head, rest)) if format.child(value, path).is_none() => {
            let child: Range<usize> = format.child(value, head).ok_or(Flaw::Malformed)?;
            let inner = cut_found(format, &value[child], rest)?;
            with(format, Some(value), head, Some(&inner))
        }
        _ => with(format, Some(value), path, None),
    }
}

/// A map with one entry set or removed.
fn with(format: Format, map: Option<&[u8]>, key: &str, value: Option<&[u8]>) -> Result<Vec<u8>, Flaw> {
    let mut entries: Vec<(Cow<'_, [u8]>, &[u8])> = Vec::new();
    let mut value = value;
    if let Some(map) = map {
        let mut fields = format.fields(map)?;
        while let Some(field) = fields.step()? {
            if *field.key != *key.as_bytes() {
                entries.push((field.key, &map[field.value]));
            } else if let Some(value) = value.take() {
                entries.push((field.key, value));
            }
        }
    }
    if let Some(value) = value {
        entries.push((Cow::Borrowed(key.as_bytes()), value));
    }
    let mut out = Vec::new();
    format.open_map(&mut out, entries.len());
    for (i, (key, value)) in entries.iter().enumerate() {
        format.put_field(&mut out, i == 0, key, value);
    }
    format.close_map(&mut out);
    Ok(out)
}
