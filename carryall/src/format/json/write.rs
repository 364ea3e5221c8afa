//! Writing JSON without white space.

use std::fmt::Display;
use std::io::Write;

use super::super::node::Node;
use super::super::sink::Sink;
use super::scan;

/// Appends a value. Byte strings become arrays of numbers.
pub(in crate::format) fn write(out: &mut Vec<u8>, node: &Node<'_>) {
    match node {
        Node::Null => out.put(b"null"),
        Node::Bool(true) => out.put(b"true"),
        Node::Bool(false) => out.put(b"false"),
        Node::Unsigned(n) => put_decimal(out, *n),
        Node::Negative(n) => put_number(out, n),
        // Debug, unlike Display, keeps the point of 1.0 and writes large numbers with an exponent.
        Node::Float(float) => put_number(out, format_args!("{float:?}")),
        Node::Text(text) => put_text(out, text.as_bytes()),
        Node::Bytes(bytes) => put_array(out, bytes, |out, byte| put_number(out, byte)),
        Node::Array(array) => put_array(out, array, write),
        Node::Map(map) => {
            out.push(b'{');
            for (i, (key, node)) in map.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                put_text(out, key.as_bytes());
                out.push(b':');
                write(out, node);
            }
            out.push(b'}');
        }
    }
}

/// Appends a quoted string, which the caller knows to be UTF-8; only what has to be escaped is.
pub(in crate::format) fn put_text(out: &mut impl Sink, bytes: &[u8]) {
    out.put(b"\"");
    let mut rest = bytes;
    loop {
        let (plain, after) = rest.split_at(scan::plain(rest, 0));
        out.put(plain);
        let Some((&byte, after)) = after.split_first() else { break };
        put_escaped(out, byte);
        rest = after;
    }
    out.put(b"\"");
}

fn put_escaped(out: &mut impl Sink, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let [high, low] = [byte >> 4, byte & 0x0f].map(|digit| HEX[usize::from(digit)]);
            out.put(&[b'\\', b'u', b'0', b'0', high, low]);
            return;
        }
    };
    out.put(&[b'\\', short]);
}

fn put_array<T>(out: &mut Vec<u8>, array: &[T], put: impl Fn(&mut Vec<u8>, &T)) {
    out.push(b'[');
    for (i, element) in array.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        put(out, element);
    }
    out.push(b']');
}

/// Appends a number in decimal digits.
pub(in crate::format) fn put_decimal(out: &mut impl Sink, number: u64) {
    const PAIRS: &[[u8; 2]; 100] = &pairs();
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    while rest >= 10 {
        start -= 2;
        digits[start..start + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    if rest > 0 || start == digits.len() {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
    }
    match <&[u8; 10]>::try_from(&digits[start..]) {
        // The seconds of any instant until the year 2286: copied without a call.
        Ok(ten) => out.put(ten),
        Err(_) => out.put(&digits[start..]),
    }
}

/// The numbers from 00 to 99.
const fn pairs() -> [[u8; 2]; 100] {
    let mut pairs = [[b'0'; 2]; 100];
    let mut n = 0_u8;
    while n < 100 {
        pairs[n as usize] = [b'0' + n / 10, b'0' + n % 10];
        n += 1;
    }
    pairs
}

fn put_number(out: &mut Vec<u8>, number: impl Display) {
    // A Vec takes whatever is written to it.
    _ = write!(out, "{number}");
}
