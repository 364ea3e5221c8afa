//! Reading MessagePack: stepping over values, or taking them apart.

use std::ops::Range;

use super::super::cursor::Cursor;
use super::super::flaw::Flaw;
use super::super::node::Node;

/// The start of a value: all of it if it is a number, else how long it is.
enum Head {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text(usize),
    Bytes(usize),
    Array(usize),
    Map(usize),
}

/// That `bytes` are exactly one value which can be stored.
pub(in crate::format) fn check(bytes: &[u8], depth: u32) -> Result<(), Flaw> {
    if is_plain(bytes) {
        return Ok(());
    }
    let mut cursor = Cursor::new(bytes);
    walk(&mut cursor, depth)?;
    cursor.finish()
}

/// Whether `bytes` are one value of the common kinds in which nothing has to be looked for: no more than a number, a
/// short text in ASCII, or a word.
fn is_plain(bytes: &[u8]) -> bool {
    match bytes {
        [0x00..=0x7f | 0xe0..=0xff | 0xc0 | 0xc2 | 0xc3]
        | [0xcc | 0xd0, _]
        | [0xcd | 0xd1, _, _]
        | [0xce | 0xd2, _, _, _, _]
        | [0xcf | 0xd3, _, _, _, _, _, _, _, _] => true,
        [head @ 0xa0..=0xbf, text @ ..] => text.len() == usize::from(head & 0x1f) && text.is_ascii(),
        _ => false,
    }
}

/// Steps over one value by its lengths alone; what is inside is checked by whoever decodes it.
pub(in crate::format) fn skip(cursor: &mut Cursor<'_>) -> Result<(), Flaw> {
    let mut pending = 1_usize;
    while let Some(left) = pending.checked_sub(1) {
        pending = left;
        match head(cursor)? {
            Head::Text(len) | Head::Bytes(len) => _ = cursor.take(len)?,
            // A forged length makes this large, and the bytes run out long before it is reached.
            Head::Array(len) => pending = pending.saturating_add(len),
            Head::Map(len) => pending = pending.saturating_add(len.saturating_mul(2)),
            Head::Nil | Head::Bool(_) | Head::Unsigned(_) | Head::Negative(_) | Head::Float(_) => {}
        }
    }
    Ok(())
}

/// Whether two different runs of bytes are seen by their first bytes to be two values: both small integers, or
/// integers or strings under the same marker. They have one spelling there, so other bytes are another value.
pub(in crate::format) fn are_unlike(a: &[u8], b: &[u8]) -> bool {
    match (a.first(), b.first()) {
        (Some(0x00..=0x7f | 0xe0..=0xff), Some(0x00..=0x7f | 0xe0..=0xff)) => true,
        (Some(a @ (0xcc..=0xd3 | 0xa0..=0xbf | 0xd9..=0xdb)), Some(b)) => a == b,
        _ => false,
    }
}

/// The value in `bytes`, all of them.
pub(in crate::format) fn read(bytes: &[u8], depth: u32) -> Result<Node<'_>, Flaw> {
    let mut cursor = Cursor::new(bytes);
    let node = node(&mut cursor, depth)?;
    cursor.finish()?;
    Ok(node)
}

/// Steps over the header of a map; how many entries it announces.
pub(in crate::format) fn open_map(cursor: &mut Cursor<'_>) -> Result<usize, Flaw> {
    match head(cursor)? {
        Head::Map(len) => Ok(len),
        _ => Err(Flaw::NotAMap),
    }
}

/// Takes a key, the UTF-8 of a string.
pub(in crate::format) fn text<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], Flaw> {
    let Head::Text(len) = head(cursor)? else { return Err(Flaw::KeyNotText) };
    let text = cursor.take(len)?;
    // Most keys are short ASCII, and that is seen in fewer steps.
    if !text.is_ascii() {
        utf8(text)?;
    }
    Ok(text)
}

/// Where element `index` of an array lies.
pub(in crate::format) fn element(array: &[u8], index: usize) -> Option<Range<usize>> {
    let mut cursor = Cursor::new(array);
    match head(&mut cursor).ok()? {
        Head::Array(len) if index < len => {}
        _ => return None,
    }
    for _ in 0..index {
        skip(&mut cursor).ok()?;
    }
    let start = cursor.at();
    skip(&mut cursor).ok()?;
    Some(start..cursor.at())
}

fn walk(cursor: &mut Cursor<'_>, depth: u32) -> Result<(), Flaw> {
    match head(cursor)? {
        Head::Text(len) => {
            let text = cursor.take(len)?;
            if !text.is_ascii() {
                utf8(text)?;
            }
        }
        Head::Bytes(len) => _ = cursor.take(len)?,
        Head::Float(float) if !float.is_finite() => return Err(Flaw::NotFinite),
        Head::Array(len) => {
            let depth = depth.checked_sub(1).ok_or(Flaw::TooDeep)?;
            for _ in 0..len {
                walk(cursor, depth)?;
            }
        }
        Head::Map(len) => {
            let depth = depth.checked_sub(1).ok_or(Flaw::TooDeep)?;
            for _ in 0..len {
                text(cursor)?;
                walk(cursor, depth)?;
            }
        }
        Head::Nil | Head::Bool(_) | Head::Unsigned(_) | Head::Negative(_) | Head::Float(_) => {}
    }
    Ok(())
}

fn node<'a>(cursor: &mut Cursor<'a>, depth: u32) -> Result<Node<'a>, Flaw> {
    Ok(match head(cursor)? {
        Head::Nil => Node::Null,
        Head::Bool(value) => Node::Bool(value),
        Head::Unsigned(n) => Node::Unsigned(n),
        Head::Negative(n) => Node::Negative(n),
        Head::Float(float) if float.is_finite() => Node::Float(float),
        Head::Float(_) => return Err(Flaw::NotFinite),
        Head::Text(len) => Node::Text(utf8(cursor.take(len)?)?.into()),
        Head::Bytes(len) => Node::Bytes(cursor.take(len)?),
        Head::Array(len) => {
            let depth = depth.checked_sub(1).ok_or(Flaw::TooDeep)?;
            // An element takes a byte at least, so a forged length reserves no more than was sent.
            let mut array = Vec::with_capacity(len.min(cursor.left()));
            for _ in 0..len {
                array.push(node(cursor, depth)?);
            }
            Node::Array(array)
        }
        Head::Map(len) => {
            let depth = depth.checked_sub(1).ok_or(Flaw::TooDeep)?;
            let mut map = Vec::with_capacity(len.min(cursor.left() / 2));
            for _ in 0..len {
                map.push((utf8(text(cursor)?)?.into(), node(cursor, depth)?));
            }
            Node::Map(map)
        }
    })
}

#[inline]
fn head(cursor: &mut Cursor<'_>) -> Result<Head, Flaw> {
    let byte = cursor.byte()?;
    Ok(match byte {
        0x00..=0x7f => Head::Unsigned(u64::from(byte)),
        0x80..=0x8f => Head::Map(usize::from(byte & 0x0f)),
        0x90..=0x9f => Head::Array(usize::from(byte & 0x0f)),
        0xa0..=0xbf => Head::Text(usize::from(byte & 0x1f)),
        0xc0 => Head::Nil,
        0xc2 | 0xc3 => Head::Bool(byte == 0xc3),
        0xc4 => Head::Bytes(usize::from(cursor.byte()?)),
        0xc5 => Head::Bytes(len16(cursor)?),
        0xc6 => Head::Bytes(len32(cursor)?),
        0xca => Head::Float(f64::from(f32::from_be_bytes(cursor.array()?))),
        0xcb => Head::Float(f64::from_be_bytes(cursor.array()?)),
        0xcc => Head::Unsigned(u64::from(cursor.byte()?)),
        0xcd => Head::Unsigned(u64::from(u16::from_be_bytes(cursor.array()?))),
        0xce => Head::Unsigned(u64::from(u32::from_be_bytes(cursor.array()?))),
        0xcf => Head::Unsigned(u64::from_be_bytes(cursor.array()?)),
        0xd0 => signed(i64::from(i8::from_be_bytes(cursor.array()?))),
        0xd1 => signed(i64::from(i16::from_be_bytes(cursor.array()?))),
        0xd2 => signed(i64::from(i32::from_be_bytes(cursor.array()?))),
        0xd3 => signed(i64::from_be_bytes(cursor.array()?)),
        0xd9 => Head::Text(usize::from(cursor.byte()?)),
        0xda => Head::Text(len16(cursor)?),
        0xdb => Head::Text(len32(cursor)?),
        0xdc => Head::Array(len16(cursor)?),
        0xdd => Head::Array(len32(cursor)?),
        0xde => Head::Map(len16(cursor)?),
        0xdf => Head::Map(len32(cursor)?),
        0xe0..=0xff => Head::Negative(i64::from(byte.cast_signed())),
        0xc7..=0xc9 | 0xd4..=0xd8 => return Err(Flaw::Extension),
        0xc1 => return Err(Flaw::Malformed),
    })
}

fn signed(n: i64) -> Head {
    u64::try_from(n).map_or(Head::Negative(n), Head::Unsigned)
}

fn len16(cursor: &mut Cursor<'_>) -> Result<usize, Flaw> {
    Ok(usize::from(u16::from_be_bytes(cursor.array()?)))
}

fn len32(cursor: &mut Cursor<'_>) -> Result<usize, Flaw> {
    usize::try_from(u32::from_be_bytes(cursor.array()?)).map_err(|_| Flaw::Malformed)
}

fn utf8(bytes: &[u8]) -> Result<&str, Flaw> {
    std::str::from_utf8(bytes).map_err(|_| Flaw::Malformed)
}
