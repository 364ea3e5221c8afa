//! How values become bytes: JSON where others read along, MessagePack where size and speed count.
//!
//! Every value takes one route: serde's data model to MessagePack, and from there, if asked for, to JSON text; the
//! way back is the same. So a type that comes back from one format comes back from the other, and what one of them
//! cannot hold (`NaN`, keys that are no strings) is refused by both.
//!
//! Integers wider than 64 bits have no place in JSON: they come back from MessagePack alone.

mod buffer;
mod cursor;
mod fields;
mod flaw;
mod json;
mod msgpack;
mod node;
mod sink;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind};

pub(crate) use buffer::{Buffer, Draft};
pub(crate) use flaw::Flaw;
pub(crate) use json::scan as json_scan;
pub(crate) use msgpack::scan;
use node::Node;
pub(crate) use sink::{Length, Sink};

/// How deep arrays and maps of one value may be nested.
pub(crate) const MOST_DEPTH: u32 = 64;

/// A value in the map of its segment, in a pair with a version, in the map of segments, in the payload.
pub(crate) const DEPTH_OF_PAYLOAD: u32 = MOST_DEPTH + 4;

/// Room for a document of the usual size, so that packing it allocates once.
const USUAL: usize = 256;

/// How values become bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    /// Text after RFC 8259, without white space.
    Json,
    /// Binary, about two thirds of JSON's size.
    MessagePack,
}

impl Format {
    /// The bytes of `value`; an [`ErrorKind::Encode`] says what in it cannot be stored.
    pub(crate) fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, Error> {
        let mut packed = Vec::with_capacity(USUAL);
        pack(value, &mut packed)?;
        if self == Self::MessagePack {
            return Ok(packed);
        }
        let mut out = Vec::with_capacity(2 * packed.len());
        self.put_packed(&packed, &mut out)?;
        Ok(out)
    }

    /// Appends a value that was [packed](pack), as this format has it. After an error `out` ends in anything.
    pub(crate) fn put_packed(self, packed: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        match self {
            Self::MessagePack => out.extend_from_slice(packed),
            Self::Json => {
                let node = msgpack::read(packed, MOST_DEPTH).map_err(Flaw::while_encoding)?;
                json::write(out, &node);
            }
        }
        Ok(())
    }

    /// The value in `bytes`, all of them; an [`ErrorKind::Decode`] if they hold no such `T`.
    pub(crate) fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, Error> {
        match self {
            Self::MessagePack => {
                msgpack::check(bytes, MOST_DEPTH).map_err(Flaw::while_decoding)?;
                unpack(bytes)
            }
            Self::Json => {
                let node = json::read(bytes, MOST_DEPTH).map_err(Flaw::while_decoding)?;
                let mut packed = Buffer::new();
                msgpack::write(&mut packed, &node);
                unpack(packed.as_slice())
            }
        }
    }

    /// Whether two encoded values mean the same: the order of maps and the width of integers do not count,
    /// but `1`, `1.0` and `"1"` are three values. Bytes that hold no value equal only themselves.
    pub(crate) fn is_equal(self, a: &[u8], b: &[u8]) -> bool {
        if a == b {
            return true;
        }
        let are_unlike = match self {
            Self::Json => json::are_unlike(a, b),
            Self::MessagePack => msgpack::are_unlike(a, b),
        };
        if are_unlike {
            return false;
        }
        match (self.read(a), self.read(b)) {
            (Ok(a), Ok(b)) => a.is_same(&b),
            _ => false,
        }
    }

    /// The same value in another format. Byte strings become arrays of numbers in JSON, and stay that.
    pub(crate) fn transcode(self, bytes: &[u8], to: Self) -> Result<Vec<u8>, Error> {
        let node = self.read(bytes).map_err(Flaw::while_decoding)?;
        Ok(if self == to { bytes.to_vec() } else { to.write(&node) })
    }

    /// Appends a number in decimal digits, as JSON has it.
    pub(crate) fn put_decimal(out: &mut impl Sink, number: u64) {
        json::put_decimal(out, number);
    }

    /// Where the value ends that `text` begins with at `at`, if there is a sound one.
    pub(crate) fn end_of_json(text: &str, at: usize) -> Option<usize> {
        json::scan::value(text.as_bytes(), at, DEPTH_OF_PAYLOAD).ok()
    }

    /// Where the JSON string ends whose first quote was at `at - 1`, past its last one; `None` if it has escapes.
    pub(crate) fn end_of_plain_json_text(text: &str, at: usize) -> Option<usize> {
        let (end, is_escaped) = json::scan::text(text.as_bytes(), at).ok()?;
        (!is_escaped).then_some(end)
    }

    /// Whether `bytes` are one whole value that is not nested too deep.
    pub(crate) fn check(self, bytes: &[u8]) -> Result<(), Flaw> {
        match self {
            Self::Json => json::check(bytes, MOST_DEPTH),
            Self::MessagePack => msgpack::check(bytes, MOST_DEPTH),
        }
    }

    fn read(self, bytes: &[u8]) -> Result<Node<'_>, Flaw> {
        match self {
            Self::Json => json::read(bytes, DEPTH_OF_PAYLOAD),
            Self::MessagePack => msgpack::read(bytes, DEPTH_OF_PAYLOAD),
        }
    }

    fn write(self, node: &Node<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Json => json::write(&mut out, node),
            Self::MessagePack => msgpack::write(&mut out, node),
        }
        out
    }
}

/// Takes down a value as serde describes it, which is the application's code; an [`ErrorKind::Encode`] says what in it
/// cannot be stored.
pub(crate) fn pack<T: Serialize + ?Sized>(value: &T, out: &mut impl Draft) -> Result<(), Error> {
    msgpack::pack(value, out, MOST_DEPTH)
}

fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Result<T, Error> {
    let mut deserializer = rmp_serde::Deserializer::from_read_ref(packed).with_human_readable();
    // The deserializer's own error is not kept, because it quotes the value.
    T::deserialize(&mut deserializer).map_err(|_| {
        let asked_for = std::any::type_name::<T>();
        Error::new(
            ErrorKind::Decode,
            format!("the stored value is no `{asked_for}`: ask for the type that was set"),
        )
    })
}
