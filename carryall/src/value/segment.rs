//! One segment: where its body lies, and its entries once they are asked for.

use super::op::Action;
use super::place::{Slot, Span};
use super::{Contents, DEFAULT, LONGEST_NAME, MOST_SEGMENTS};
use crate::error::{Error, ErrorKind};
use crate::format::Flaw;

/// One segment of a session.
#[derive(Clone)]
pub(super) struct Segment {
    pub(super) name: Slot,
    /// What the payload has of it.
    pub(super) base: Option<Stored>,
    pub(super) state: State,
    /// The values of a map, once it is one; empty otherwise.
    pub(super) entries: Vec<Entry>,
    /// The whole body was read while it still depended on the base.
    pub(super) is_seen: bool,
    /// Written or removed as a whole by this request: nothing in it depends on the base.
    pub(super) is_own: bool,
}

/// A segment's body in the loaded payload.
#[derive(Clone, Copy)]
pub(super) struct Stored {
    pub(super) version: u32,
    pub(super) body: Span,
}

/// What is known of a segment's body.
#[derive(Clone, Copy)]
pub(super) enum State {
    /// As in the base, not looked at; or nowhere, if the base has nothing of it.
    Stored,
    /// Sliced into entries, out of the body that `whole` says; it stands for them until one is written.
    Map { version: u32, whole: Option<Slot> },
    /// Written as a whole.
    Document { version: u32, body: Slot },
    /// Removed.
    Gone,
}

/// One value of a map segment. It stays when the value is removed, to know what was there.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: Slot,
    /// The whole of it in the base, key and value, if it comes from there.
    pub(super) raw: Option<Slot>,
    /// The whole of what it is now, if key and value were written together.
    pub(super) field: Option<Slot>,
    /// What it was when the segment was sliced; `None` if it was not there.
    pub(super) origin: Option<Slot>,
    /// What it is; `None` if it is removed.
    pub(super) now: Option<Slot>,
    /// What is compared before the key is.
    pub(super) mark: u8,
    /// Read while it still depended on the base.
    pub(super) is_seen: bool,
    /// Set or removed as a whole by this request: it does not depend on the base.
    pub(super) is_own: bool,
}

impl Segment {
    /// A segment of which only the base knows, or nobody.
    pub(super) fn new(name: Slot, base: Option<Stored>) -> Self {
        Self { name, base, state: State::Stored, entries: Vec::new(), is_seen: false, is_own: false }
    }

    pub(super) fn version(&self) -> u32 {
        match self.state {
            State::Stored => self.base.map_or(0, |base| base.version),
            State::Map { version, .. } | State::Document { version, .. } => version,
            State::Gone => 0,
        }
    }

    /// Whether the entries are the base's and what was added to them, so that each knows what the base says.
    pub(super) fn is_sliced_of_base(&self) -> bool {
        match self.state {
            State::Map { whole: Some(whole), .. } => whole.in_base().is_some(),
            State::Map { whole: None, .. } => self.base.is_none(),
            State::Stored | State::Document { .. } | State::Gone => false,
        }
    }

    /// Whether anything in it was read.
    pub(super) fn is_any_seen(&self) -> bool {
        self.is_seen || self.entries.iter().any(|entry| entry.is_seen)
    }

    /// Removes everything in it.
    pub(super) fn clear(&mut self) {
        self.is_own = true;
        if !matches!(self.state, State::Map { .. }) {
            self.state = State::Gone;
        }
        for entry in &mut self.entries {
            entry.now = None;
        }
    }

    /// Puts a document in its place, or nothing.
    pub(super) fn replace(&mut self, version: u32, body: Option<Slot>, is_own: bool) {
        self.is_seen = self.is_any_seen();
        self.is_own |= is_own;
        self.entries.clear();
        self.state = body.map_or(State::Gone, |body| State::Document { version, body });
    }
}

/// What two equal keys have in common, and others hardly ever.
#[inline]
pub(super) fn mark(key: &[u8]) -> u8 {
    let ends = key.first().zip(key.last()).map_or(0, |(a, b)| a.wrapping_mul(5).wrapping_add(*b));
    // Of the length only the lowest bits.
    key.len().to_le_bytes()[0].wrapping_add(ends)
}

impl Entry {
    /// An entry as the base has it.
    pub(super) fn of_base(key: Slot, mark: u8, raw: Span, value: Span) -> Self {
        let value = Some(Slot::base(value));
        let raw = Some(Slot::base(raw));
        Self { key, mark, raw, field: None, origin: value, now: value, is_seen: false, is_own: false }
    }

    /// An entry that was never there.
    pub(super) fn absent(key: Slot, mark: u8) -> Self {
        Self { key, mark, raw: None, field: None, origin: None, now: None, is_seen: false, is_own: false }
    }

    /// Where it stands among the entries of the base; new ones stand last.
    pub(super) fn base_order(&self) -> usize {
        self.raw.and_then(Slot::in_base).map_or(usize::MAX, |raw| raw.range().start)
    }

    /// Whether it was written or removed by this request, be it to the value it had.
    pub(super) fn is_written(&self) -> bool {
        self.now != self.origin
    }

    /// The whole of it, key and value, if it lies in one piece.
    pub(super) fn whole(&self) -> Option<Slot> {
        self.now?;
        if self.is_written() { self.field } else { self.raw }
    }
}

impl Contents {
    pub(super) fn name(&self, segment: &Segment) -> &str {
        self.text(segment.name)
    }

    /// The index of a segment, be it a removed one.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        // Most often the name is that of the default segment, which is empty.
        let is_it = |segment: &Segment| {
            segment.name.len() == name.len() && (name.is_empty() || self.bytes(segment.name) == name)
        };
        self.segments.iter().position(is_it)
    }

    /// The index of a segment, which is noted if it is not there yet.
    pub(super) fn find_or_note(&mut self, name: &str) -> Result<usize, Error> {
        if let Some(at) = self.find(name.as_bytes()) {
            return Ok(at);
        }
        if name.len() > LONGEST_NAME {
            return Err(Error::new(
                ErrorKind::Misuse,
                "a segment's name has at most 64 bytes; choose a shorter one",
            ));
        }
        if self.segments.len() >= MOST_SEGMENTS {
            return Err(Error::new(
                ErrorKind::Misuse,
                "a session has at most 256 segments; use keys within one",
            ));
        }
        let is_own = self.ops.iter().any(|op| match op.action {
            Action::ClearAll => true,
            Action::Clear => self.bytes(op.segment) == name.as_bytes(),
            _ => false,
        });
        let name = if name == DEFAULT { Slot::EMPTY } else { Slot::written(self.keep(name.as_bytes())?) };
        self.segments.push(Segment { is_own, ..Segment::new(name, None) });
        Ok(self.segments.len() - 1)
    }

    /// The index of a segment by its name, which is noted if it is not there yet.
    pub(super) fn locate(&mut self, name: Slot) -> Result<usize, Error> {
        if let Some(at) = self.find(self.bytes(name)) {
            return Ok(at);
        }
        let name = self.text(name).to_owned();
        self.find_or_note(&name)
    }

    /// The index of a map segment, its entries sliced.
    pub(super) fn open(&mut self, name: &str) -> Result<usize, Error> {
        let at = self.find_or_note(name)?;
        self.slice(at).map_err(Flaw::while_decoding)?;
        Ok(at)
    }

    /// The index of a map segment by its name, its entries sliced.
    pub(super) fn locate_map(&mut self, name: Slot) -> Result<usize, Error> {
        let at = self.locate(name)?;
        self.slice(at).map_err(Flaw::while_decoding)?;
        Ok(at)
    }
}
