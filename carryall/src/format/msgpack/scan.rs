//! Finding where values begin and end, by their lengths alone. Runs over every payload, so it is kept tight.

use std::ops::Range;

use super::super::flaw::Flaw;

/// One entry of a map in MessagePack.
pub(crate) struct Scanned {
    /// Where its key's header stands.
    pub(crate) start: usize,
    /// Its key, UTF-8.
    pub(crate) key: Range<usize>,
    /// Its value.
    pub(crate) value: Range<usize>,
}

/// How many entries `map` announces, and where the first begins.
pub(crate) fn open(map: &[u8]) -> Result<(usize, usize), Flaw> {
    match *map {
        [byte @ 0x80..=0x8f, ..] => Ok((usize::from(byte & 0x0f), 1)),
        [0xde, a, b, ..] => Ok((usize::from(u16::from_be_bytes([a, b])), 3)),
        [0xdf, a, b, c, d, ..] => Ok((u32::from_be_bytes([a, b, c, d]) as usize, 5)),
        [] => Err(Flaw::Malformed),
        _ => Err(Flaw::NotAMap),
    }
}

/// Every entry of a map of `count`, of which the first begins at `at`; nothing may come after them.
#[inline]
pub(crate) fn entries<'a>(
    map: &'a [u8],
    count: usize,
    mut at: usize,
    mut found: impl FnMut(&'a [u8], Scanned) -> Result<(), Flaw>,
) -> Result<(), Flaw> {
    for _ in 0..count {
        let entry = entry(map, at)?;
        at = entry.value.end;
        found(&map[entry.key.clone()], entry)?;
    }
    if at == map.len() { Ok(()) } else { Err(Flaw::Trailing) }
}

/// The first entry of `map` with this key; what comes after it is not looked at.
pub(crate) fn find(map: &[u8], key: &[u8]) -> Result<Option<Scanned>, Flaw> {
    let (count, mut start) = open(map)?;
    for _ in 0..count {
        let text = key_at(map, start)?;
        let end = skip(map, text.end).ok_or(Flaw::Malformed)?;
        if map[text.clone()] == *key {
            return Ok(Some(Scanned { start, value: text.end..end, key: text }));
        }
        start = end;
    }
    Ok(None)
}

/// The entry that begins at `start`.
#[inline]
pub(in crate::format) fn entry(map: &[u8], start: usize) -> Result<Scanned, Flaw> {
    let key = key_at(map, start)?;
    if !is_text(&map[key.clone()]) {
        return Err(Flaw::Malformed);
    }
    let end = skip(map, key.end).ok_or(Flaw::Malformed)?;
    Ok(Scanned { start, value: key.end..end, key })
}

/// The key whose header stands at `start`; it is in `map`.
#[inline]
fn key_at(map: &[u8], start: usize) -> Result<Range<usize>, Flaw> {
    // Most keys are short.
    let (from, len) = match map.get(start) {
        Some(byte @ 0xa0..=0xbf) => (start + 1, usize::from(byte & 0x1f)),
        _ => long_key(map, start)?,
    };
    let to = from.checked_add(len).filter(|to| *to <= map.len()).ok_or(Flaw::Malformed)?;
    Ok(from..to)
}

/// Whether it is UTF-8. Most keys are ASCII, which is seen in fewer steps. Apart, so that what calls it stays small enough
/// to be part of a loop.
#[inline(never)]
fn is_text(key: &[u8]) -> bool {
    key.is_ascii() || std::str::from_utf8(key).is_ok()
}

/// Where a key begins that is too long for its header to be one byte, and its length.
#[cold]
fn long_key(map: &[u8], start: usize) -> Result<(usize, usize), Flaw> {
    match *map.get(start..).ok_or(Flaw::Malformed)? {
        [0xd9, len, ..] => Ok((start + 2, usize::from(len))),
        [0xda, a, b, ..] => Ok((start + 3, usize::from(u16::from_be_bytes([a, b])))),
        [0xdb, a, b, c, d, ..] => Ok((start + 5, u32::from_be_bytes([a, b, c, d]) as usize)),
        [] => Err(Flaw::Malformed),
        _ => Err(Flaw::KeyNotText),
    }
}

/// Where the value that begins at `at` ends.
#[inline]
fn skip(bytes: &[u8], at: usize) -> Option<usize> {
    let Shape { len, inside } = SHAPES[usize::from(*bytes.get(at)?)];
    if len == 0 || inside > 0 {
        return skip_nested(bytes, at);
    }
    let end = at + usize::from(len);
    (end <= bytes.len()).then_some(end)
}

/// The same for any value. Goes through nested values without recursion; a forged length makes it run out of bytes.
#[inline(never)]
fn skip_nested(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut pending = 1_usize;
    while pending > 0 {
        let byte = *bytes.get(at)?;
        let Shape { len, inside } = SHAPES[usize::from(byte)];
        pending -= 1;
        if len > 0 {
            at += usize::from(len);
            pending += usize::from(inside);
        } else {
            let (width, more) = wide(bytes, byte, at + 1)?;
            at = at.checked_add(width)?.checked_add(1)?;
            pending = pending.checked_add(more)?;
        }
    }
    (at <= bytes.len()).then_some(at)
}

/// What the first byte of a value says of it: how many bytes it takes apart from the values inside, and how many of
/// those there are. No bytes if it does not say that alone.
#[derive(Clone, Copy)]
struct Shape {
    len: u8,
    inside: u8,
}

static SHAPES: [Shape; 256] = shapes();

const fn shapes() -> [Shape; 256] {
    let mut shapes = [Shape { len: 0, inside: 0 }; 256];
    let mut byte = 0_u8;
    loop {
        let low = byte & 0x0f;
        let (len, inside) = match byte {
            0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3 => (1, 0),
            0x80..=0x8f => (1, 2 * low),
            0x90..=0x9f => (1, low),
            0xa0..=0xbf => (1 + (byte & 0x1f), 0),
            0xcc | 0xd0 => (2, 0),
            0xcd | 0xd1 => (3, 0),
            0xca | 0xce | 0xd2 => (5, 0),
            0xcb | 0xcf | 0xd3 => (9, 0),
            _ => (0, 0),
        };
        shapes[byte as usize] = Shape { len, inside };
        if byte == u8::MAX {
            return shapes;
        }
        byte += 1;
    }
}

/// Values with a length of their own: how many bytes they take after the first, and how many values are inside.
fn wide(bytes: &[u8], byte: u8, at: usize) -> Option<(usize, usize)> {
    let len = |width: usize| -> Option<usize> {
        let digits = bytes.get(at..at + width)?;
        Some(digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)))
    };
    match byte {
        0xc4 | 0xd9 => Some((1 + len(1)?, 0)),
        0xc5 | 0xda => Some((2 + len(2)?, 0)),
        0xc6 | 0xdb => Some((len(4)?.checked_add(4)?, 0)),
        0xdc => Some((2, len(2)?)),
        0xdd => Some((4, len(4)?)),
        0xde => Some((2, len(2)? * 2)),
        0xdf => Some((4, len(4)?.checked_mul(2)?)),
        // Extensions and the unused 0xc1: nothing that is ever stored.
        _ => None,
    }
}
