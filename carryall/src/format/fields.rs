//! The entries of an encoded map, found without decoding a value.

use std::borrow::Cow;
use std::ops::Range;

use super::cursor::Cursor;
use super::flaw::Flaw;
use super::sink::Sink;
use super::{DEPTH_OF_PAYLOAD, Format, json, msgpack};

/// One entry of an encoded map.
pub(crate) struct Field<'a> {
    /// UTF-8; borrowed if it stands in the bytes as it is, owned if it had to be unescaped.
    pub(crate) key: Cow<'a, [u8]>,
    /// Where the entry begins in the map's bytes.
    pub(crate) start: usize,
    /// Where the key's text begins.
    pub(crate) key_at: usize,
    /// Where the value lies, and the entry ends.
    pub(crate) value: Range<usize>,
}

/// Steps through the entries of an encoded map.
pub(crate) struct Fields<'a> {
    format: Format,
    cursor: Cursor<'a>,
    /// What MessagePack announced and has not come yet.
    left: usize,
    is_first: bool,
}

impl Format {
    /// The entries of `map`, which has to be one whole map.
    pub(crate) fn fields(self, map: &[u8]) -> Result<Fields<'_>, Flaw> {
        let (cursor, left) = match self {
            Self::Json => {
                let mut cursor = json::in_text(map)?;
                json::open_map(&mut cursor)?;
                (cursor, 0)
            }
            Self::MessagePack => {
                let mut cursor = Cursor::new(map);
                let left = msgpack::open_map(&mut cursor)?;
                (cursor, left)
            }
        };
        Ok(Fields { format: self, cursor, left, is_first: true })
    }

    /// Whether `value` begins as a map does.
    pub(crate) fn begins_map(self, value: &[u8]) -> bool {
        match (self, value.first()) {
            (Self::Json, Some(b'{')) | (Self::MessagePack, Some(0x80..=0x8f | 0xde | 0xdf)) => true,
            (Self::Json | Self::MessagePack, _) => false,
        }
    }

    /// Whether `value` is a map without entries.
    pub(crate) fn is_empty_map(self, value: &[u8]) -> bool {
        self.fields(value).is_ok_and(|mut fields| matches!(fields.step(), Ok(None)))
    }

    /// Where the entry `key` of a map, or the element of that index of an array, lies in `value`.
    pub(crate) fn child(self, value: &[u8], key: &str) -> Option<Range<usize>> {
        let Ok(mut fields) = self.fields(value) else {
            let index = index(key)?;
            return match self {
                Self::Json => json::element(value, index, DEPTH_OF_PAYLOAD),
                Self::MessagePack => msgpack::element(value, index),
            };
        };
        while let Some(field) = fields.step().ok()? {
            if *field.key == *key.as_bytes() {
                return Some(field.value);
            }
        }
        None
    }

    /// Appends a string, which the caller knows to be UTF-8.
    #[inline]
    pub(crate) fn put_text(self, out: &mut impl Sink, text: &[u8]) {
        match self {
            Self::Json => json::put_text(out, text),
            Self::MessagePack => msgpack::put_text(out, text),
        }
    }

    /// Appends the start of a map of `count` entries.
    pub(crate) fn open_map(self, out: &mut impl Sink, count: usize) {
        match self {
            Self::Json => out.put(b"{"),
            Self::MessagePack => msgpack::put_map_len(out, count),
        }
    }

    /// Appends one entry: a key known to be UTF-8 and an encoded value.
    pub(crate) fn put_field(self, out: &mut impl Sink, is_first: bool, key: &[u8], value: &[u8]) {
        self.put_fields(out, is_first, b"");
        self.put_text(out, key);
        if self == Self::Json {
            out.put(b":");
        }
        out.put(value);
    }

    /// Appends entries as they stand in another map, from where the first begins to where the last ends.
    pub(crate) fn put_fields(self, out: &mut impl Sink, is_first: bool, fields: &[u8]) {
        if self == Self::Json && !is_first {
            out.put(b",");
        }
        out.put(fields);
    }

    /// Appends the end of a map.
    pub(crate) fn close_map(self, out: &mut impl Sink) {
        if self == Self::Json {
            out.put(b"}");
        }
    }
}

impl<'a> Fields<'a> {
    /// How many entries are still to come at most; never more than the bytes could hold.
    pub(crate) fn at_most(&self) -> usize {
        self.left.min(self.cursor.left() / 2)
    }

    /// The next entry; `None` once the map ended and nothing comes after it.
    pub(crate) fn step(&mut self) -> Result<Option<Field<'a>>, Flaw> {
        match self.format {
            Format::Json => self.step_json(),
            Format::MessagePack => self.step_msgpack(),
        }
    }

    fn step_json(&mut self) -> Result<Option<Field<'a>>, Flaw> {
        let cursor = &mut self.cursor;
        let whole = cursor.whole();
        let found = match json::scan::key(whole, cursor.at(), self.is_first)? {
            Ok(found) => found,
            Err(end) => {
                cursor.go_to(end)?;
                json::finish(cursor)?;
                return Ok(None);
            }
        };
        self.is_first = false;
        let end = json::scan::value(whole, found.value, DEPTH_OF_PAYLOAD)?;
        cursor.go_to(end)?;
        let key_at = found.text.start;
        Ok(Some(Field { key: found.read(whole)?, start: key_at - 1, key_at, value: found.value..end }))
    }

    fn step_msgpack(&mut self) -> Result<Option<Field<'a>>, Flaw> {
        let cursor = &mut self.cursor;
        let Some(left) = self.left.checked_sub(1) else {
            cursor.finish()?;
            return Ok(None);
        };
        self.left = left;
        let found = msgpack::scan::entry(cursor.whole(), cursor.at())?;
        cursor.go_to(found.value.end)?;
        let key = &cursor.whole()[found.key.clone()];
        Ok(Some(Field {
            key: Cow::Borrowed(key),
            start: found.start,
            key_at: found.key.start,
            value: found.value,
        }))
    }
}

/// An array index as a path writes it: decimal, without sign or leading zeros.
fn index(key: &str) -> Option<usize> {
    let is_canonical = key == "0" || (key.starts_with(|c: char| ('1'..='9').contains(&c)));
    if is_canonical { key.parse().ok() } else { None }
}
