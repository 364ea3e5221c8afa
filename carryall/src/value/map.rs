//! Values by key and dotted path: the verbs of map segments.
//!
//! What was read is remembered by its top-level key, for that is what a conflict is about.

use super::entries::{Entry, mark};
use super::op::{Action, Effect, Place};
use super::place::{Slot, Span};
use super::segment::State;
use super::{Contents, path};
use crate::error::Error;

/// Where a path leads: its entry, if the segment ever had one, its top-level key, and the rest of the way.
pub(super) struct Found<'p> {
    pub(super) entry: Option<usize>,
    pub(super) key: &'p str,
    pub(super) rest: Option<&'p str>,
}

/// Whether a key has a dot in it. Keys are short: a search made for long text would take longer to begin than this to end.
#[inline]
pub(super) fn has_dot(key: &[u8]) -> bool {
    match (key.first_chunk(), key.last_chunk()) {
        // These two have all of it between them.
        (Some(front), Some(back)) if key.len() <= 16 => has_dot_in_eight(*front) || has_dot_in_eight(*back),
        _ => key.contains(&b'.'),
    }
}

#[inline]
fn has_dot_in_eight(bytes: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    // A byte is zero where a dot was; the lowest one is told from all others by what is borrowed for it.
    let rest = u64::from_ne_bytes(bytes) ^ u64::from_ne_bytes([b'.'; 8]);
    rest.wrapping_sub(ONES) & !rest & ONES << 7 != 0
}

impl Contents {
    /// The encoded value at a path. From now on the key counts as read.
    pub(crate) fn get(&mut self, segment: &str, path: &str) -> Result<Option<&[u8]>, Error> {
        let at = self.open_at(segment, path)?;
        let found = self.resolve(at, path);
        self.note_seen(at, &found)?;
        Ok(self.value_at(at, &found))
    }

    /// Whether there is a value at a path. From now on the key counts as read.
    pub(crate) fn contains(&mut self, segment: &str, path: &str) -> Result<bool, Error> {
        Ok(self.get(segment, path)?.is_some())
    }

    /// The keys of a segment, in the order in which they came to be. That does not count as reading them.
    pub(crate) fn keys(&mut self, segment: &str) -> Result<Vec<String>, Error> {
        let at = self.open(segment)?;
        let live = self.segments[at].entries.iter().filter(|entry| entry.now.is_some());
        Ok(live.map(|entry| self.text(entry.key).to_owned()).collect())
    }

    /// Removes a value, whatever it is by then. Whether there was one.
    ///
    /// Elements of arrays cannot be removed.
    pub(crate) fn remove(&mut self, segment: &str, path: &str) -> Result<bool, Error> {
        let at = self.open(segment)?;
        let place = self.place_of(at, &self.resolve(at, path))?;
        let name = self.segments[at].name;
        self.apply(name, Action::Remove { place })?;
        Ok(self.was_removed())
    }

    /// Removes the value of a key; at replay only if it still is what it is now. Whether there was one.
    pub(crate) fn remove_seen(&mut self, segment: &str, key: &str) -> Result<bool, Error> {
        let at = self.open(segment)?;
        let entry = self.find_entry(at, key.as_bytes()).map(|entry| &self.segments[at].entries[entry]);
        let Some((key, now)) = entry.and_then(|entry| Some((entry.key, entry.now?))) else {
            return Ok(false);
        };
        let seen = self.bytes(now).to_vec();
        let seen = self.keep(&seen)?;
        let name = self.segments[at].name;
        self.apply(name, Action::RemoveSeen { key, seen })?;
        Ok(true)
    }

    fn was_removed(&self) -> bool {
        self.ops.last().is_some_and(|op| !matches!(op.effect, Effect::Nothing))
    }

    #[inline]
    pub(super) fn resolve<'p>(&self, at: usize, path: &'p str) -> Found<'p> {
        let whole = self.find_entry(at, path.as_bytes());
        if whole.is_none_or(|entry| self.segments[at].entries[entry].now.is_none())
            && let Some(dot) = path.find('.')
        {
            return self.resolve_head(at, path, dot);
        }
        Found { entry: whole, key: path, rest: None }
    }

    fn resolve_head<'p>(&self, at: usize, path: &'p str, dot: usize) -> Found<'p> {
        let (key, rest) = (&path[..dot], &path[dot + 1..]);
        Found { entry: self.find_entry(at, key.as_bytes()), key, rest: Some(rest) }
    }

    pub(super) fn place_of(&mut self, at: usize, found: &Found<'_>) -> Result<Place, Error> {
        let key = match found.entry {
            Some(entry) => self.segments[at].entries[entry].key,
            None => Slot::written(self.keep(found.key.as_bytes())?),
        };
        let rest = found.rest.map(|rest| self.keep(rest.as_bytes())).transpose()?;
        Ok(Place { key, rest })
    }

    pub(super) fn value_at(&self, at: usize, found: &Found<'_>) -> Option<&[u8]> {
        let value = self.bytes(self.segments[at].entries[found.entry?].now?);
        match found.rest {
            None => Some(value),
            Some(rest) => path::find(self.format, value, rest),
        }
    }

    /// The entry of a key, be it a removed one.
    #[inline]
    pub(super) fn find_entry(&self, at: usize, key: &[u8]) -> Option<usize> {
        let mark = mark(key);
        if self.segments[at].entries.may_have(mark) { self.find_marked(at, key, mark) } else { None }
    }

    fn find_marked(&self, at: usize, key: &[u8], mark: u8) -> Option<usize> {
        let is_it = |entry: &Entry| entry.mark == mark && self.bytes(entry.key) == key;
        self.segments[at].entries.iter().position(is_it)
    }

    pub(super) fn note_seen(&mut self, at: usize, found: &Found<'_>) -> Result<(), Error> {
        let segment = &mut self.segments[at];
        if let Some(entry) = found.entry {
            let entry = &mut segment.entries[entry];
            entry.is_seen |= !entry.is_own && !segment.is_own;
        } else if !segment.is_own {
            // That there is nothing is worth remembering too.
            let mark = mark(found.key.as_bytes());
            let key = Slot::written(self.keep(found.key.as_bytes())?);
            self.segments[at].entries.push(Entry { is_seen: true, ..Entry::absent(key, mark) });
        }
        Ok(())
    }

    /// What the base says of a key.
    pub(super) fn stored_value(&self, at: usize, key: &[u8]) -> Option<Span> {
        let segment = &self.segments[at];
        if segment.is_sliced_of_base() {
            match self.find_entry(at, key) {
                Some(entry) => return segment.entries[entry].origin?.in_base(),
                None if matches!(segment.state, State::Glimpsed) => {}
                None => return None,
            }
        }
        let body = segment.base?.body;
        let value = self.format.child(&self.base[body.range()], std::str::from_utf8(key).ok()?)?;
        Some(body.part(&value))
    }
}
