//! Verbs for callers that must not run closures while they hold the contents, and for keys that are no paths.
//!
//! A closure of the application is run on a copy of the value first; what it made is recorded afterwards, together
//! with the closure for a replay.

use super::Contents;
use super::op::{Action, BodyUpdater, Guard, Place, Updater};
use super::place::Slot;
use crate::error::Error;

impl Contents {
    /// A copy of the value at a path. Does not count as reading it.
    pub(crate) fn peek(&mut self, segment: &str, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let at = self.open_at(segment, path)?;
        let found = self.resolve(at, path);
        Ok(self.value_at(at, &found).map(<[u8]>::to_vec))
    }

    /// A copy of the value of a key that is no path. Does not count as reading it.
    pub(crate) fn peek_exact(&mut self, segment: &str, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let at = self.open(segment)?;
        let now = self.find_entry(at, key.as_bytes()).and_then(|entry| self.segments[at].entries[entry].now);
        Ok(now.map(|slot| self.bytes(slot).to_vec()))
    }

    /// A copy of a document with its version. Does not count as reading it.
    pub(crate) fn peek_body(&self, segment: &str) -> Option<(u32, Vec<u8>)> {
        let segment = &self.segments[self.find(segment.as_bytes())?];
        Some((segment.version(), self.collect(self.body_of(segment)?).into_owned()))
    }

    /// Stores an encoded value under a key that is no path.
    pub(crate) fn set_exact(&mut self, segment: &str, key: &str, encoded: &[u8]) -> Result<(), Error> {
        let (name, place) = self.exact(segment, key)?;
        let value = self.keep(encoded)?;
        self.apply(name, Action::Set { place, value, guard: Guard::Blind })
    }

    /// Removes the value of a key that is no path.
    pub(crate) fn remove_exact(&mut self, segment: &str, key: &str) -> Result<(), Error> {
        let (name, place) = self.exact(segment, key)?;
        self.apply(name, Action::Remove { place })
    }

    /// Records an update whose closure has already made `made` of the value that is there.
    pub(crate) fn record_update(
        &mut self,
        segment: &str,
        path: &str,
        update: Updater,
        made: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let at = self.open_at(segment, path)?;
        let place = self.place_of(at, &self.resolve(at, path))?;
        let effect = self.effect_of_made(at, &place, made)?;
        let name = self.segments[at].name;
        self.done(name, Action::Update { place, update }, effect)
    }

    /// Records an update of a document whose closure has already made `made` of it.
    pub(crate) fn record_update_body(
        &mut self,
        segment: &str,
        version: u32,
        update: BodyUpdater,
        made: Option<Vec<u8>>,
    ) -> Result<(), Error> {
        let at = self.find_or_note(segment)?;
        let name = self.segments[at].name;
        let effect = self.effect_of_body(made)?;
        self.done(name, Action::UpdateBody { version, update }, effect)
    }

    /// Whether the session has this segment. Slices nothing.
    pub(crate) fn has_segment(&self, segment: &str) -> bool {
        self.find(segment.as_bytes()).is_some_and(|at| self.body_of(&self.segments[at]).is_some())
    }

    /// Whether any change depends on what it finds, so that it must not be made twice.
    pub(crate) fn has_updates(&self) -> bool {
        self.ops.iter().any(|op| matches!(op.action, Action::Update { .. } | Action::UpdateBody { .. }))
    }

    /// Gives up every change since the payload was loaded.
    pub(crate) fn discard(&mut self) {
        self.ops.clear();
        self.grown = 0;
        self.revert();
    }

    fn exact(&mut self, segment: &str, key: &str) -> Result<(Slot, Place), Error> {
        let at = self.open(segment)?;
        let key = match self.find_entry(at, key.as_bytes()) {
            Some(entry) => self.segments[at].entries[entry].key,
            None => Slot::written(self.keep(key.as_bytes())?),
        };
        Ok((self.segments[at].name, Place { key, rest: None }))
    }
}
