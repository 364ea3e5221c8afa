//! What can be wrong with encoded bytes.

use crate::error::{Error, ErrorKind};

/// Why bytes are not the encoded value they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Cut off, or against the format's grammar.
    Malformed,
    /// More bytes than the value has.
    Trailing,
    /// Arrays and maps nested deeper than allowed.
    TooDeep,
    /// A float that is `NaN` or infinite.
    NotFinite,
    /// A map with a key that is no string.
    KeyNotText,
    /// A MessagePack extension type.
    Extension,
    /// Something other than a map where a map has to be.
    NotAMap,
    /// A map with the same key twice.
    DuplicateKey,
}

impl Flaw {
    /// As the error of the one who wanted to store a value.
    pub(crate) fn while_encoding(self) -> Error {
        Error::new(
            ErrorKind::Encode,
            match self {
                Self::NotFinite => "NaN and infinite floats cannot be stored; store an Option or a string",
                Self::KeyNotText => "a map in this value has keys that are no strings; convert them first",
                Self::TooDeep => "this value is nested deeper than 64 levels",
                Self::Extension => "MessagePack extension types cannot be stored; store bytes or a string",
                Self::NotAMap => "a path leads through a value that is no map; remove that value first",
                Self::Malformed | Self::Trailing | Self::DuplicateKey => {
                    "this value serialized to something else than it announced; check its Serialize"
                }
            },
        )
    }

    /// As the error of the one who wanted to read a value.
    pub(crate) fn while_decoding(self) -> Error {
        Error::new(
            ErrorKind::Decode,
            match self {
                Self::NotAMap => "the segment holds a document, not a map of values; read it by its type",
                Self::TooDeep => "the stored value is nested deeper than 64 levels",
                Self::NotFinite | Self::KeyNotText | Self::Extension => {
                    "the stored value holds something that no session stores"
                }
                Self::Malformed | Self::Trailing | Self::DuplicateKey => {
                    "the stored bytes are no whole value"
                }
            },
        )
    }
}
