//! Finding where JSON values end, strictly by the grammar and without decoding them.
//!
//! The bytes are known to be UTF-8, so none of this looks at characters outside ASCII.

use std::borrow::Cow;
use std::ops::Range;

use super::super::flaw::Flaw;

/// Where the key of a map's entry lies.
pub(crate) struct Key {
    /// Its text, without its quotes.
    pub(crate) text: Range<usize>,
    /// Whether anything in it is escaped.
    is_escaped: bool,
    /// Where the value begins.
    pub(crate) value: usize,
}

impl Key {
    /// Its text, taken out of the bytes in which it was found.
    pub(crate) fn read<'a>(&self, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, Flaw> {
        let Range { start, end } = self.text;
        if self.is_escaped {
            return Ok(Cow::Owned(super::unescape(&bytes[start - 1..=end])?.into_bytes()));
        }
        Ok(Cow::Borrowed(&bytes[start..end]))
    }
}

/// Where the first entry of a map has to begin.
pub(crate) fn open(bytes: &[u8], at: usize) -> Result<usize, Flaw> {
    let at = space(bytes, at);
    if bytes.get(at) == Some(&b'{') { Ok(at + 1) } else { Err(Flaw::NotAMap) }
}

/// The next key of a map, or where the map ends.
pub(crate) fn key(bytes: &[u8], at: usize, is_first: bool) -> Result<Result<Key, usize>, Flaw> {
    let mut at = space(bytes, at);
    match bytes.get(at) {
        Some(b'}') => return Ok(Err(at + 1)),
        Some(b',') if !is_first => at = space(bytes, at + 1),
        _ if !is_first => return Err(Flaw::Malformed),
        _ => {}
    }
    if bytes.get(at) != Some(&b'"') {
        return Err(Flaw::KeyNotText);
    }
    let (end, is_escaped) = text(bytes, at + 1)?;
    Ok(Ok(Key { text: at + 1..end - 1, is_escaped, value: colon(bytes, end)? }))
}

/// The text of the next key of a map, unless the map ends, or there are escapes in it or white space around it: for
/// most keys this is all there is to do, and in half the steps. Its value begins two bytes behind it.
#[inline]
pub(crate) fn plain_key(bytes: &[u8], at: usize, is_first: bool) -> Option<Range<usize>> {
    let quote = if is_first { at } else { at + 1 };
    if !is_first && *bytes.get(at)? != b',' || *bytes.get(quote)? != b'"' {
        return None;
    }
    let end = plain(bytes, quote + 1);
    match bytes.get(end..)?.first_chunk()? {
        [b'"', b':', b'!'..=b'~'] => Some(quote + 1..end),
        _ => None,
    }
}

/// Where the value ends that begins at `at`; before it, there may be white space.
#[inline]
pub(crate) fn value(bytes: &[u8], at: usize, depth: u32) -> Result<usize, Flaw> {
    match plain_value(bytes, at) {
        Some(end) => Ok(end),
        None => any_value(bytes, at, depth),
    }
}

/// Where a text without escapes or a natural number ends, which is what most values are.
#[inline(never)]
fn plain_value(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => {
            let end = plain(bytes, at + 1);
            (bytes.get(end) == Some(&b'"')).then_some(end + 1)
        }
        b'1'..=b'9' => {
            let end = digits_end(bytes, at + 1);
            (!matches!(bytes.get(end), Some(b'.' | b'e' | b'E'))).then_some(end)
        }
        _ => None,
    }
}

#[inline(never)]
fn any_value(bytes: &[u8], at: usize, depth: u32) -> Result<usize, Flaw> {
    match bytes.get(at) {
        Some(b'"') => text(bytes, at + 1).map(|(end, _)| end),
        Some(b'0'..=b'9' | b'-') => number(bytes, at).map(|(end, _)| end),
        Some(b'{') => map(bytes, at + 1, depth.checked_sub(1).ok_or(Flaw::TooDeep)?),
        Some(b'[') => array(bytes, at + 1, depth.checked_sub(1).ok_or(Flaw::TooDeep)?),
        Some(b'n') => word(bytes, at, b"null"),
        Some(b't') => word(bytes, at, b"true"),
        Some(b'f') => word(bytes, at, b"false"),
        Some(b' ' | b'\t' | b'\n' | b'\r') => any_value(bytes, space(bytes, at), depth),
        _ => Err(Flaw::Malformed),
    }
}

fn map(bytes: &[u8], mut at: usize, depth: u32) -> Result<usize, Flaw> {
    let mut is_first = true;
    loop {
        let start = if let Some(key) = plain_key(bytes, at, is_first) {
            key.end + 2
        } else {
            match key(bytes, at, is_first).map_err(|_| Flaw::Malformed)? {
                Ok(key) => key.value,
                Err(end) => return Ok(end),
            }
        };
        at = value(bytes, start, depth)?;
        is_first = false;
    }
}

fn array(bytes: &[u8], at: usize, depth: u32) -> Result<usize, Flaw> {
    let mut at = space(bytes, at);
    if bytes.get(at) == Some(&b']') {
        return Ok(at + 1);
    }
    loop {
        at = space(bytes, value(bytes, at, depth)?);
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b']') => return Ok(at + 1),
            _ => return Err(Flaw::Malformed),
        }
    }
}

/// Where the string ends whose text begins at `at`, past its quote, and whether anything in it is escaped.
#[inline]
pub(in crate::format) fn text(bytes: &[u8], mut at: usize) -> Result<(usize, bool), Flaw> {
    let mut is_escaped = false;
    loop {
        at = plain(bytes, at);
        match bytes.get(at) {
            Some(b'"') => return Ok((at + 1, is_escaped)),
            Some(b'\\') => {
                is_escaped = true;
                at = escape(bytes, at + 1)?;
            }
            _ => return Err(Flaw::Malformed),
        }
    }
}

/// Where the first quote, backslash or control character is, from `at` on; the end if there is none.
#[inline]
pub(super) fn plain(bytes: &[u8], at: usize) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // Eight bytes at once. In each mask, the lowest bit that is set belongs to a byte looked for; those above it
    // may be borrows.
    let mut rest = bytes.get(at..).unwrap_or_default();
    while let Some((chunk, after)) = rest.split_first_chunk() {
        let chunk = u64::from_le_bytes(*chunk);
        let is_zero = |bytes: u64| bytes.wrapping_sub(ONES) & !bytes;
        let quotes = is_zero(chunk ^ (ONES * 0x22));
        let backslashes = is_zero(chunk ^ (ONES * 0x5c));
        let controls = chunk.wrapping_sub(ONES * 0x20) & !chunk;
        let found = (quotes | backslashes | controls) & HIGHS;
        if found != 0 {
            return bytes.len() - rest.len() + found.trailing_zeros() as usize / 8;
        }
        rest = after;
    }
    let is_found = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..0x20);
    bytes.len() - rest.len() + rest.iter().position(is_found).unwrap_or(rest.len())
}

/// Steps over what follows a backslash.
fn escape(bytes: &[u8], at: usize) -> Result<usize, Flaw> {
    match bytes.get(at) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 1),
        Some(b'u') => match bytes.get(at + 1..at + 5) {
            Some(digits) if digits.iter().all(u8::is_ascii_hexdigit) => Ok(at + 5),
            _ => Err(Flaw::Malformed),
        },
        _ => Err(Flaw::Malformed),
    }
}

/// Where the number ends that begins at `at`, and whether it is an integer.
#[inline]
pub(in crate::format) fn number(bytes: &[u8], mut at: usize) -> Result<(usize, bool), Flaw> {
    let mut is_integer = true;
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits(bytes, at)? };
    if bytes.get(at) == Some(&b'.') {
        is_integer = false;
        at = digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        is_integer = false;
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = digits(bytes, at)?;
    }
    Ok((at, is_integer))
}

/// Steps over one digit or more.
#[inline]
fn digits(bytes: &[u8], at: usize) -> Result<usize, Flaw> {
    let end = digits_end(bytes, at);
    if end > at { Ok(end) } else { Err(Flaw::Malformed) }
}

/// Where the first byte is that is no digit.
#[inline]
fn digits_end(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// Steps over the colon after a key, with the white space around it.
#[inline]
fn colon(bytes: &[u8], at: usize) -> Result<usize, Flaw> {
    let at = space(bytes, at);
    if bytes.get(at) == Some(&b':') { Ok(space(bytes, at + 1)) } else { Err(Flaw::Malformed) }
}

fn word(bytes: &[u8], at: usize, word: &[u8]) -> Result<usize, Flaw> {
    let end = at + word.len();
    if bytes.get(at..end) == Some(word) { Ok(end) } else { Err(Flaw::Malformed) }
}

/// Steps over white space.
#[inline]
pub(crate) fn space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(at) {
        at += 1;
    }
    at
}
