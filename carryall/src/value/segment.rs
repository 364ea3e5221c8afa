//! One segment: where its body lies, and its entries once they are asked for.

use super::entries::Entries;
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
    pub(super) entries: Entries,
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
    /// As in the base, of which one value was found and listed; the others were not looked at.
    Glimpsed,
    /// Sliced into entries, out of the body that `whole` says; it stands for them until one is written.
    Map { version: u32, whole: Option<Slot> },
    /// Written as a whole.
    Document { version: u32, body: Slot },
    /// Removed.
    Gone,
}

impl Segment {
    /// A segment of which only the base knows, or nobody.
    pub(super) fn new(name: Slot, base: Option<Stored>) -> Self {
        Self { name, base, state: State::Stored, entries: Entries::default(), is_seen: false, is_own: false }
    }

    pub(super) fn version(&self) -> u32 {
        match self.state {
            State::Stored | State::Glimpsed => self.base.map_or(0, |base| base.version),
            State::Map { version, .. } | State::Document { version, .. } => version,
            State::Gone => 0,
        }
    }

    /// Whether the entries are the base's and what was added to them, so that each knows what the base says. Of those
    /// that are not listed, nothing has changed.
    pub(super) fn is_sliced_of_base(&self) -> bool {
        match self.state {
            State::Glimpsed => true,
            State::Map { whole: Some(whole), .. } => whole.in_base().is_some(),
            State::Map { whole: None, .. } => self.base.is_none(),
            State::Stored | State::Document { .. } | State::Gone => false,
        }
    }

    /// The map in the base that the entries are of, if they are where they were and none came or went.
    pub(super) fn base_in_place(&self) -> Option<Span> {
        let whole = match self.state {
            State::Glimpsed => self.base.map(|base| base.body),
            State::Map { whole, .. } => whole.and_then(Slot::in_base),
            State::Stored | State::Document { .. } | State::Gone => None,
        };
        let is_in_place = !self.is_own
            && self.entries.tail().is_none()
            && self.entries.iter().all(|entry| entry.now.is_some() == entry.origin.is_some());
        whole.filter(|_| is_in_place)
    }

    /// Whether anything in it was read.
    pub(super) fn is_any_seen(&self) -> bool {
        self.is_seen || self.entries.iter().any(|entry| entry.is_seen)
    }

    /// Removes everything in it.
    pub(super) fn clear(&mut self) {
        self.is_own = true;
        if matches!(self.state, State::Glimpsed) {
            self.is_seen = self.is_any_seen();
            self.entries.clear();
        }
        self.entries.drop_tail();
        for entry in &mut *self.entries {
            entry.now = None;
        }
        let shows_it = self.entries.iter().any(|entry| entry.origin.is_some());
        self.state = match self.state {
            State::Map { whole, .. } if shows_it || whole.is_none() => State::Map { version: 0, whole },
            _ => {
                self.entries.retain(|entry| entry.is_seen);
                State::Gone
            }
        };
    }

    /// Puts a document in its place, or nothing.
    pub(super) fn replace(&mut self, version: u32, body: Option<Slot>, is_own: bool) {
        self.is_seen = self.is_any_seen();
        self.is_own |= is_own;
        self.entries.clear();
        self.state = body.map_or(State::Gone, |body| State::Document { version, body });
    }
}

impl Contents {
    pub(super) fn name(&self, segment: &Segment) -> &str {
        self.text(segment.name)
    }

    /// The index of a segment, be it a removed one.
    #[inline]
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        // Most often the name is that of the default segment, which is empty.
        let is_it = |segment: &Segment| {
            segment.name.len() == name.len() && (name.is_empty() || self.bytes(segment.name) == name)
        };
        if self.segments.first().is_some_and(is_it) { Some(0) } else { self.find_next(name) }
    }

    fn find_next(&self, name: &[u8]) -> Option<usize> {
        self.segments.iter().position(|segment| self.bytes(segment.name) == name)
    }

    /// The index of a segment, which is noted if it is not there yet.
    #[inline]
    pub(super) fn find_or_note(&mut self, name: &str) -> Result<usize, Error> {
        match self.find(name.as_bytes()) {
            Some(at) => Ok(at),
            None => self.note(name),
        }
    }

    fn note(&mut self, name: &str) -> Result<usize, Error> {
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
    #[inline]
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
