//! An array or a map while what is in it is packed.

use serde::ser::{self, Serialize};

use super::super::MOST_DEPTH;
use super::super::buffer::Draft;
use super::super::flaw::Flaw;
use super::super::sink::Sink;
use super::pack::{Packer, Refused, storable};
use super::write::{put_array_len, put_map_len};

/// An array or a map that is not complete.
pub(in crate::format) struct Open<'p, 'b, D> {
    packer: &'p mut Packer<'b, D>,
    kind: Kind,
    /// Where its length belongs, if that was not announced.
    late: Option<usize>,
    /// How many values are still to come, keys among them; counted down from zero if that was not announced.
    left: usize,
    /// The depth around it.
    outside: u32,
}

/// What it is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Array,
    Map,
}

impl Kind {
    #[inline]
    fn put_len(self, out: &mut impl Sink, len: usize) {
        match self {
            Self::Array => put_array_len(out, len),
            Self::Map => put_map_len(out, len),
        }
    }

    /// How many values one of its length is.
    #[inline]
    fn values(self) -> usize {
        match self {
            Self::Array => 1,
            Self::Map => 2,
        }
    }
}

impl<'p, 'b, D: Draft> Open<'p, 'b, D> {
    #[inline]
    pub(super) fn new(
        packer: &'p mut Packer<'b, D>,
        kind: Kind,
        len: Option<usize>,
    ) -> Result<Self, Refused> {
        let outside = packer.depth;
        packer.depth = outside.checked_sub(1).ok_or(Flaw::TooDeep)?;
        let (late, left) = match len {
            None => (Some(packer.out.len()), 0),
            Some(len) => {
                kind.put_len(packer.out, storable(len)?);
                (None, len.saturating_mul(kind.values()))
            }
        };
        Ok(Self { packer, kind, late, left, outside })
    }

    /// The content of an enum's variant, which is all there is in a map around it.
    #[inline]
    pub(super) fn of_variant(
        packer: &'p mut Packer<'b, D>,
        variant: &'static str,
        kind: Kind,
        len: usize,
    ) -> Result<Self, Refused> {
        let mut around = Self::new(packer, Kind::Map, Some(1))?;
        around.key(variant)?;
        let outside = around.outside;
        Ok(Self { outside, ..Self::new(around.packer, kind, Some(len))? })
    }

    /// Packs the next value.
    #[inline]
    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let packed = value.serialize(&mut *self.packer);
        // Whoever serializes could go on after an error as if nothing had been.
        self.packer.is_spoilt |= packed.is_err();
        self.left = self.left.wrapping_sub(1);
        packed
    }

    /// Packs the next value, which has to be a string.
    fn text<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        let start = self.packer.out.len();
        let is_value_due = self.left % 2 == 1;
        self.value(key)?;
        match self.packer.out.written().get(start) {
            Some(0xa0..=0xbf | 0xd9..=0xdb) if !is_value_due => {
                if self.outside == MOST_DEPTH {
                    self.packer.out.note_key_at(start);
                }
                Ok(())
            }
            _ => {
                self.packer.is_spoilt = true;
                Err(if is_value_due { Flaw::Malformed } else { Flaw::KeyNotText }.into())
            }
        }
    }

    /// Packs a key.
    #[inline]
    fn key(&mut self, key: &'static str) -> Result<(), Refused> {
        self.left = self.left.wrapping_sub(1);
        if self.outside == MOST_DEPTH {
            self.packer.out.note_key(key);
        }
        self.packer.text(key)
    }

    /// Packs an entry.
    #[inline]
    pub(super) fn field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.key(key)?;
        self.value(value)
    }

    /// Completes it, if it is what it was announced to be.
    #[inline]
    pub(super) fn close(self) -> Result<(), Refused> {
        self.packer.depth = self.outside;
        match self.late {
            None if self.left == 0 => Ok(()),
            None => Err(Flaw::Malformed.into()),
            Some(at) => self.put_late_len(at),
        }
    }

    fn put_late_len(self, at: usize) -> Result<(), Refused> {
        let (values, each) = (self.left.wrapping_neg(), self.kind.values());
        if !values.is_multiple_of(each) {
            return Err(Flaw::Malformed.into());
        }
        let out = &mut *self.packer.out;
        let end = out.len();
        self.kind.put_len(out, storable(values / each)?);
        let head = out.len() - end;
        out.written()[at..].rotate_right(head);
        Ok(())
    }
}

impl<D: Draft> ser::SerializeSeq for Open<'_, '_, D> {
    type Ok = ();
    type Error = Refused;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<(), Refused> {
        self.close()
    }
}

impl<D: Draft> ser::SerializeTuple for Open<'_, '_, D> {
    type Ok = ();
    type Error = Refused;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<(), Refused> {
        self.close()
    }
}

impl<D: Draft> ser::SerializeTupleStruct for Open<'_, '_, D> {
    type Ok = ();
    type Error = Refused;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<(), Refused> {
        self.close()
    }
}

impl<D: Draft> ser::SerializeTupleVariant for Open<'_, '_, D> {
    type Ok = ();
    type Error = Refused;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<(), Refused> {
        self.close()
    }
}

impl<D: Draft> ser::SerializeMap for Open<'_, '_, D> {
    type Ok = ();
    type Error = Refused;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        self.text(key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        // Only for a key that was left out; one that comes where a value is due is refused there.
        if self.left.is_multiple_of(2) {
            self.packer.is_spoilt = true;
            return Err(Flaw::Malformed.into());
        }
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<(), Refused> {
        self.close()
    }
}

impl<D: Draft> ser::SerializeStruct for Open<'_, '_, D> {
    type Ok = ();
    type Error = Refused;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.field(key, value)
    }

    #[inline]
    fn end(self) -> Result<(), Refused> {
        self.close()
    }
}

impl<D: Draft> ser::SerializeStructVariant for Open<'_, '_, D> {
    type Ok = ();
    type Error = Refused;

    #[inline]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.field(key, value)
    }

    #[inline]
    fn end(self) -> Result<(), Refused> {
        self.close()
    }
}
