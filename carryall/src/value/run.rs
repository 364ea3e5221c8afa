//! Values that were written one behind the other, each with its key, as they will stand in a map in MessagePack.
//!
//! So a session is mostly filled: key after key, and nobody looks before it is written.

use super::place::{Slot, Span};
use crate::format::{Flaw, scan};

/// A run of entries among what was written.
#[derive(Clone, Copy)]
pub(super) struct Run {
    fields: Span,
    count: u32,
}

/// One entry of a run.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) key: Slot,
    pub(super) value: Slot,
    /// Key and value.
    pub(super) whole: Slot,
}

impl Run {
    /// One entry alone.
    #[inline]
    pub(super) fn of(field: Span) -> Self {
        Self { fields: field, count: 1 }
    }

    /// Several; `None` for none.
    pub(super) fn of_fields(fields: Span, count: usize) -> Option<Self> {
        let count = u32::try_from(count).ok().filter(|count| *count > 0)?;
        Some(Self { fields, count })
    }

    /// Adds entries if they lie right behind these; whether they do.
    #[inline]
    pub(super) fn extend(&mut self, next: Self) -> bool {
        let Some(fields) = self.fields.joined(next.fields) else { return false };
        *self = Self { fields, count: self.count + next.count };
        true
    }

    pub(super) fn fields(self) -> Span {
        self.fields
    }

    /// The same, copied to another place.
    pub(super) fn moved(self, fields: Span) -> Self {
        Self { fields, ..self }
    }

    pub(super) fn count(self) -> u32 {
        self.count
    }

    /// Goes through the entries.
    pub(super) fn each(self, written: &[u8], mut found: impl FnMut(Field)) -> Result<(), Flaw> {
        let map = &written[self.fields.range()];
        scan::entries(map, self.count as usize, 0, |_, entry| {
            let whole = entry.start..entry.value.end;
            let [key, value, whole] =
                [entry.key, entry.value, whole].map(|part| Slot::written(self.fields.part(&part)));
            found(Field { key, value, whole });
            Ok(())
        })
    }

    /// Takes the last entry off; `None` if it is the only one.
    pub(super) fn pop(&mut self, written: &[u8]) -> Result<Option<Span>, Flaw> {
        if self.count == 1 {
            return Ok(None);
        }
        let mut last = 0;
        self.each(written, |field| last = self.fields.len() - field.whole.len())?;
        let taken = self.fields.part(&(last..self.fields.len()));
        *self = Self { fields: self.fields.part(&(0..last)), count: self.count - 1 };
        Ok(Some(taken))
    }
}
