//! Writing MessagePack, everything in its shortest form.

use super::super::node::Node;
use super::super::sink::Sink;

/// Appends a value.
pub(in crate::format) fn write(out: &mut impl Sink, node: &Node<'_>) {
    match node {
        Node::Null => out.put(&[0xc0]),
        Node::Bool(value) => out.put(&[0xc2 | u8::from(*value)]),
        Node::Unsigned(n) => put_unsigned(out, *n),
        Node::Negative(n) => put_negative(out, *n),
        Node::Float(float) => put_double(out, *float),
        Node::Text(text) => put_text(out, text.as_bytes()),
        Node::Bytes(bytes) => put_bytes(out, bytes),
        Node::Array(array) => {
            put_array_len(out, array.len());
            for node in array {
                write(out, node);
            }
        }
        Node::Map(map) => {
            put_map_len(out, map.len());
            for (key, node) in map {
                put_text(out, key.as_bytes());
                write(out, node);
            }
        }
    }
}

/// Appends the header of an array.
#[inline]
pub(super) fn put_array_len(out: &mut impl Sink, len: usize) {
    match len {
        0..=15 => out.put(&[0x90 | low(len)]),
        _ => put_len(out, len, None, [0xdc, 0xdd]),
    }
}

/// Appends the header of a map.
#[inline]
pub(in crate::format) fn put_map_len(out: &mut impl Sink, len: usize) {
    match len {
        0..=15 => out.put(&[0x80 | low(len)]),
        _ => put_len(out, len, None, [0xde, 0xdf]),
    }
}

/// Appends a string, which the caller knows to be UTF-8.
#[inline]
pub(in crate::format) fn put_text(out: &mut impl Sink, text: &[u8]) {
    match text.len() {
        len @ 0..=31 => out.put(&[0xa0 | low(len)]),
        len => put_len(out, len, Some(0xd9), [0xda, 0xdb]),
    }
    out.put(text);
}

/// Appends bytes that are no text.
pub(super) fn put_bytes(out: &mut impl Sink, bytes: &[u8]) {
    put_len(out, bytes.len(), Some(0xc4), [0xc5, 0xc6]);
    out.put(bytes);
}

/// Appends a float of 32 bits.
pub(super) fn put_single(out: &mut impl Sink, float: f32) {
    let [a, b, c, d] = float.to_be_bytes();
    out.put(&[0xca, a, b, c, d]);
}

/// Appends a float of 64 bits.
pub(super) fn put_double(out: &mut impl Sink, float: f64) {
    out.put(&[0xcb]);
    out.put(&float.to_be_bytes());
}

/// Appends a length that does not fit into its marker: in one, two or four bytes after one.
fn put_len(out: &mut impl Sink, len: usize, one: Option<u8>, [two, four]: [u8; 2]) {
    let bytes = (len as u64).to_be_bytes();
    match one {
        Some(marker) if len <= 0xff => out.put(&[marker, bytes[7]]),
        _ if len <= 0xffff => out.put(&[two, bytes[6], bytes[7]]),
        _ => {
            out.put(&[four]);
            out.put(&bytes[4..]);
        }
    }
}

fn low(len: usize) -> u8 {
    len.to_le_bytes()[0]
}

/// Appends a number.
pub(super) fn put_unsigned(out: &mut impl Sink, n: u64) {
    let bytes = n.to_be_bytes();
    match n {
        0..=0x7f => out.put(&[bytes[7]]),
        0x80..=0xff => out.put(&[0xcc, bytes[7]]),
        0x100..=0xffff => out.put(&[0xcd, bytes[6], bytes[7]]),
        0x1_0000..=0xffff_ffff => out.put(&[0xce, bytes[4], bytes[5], bytes[6], bytes[7]]),
        _ => {
            out.put(&[0xcf]);
            out.put(&bytes);
        }
    }
}

/// Appends a number below zero.
pub(super) fn put_negative(out: &mut impl Sink, n: i64) {
    let bytes = n.to_be_bytes();
    if n >= -32 {
        out.put(&[bytes[7]]);
    } else if n >= i64::from(i8::MIN) {
        out.put(&[0xd0, bytes[7]]);
    } else if n >= i64::from(i16::MIN) {
        out.put(&[0xd1, bytes[6], bytes[7]]);
    } else if n >= i64::from(i32::MIN) {
        out.put(&[0xd2, bytes[4], bytes[5], bytes[6], bytes[7]]);
    } else {
        out.put(&[0xd3]);
        out.put(&bytes);
    }
}
