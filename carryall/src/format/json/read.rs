//! Reading JSON: stepping over values, or taking them apart.
//!
//! Integers that fit 64 bits stay integers, everything with a point or an exponent is a float.

use std::borrow::Cow;
use std::ops::Range;

use super::super::cursor::Cursor;
use super::super::flaw::Flaw;
use super::super::node::Node;
use super::scan;

/// So many digits fit 64 bits, with either sign.
const FEW: usize = 18;

/// That `bytes` are exactly one value.
pub(in crate::format) fn check(bytes: &[u8], depth: u32) -> Result<(), Flaw> {
    let mut cursor = in_text(bytes)?;
    skip(&mut cursor, depth)?;
    finish(&mut cursor)
}

/// The value in `bytes`, all of them.
pub(in crate::format) fn read(bytes: &[u8], depth: u32) -> Result<Node<'_>, Flaw> {
    if let Some(number) = natural(bytes) {
        return Ok(Node::Unsigned(number));
    }
    let mut cursor = in_text(bytes)?;
    let node = node(&mut cursor, depth)?;
    finish(&mut cursor)?;
    Ok(node)
}

/// The number that is all there is, if it is one of few digits and nothing else, as most numbers are.
fn natural(bytes: &[u8]) -> Option<u64> {
    match bytes {
        [b'0'] => Some(0),
        [b'1'..=b'9', rest @ ..] if rest.len() < FEW => bytes.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0'))
        }),
        _ => None,
    }
}

/// Whether two different runs of bytes are seen at a glance to be two values: both integers of few digits, or both
/// strings without escapes. They have one spelling, so other bytes are another value.
pub(in crate::format) fn are_unlike(a: &[u8], b: &[u8]) -> bool {
    let is_integer = |bytes: &[u8]| match bytes.strip_prefix(b"-").unwrap_or(bytes) {
        // "-0" is a float.
        [b'0'] => bytes.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.len() < FEW && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let is_plain = |bytes: &[u8]| match bytes {
        [b'"', text @ .., b'"'] => !text.iter().any(|byte| matches!(byte, b'"' | b'\\')),
        _ => false,
    };
    is_integer(a) && is_integer(b) || is_plain(a) && is_plain(b)
}

/// The start of a text, which has to be UTF-8.
pub(in crate::format) fn in_text(bytes: &[u8]) -> Result<Cursor<'_>, Flaw> {
    std::str::from_utf8(bytes).map_err(|_| Flaw::Malformed)?;
    Ok(Cursor::new(bytes))
}

/// Steps over the start of a map.
pub(in crate::format) fn open_map(cursor: &mut Cursor<'_>) -> Result<(), Flaw> {
    space(cursor);
    if cursor.peek() == Some(b'{') { expect(cursor, b'{') } else { Err(Flaw::NotAMap) }
}

/// Takes the key of an entry and its colon.
fn key<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, Flaw> {
    space(cursor);
    if cursor.peek() != Some(b'"') {
        return Err(Flaw::KeyNotText);
    }
    let key = text(cursor)?;
    space(cursor);
    expect(cursor, b':')?;
    space(cursor);
    Ok(key)
}

/// Where element `index` of an array lies.
pub(in crate::format) fn element(array: &[u8], index: usize, depth: u32) -> Option<Range<usize>> {
    let mut cursor = Cursor::new(array);
    space(&mut cursor);
    expect(&mut cursor, b'[').ok()?;
    for i in 0..=index {
        if !step(&mut cursor, i == 0, b']').ok()? {
            return None;
        }
        space(&mut cursor);
        let start = cursor.at();
        skip(&mut cursor, depth).ok()?;
        if i == index {
            return Some(start..cursor.at());
        }
    }
    None
}

/// Steps over one value.
fn skip(cursor: &mut Cursor<'_>, depth: u32) -> Result<(), Flaw> {
    let end = scan::value(cursor.whole(), cursor.at(), depth)?;
    cursor.go_to(end)
}

fn node<'a>(cursor: &mut Cursor<'a>, depth: u32) -> Result<Node<'a>, Flaw> {
    space(cursor);
    match cursor.peek() {
        Some(b'{') => {
            let depth = depth.checked_sub(1).ok_or(Flaw::TooDeep)?;
            expect(cursor, b'{')?;
            let mut map = Vec::new();
            while step(cursor, map.is_empty(), b'}')? {
                map.push((key(cursor)?, node(cursor, depth)?));
            }
            Ok(Node::Map(map))
        }
        Some(b'[') => {
            let depth = depth.checked_sub(1).ok_or(Flaw::TooDeep)?;
            expect(cursor, b'[')?;
            let mut array = Vec::new();
            while step(cursor, array.is_empty(), b']')? {
                array.push(node(cursor, depth)?);
            }
            Ok(Node::Array(array))
        }
        Some(b'"') => text(cursor).map(Node::Text),
        Some(b'n') => word(cursor, b"null").map(|()| Node::Null),
        Some(b't') => word(cursor, b"true").map(|()| Node::Bool(true)),
        Some(b'f') => word(cursor, b"false").map(|()| Node::Bool(false)),
        _ => number(cursor),
    }
}

fn text<'a>(cursor: &mut Cursor<'a>) -> Result<Cow<'a, str>, Flaw> {
    let start = cursor.at();
    expect(cursor, b'"')?;
    let (end, is_escaped) = scan::text(cursor.whole(), cursor.at())?;
    cursor.go_to(end)?;
    let quoted = cursor.since(start);
    if is_escaped {
        return unescape(quoted).map(Cow::Owned);
    }
    let inner = quoted.get(1..quoted.len() - 1).ok_or(Flaw::Malformed)?;
    std::str::from_utf8(inner).map(Cow::Borrowed).map_err(|_| Flaw::Malformed)
}

/// The text of a string in its quotes.
pub(in crate::format) fn unescape(quoted: &[u8]) -> Result<String, Flaw> {
    serde_json::from_slice(quoted).map_err(|_| Flaw::Malformed)
}

fn number<'a>(cursor: &mut Cursor<'a>) -> Result<Node<'a>, Flaw> {
    let start = cursor.at();
    let (end, is_integer) = scan::number(cursor.whole(), start)?;
    cursor.go_to(end)?;
    let digits = std::str::from_utf8(cursor.since(start)).map_err(|_| Flaw::Malformed)?;
    if is_integer {
        if let Ok(n) = digits.parse::<u64>() {
            return Ok(Node::Unsigned(n));
        }
        // What is left of "-0" is a float: integers know no sign of zero.
        if let Ok(n @ ..0) = digits.parse::<i64>() {
            return Ok(Node::Negative(n));
        }
    }
    match digits.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Node::Float(float)),
        Ok(_) => Err(Flaw::NotFinite),
        Err(_) => Err(Flaw::Malformed),
    }
}

/// Steps over a comma to the next element, or over the closing bracket.
fn step(cursor: &mut Cursor<'_>, is_first: bool, closing: u8) -> Result<bool, Flaw> {
    space(cursor);
    if cursor.peek() == Some(closing) {
        cursor.byte()?;
        return Ok(false);
    }
    if !is_first {
        expect(cursor, b',')?;
    }
    Ok(true)
}

fn word(cursor: &mut Cursor<'_>, word: &[u8]) -> Result<(), Flaw> {
    if cursor.take(word.len())? == word { Ok(()) } else { Err(Flaw::Malformed) }
}

fn expect(cursor: &mut Cursor<'_>, byte: u8) -> Result<(), Flaw> {
    if cursor.byte()? == byte { Ok(()) } else { Err(Flaw::Malformed) }
}

fn space(cursor: &mut Cursor<'_>) {
    while matches!(cursor.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        _ = cursor.byte();
    }
}

/// That only white space is left.
pub(in crate::format) fn finish(cursor: &mut Cursor<'_>) -> Result<(), Flaw> {
    space(cursor);
    cursor.finish()
}
