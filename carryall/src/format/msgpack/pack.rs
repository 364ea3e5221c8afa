//! Serde's data model to MessagePack, in one pass.
//!
//! Whatever no session stores is refused on the way, and so is what serialized to something else than it announced.
//! So what was packed here needs no second look, which took as long as packing did.

use std::fmt::{self, Display};

use serde::ser::{self, Serialize, Serializer};

use super::super::buffer::Draft;
use super::super::flaw::Flaw;
use super::open::{Kind, Open};
use super::write::{put_bytes, put_double, put_negative, put_single, put_text, put_unsigned};
use crate::error::{Error, ErrorKind};

/// The name by which serde formats for MessagePack tell each other an extension type.
const EXTENSION: &str = "_ExtStruct";

/// Appends a value in which nothing is nested deeper than `depth`. After an error `out` ends in anything.
pub(in crate::format) fn pack<T: Serialize + ?Sized>(
    value: &T,
    out: &mut impl Draft,
    depth: u32,
) -> Result<(), Error> {
    let mut packer = Packer { out, depth, is_spoilt: false };
    value.serialize(&mut packer).map_err(|refused| refused.0)?;
    if packer.is_spoilt { Err(Flaw::Malformed.while_encoding()) } else { Ok(()) }
}

/// Why a value cannot be stored.
#[derive(Debug)]
pub(in crate::format) struct Refused(Error);

impl Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Refused {}

impl From<Flaw> for Refused {
    #[cold]
    fn from(flaw: Flaw) -> Self {
        Self(flaw.while_encoding())
    }
}

impl ser::Error for Refused {
    #[cold]
    fn custom<T: Display>(message: T) -> Self {
        let error =
            Error::new(ErrorKind::Encode, "this value cannot be serialized; its own Serialize refused");
        Self(error.because(message.to_string()))
    }
}

/// Writes one value.
pub(in crate::format) struct Packer<'b, D> {
    pub(super) out: &'b mut D,
    /// How many arrays and maps may still be opened inside each other.
    pub(super) depth: u32,
    /// Something was refused, whatever became of the error.
    pub(super) is_spoilt: bool,
}

impl<D: Draft> Packer<'_, D> {
    #[inline]
    pub(super) fn text(&mut self, text: &str) -> Result<(), Refused> {
        storable(text.len())?;
        put_text(self.out, text.as_bytes());
        Ok(())
    }
}

/// That a length can be written at all.
#[inline]
pub(super) fn storable(len: usize) -> Result<usize, Refused> {
    if u32::try_from(len).is_ok() { Ok(len) } else { Err(Flaw::Malformed.into()) }
}

impl<'p, 'b, D: Draft> Serializer for &'p mut Packer<'b, D> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Open<'p, 'b, D>;
    type SerializeTuple = Open<'p, 'b, D>;
    type SerializeTupleStruct = Open<'p, 'b, D>;
    type SerializeTupleVariant = Open<'p, 'b, D>;
    type SerializeMap = Open<'p, 'b, D>;
    type SerializeStruct = Open<'p, 'b, D>;
    type SerializeStructVariant = Open<'p, 'b, D>;

    fn serialize_bool(self, value: bool) -> Result<(), Refused> {
        self.out.put(&[0xc2 | u8::from(value)]);
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Refused> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Refused> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Refused> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Refused> {
        match u64::try_from(value) {
            Ok(value) => put_unsigned(self.out, value),
            Err(_) => put_negative(self.out, value),
        }
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Refused> {
        self.serialize_bytes(&value.to_be_bytes())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Refused> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Refused> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Refused> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Refused> {
        put_unsigned(self.out, value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Refused> {
        self.serialize_bytes(&value.to_be_bytes())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refused> {
        if !value.is_finite() {
            return Err(Flaw::NotFinite.into());
        }
        put_single(self.out, value);
        Ok(())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refused> {
        if !value.is_finite() {
            return Err(Flaw::NotFinite.into());
        }
        put_double(self.out, value);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Refused> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Refused> {
        self.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refused> {
        storable(value.len())?;
        put_bytes(self.out, value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.out.put(&[0xc0]);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refused> {
        ser::SerializeTuple::end(self.serialize_tuple(0)?)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Refused> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        if name == EXTENSION {
            return Err(Flaw::Extension.into());
        }
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        let mut around = Open::new(self, Kind::Map, Some(1))?;
        around.field(variant, value)?;
        around.close()
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Open<'p, 'b, D>, Refused> {
        Open::new(self, Kind::Array, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Open<'p, 'b, D>, Refused> {
        Open::new(self, Kind::Array, Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Open<'p, 'b, D>, Refused> {
        Open::new(self, Kind::Array, Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Open<'p, 'b, D>, Refused> {
        Open::of_variant(self, variant, Kind::Array, len)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Open<'p, 'b, D>, Refused> {
        Open::new(self, Kind::Map, len)
    }

    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Open<'p, 'b, D>, Refused> {
        Open::new(self, Kind::Map, Some(len))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Open<'p, 'b, D>, Refused> {
        Open::of_variant(self, variant, Kind::Map, len)
    }
}
