//! Finding one value of a map segment without looking at the others, which is all that most requests ask for.

use super::Contents;
use super::entries::{Entries, Entry, mark};
use super::place::Slot;
use super::segment::State;
use crate::error::Error;
use crate::format::{Flaw, Format, scan};

impl Contents {
    /// The index of a map segment in which a key is listed, if the segment has it; the other keys may not be.
    #[inline]
    pub(super) fn open_at(&mut self, name: &str, key: &str) -> Result<usize, Error> {
        let at = self.find_or_note(name)?;
        self.list(at, key.as_bytes()).map_err(Flaw::while_decoding)?;
        Ok(at)
    }

    /// The same by the segment's name.
    pub(super) fn locate_at(&mut self, name: Slot, key: Slot) -> Result<usize, Error> {
        let at = self.locate(name)?;
        let is_listed = matches!(self.segments[at].state, State::Glimpsed)
            && self.find_entry(at, self.bytes(key)).is_some();
        if !is_listed {
            let key = self.bytes(key).to_vec();
            self.list(at, &key).map_err(Flaw::while_decoding)?;
        }
        Ok(at)
    }

    #[inline]
    fn list(&mut self, at: usize, key: &[u8]) -> Result<(), Flaw> {
        let is_listed = match self.segments[at].state {
            State::Stored => self.glimpse(at, key)?,
            State::Glimpsed => self.find_entry(at, key).is_some(),
            State::Map { .. } | State::Document { .. } | State::Gone => false,
        };
        if is_listed { Ok(()) } else { self.slice(at) }
    }

    /// Lists the value of a key alone, if the base has it. In JSON, entries are found when the payload is.
    fn glimpse(&mut self, at: usize, key: &[u8]) -> Result<bool, Flaw> {
        let (Format::MessagePack, Some(stored)) = (self.format, self.segments[at].base) else {
            return Ok(false);
        };
        let map = stored.body;
        let Some(found) = scan::find(&self.base[map.range()], key)? else { return Ok(false) };
        let [key_at, raw, value] =
            [&found.key, &(found.start..found.value.end), &found.value].map(|part| map.part(part));
        let segment = &mut self.segments[at];
        segment.entries = Entries::of_one(Entry::of_base(Slot::base(key_at), mark(key), raw, value));
        segment.state = State::Glimpsed;
        Ok(true)
    }

    /// Lists the values beside the one that was found alone, which stays what it has become.
    pub(super) fn look_closely(&mut self, at: usize) -> Result<(), Flaw> {
        let Some(base) = self.segments[at].base else { return Err(Flaw::Malformed) };
        let mut entries = self.entries_of(Slot::base(base.body))?;
        for known in &*self.segments[at].entries {
            let one = entries.iter_mut().find(|entry| entry.origin == known.origin).ok_or(Flaw::Malformed)?;
            one.clone_from(known);
        }
        let segment = &mut self.segments[at];
        segment.entries = entries;
        segment.state = State::Map { version: base.version, whole: Some(Slot::base(base.body)) };
        Ok(())
    }

    /// Removes everything in a segment, with every value that it had on the list.
    pub(super) fn clear_at(&mut self, at: usize) {
        if matches!(self.segments[at].state, State::Glimpsed) {
            // Values that cannot be listed are removed all the same, for good.
            let _unreadable = self.slice(at);
        }
        self.segments[at].clear();
    }
}
