//! Doing an op: first what comes of it is found, then it is done; in between nothing can fail.

use super::entries::{Entry, mark};
use super::op::{Action, Effect, Op, Place};
use super::place::Slot;
use super::run::{Field, Run};
use super::{AROUND, Contents, path};
use crate::error::Error;
use crate::format::Flaw;

impl Contents {
    /// Does what was asked for and remembers it; an error leaves everything as it was.
    pub(super) fn apply(&mut self, segment: Slot, action: Action) -> Result<(), Error> {
        let effect = self.effect_of(segment, &action)?;
        self.done(segment, action, effect)
    }

    /// Brings about and remembers an op of which it is known what comes of it.
    pub(super) fn done(&mut self, segment: Slot, action: Action, effect: Effect) -> Result<(), Error> {
        self.remember(Op { segment, action, effect });
        let done = self.enact(self.ops.len() - 1);
        if done.is_err() {
            self.ops.pop();
        }
        done
    }

    /// Adds to the write-set.
    #[inline]
    pub(super) fn remember(&mut self, op: Op) {
        let key = match &op.action {
            Action::Set { place, .. } | Action::Update { place, .. } => place.key.len(),
            _ => 0,
        };
        // As if every character of a name had to be escaped.
        self.grown += AROUND + op.effect.len() + 6 * (key + op.segment.len());
        self.ops.push(op);
    }

    fn effect_of(&mut self, segment: Slot, action: &Action) -> Result<Effect, Error> {
        match action {
            Action::Clear | Action::ClearAll => Ok(Effect::Removed),
            Action::SetBody { body, .. } => self.locate(segment).map(|_| Effect::Stored(*body)),
            Action::Fill(run) => self.locate_map(segment).map(|_| Effect::Stored(run.fields())),
            Action::UpdateBody { update, .. } => {
                let at = self.locate(segment)?;
                let segment = &self.segments[at];
                let body = self.body_of(segment).map(|body| self.collect(body));
                let made = update(body.as_deref().map(|body| (segment.version(), body)))?;
                self.effect_of_body(made)
            }
            Action::Set { place, value, .. } => {
                let at = self.locate_at(segment, place.key)?;
                match place.rest {
                    None => Ok(Effect::Stored(*value)),
                    Some(rest) => {
                        let rest = self.text(Slot::written(rest));
                        let old = self.value_of(at, place.key);
                        let made = path::put(self.format, old, rest, self.written(*value))?;
                        self.keep(&made).map(Effect::Stored)
                    }
                }
            }
            Action::Update { place, update } => {
                let at = self.locate_at(segment, place.key)?;
                let made = update(self.leaf_of(at, place))?;
                self.effect_of_made(at, place, made)
            }
            Action::Remove { place } => {
                let at = self.locate_map(segment)?;
                self.effect_of_removal(at, place)
            }
            Action::RemoveSeen { key, seen } => {
                let at = self.locate_map(segment)?;
                let is_same = |value| self.format.is_equal(value, self.written(*seen));
                Ok(if self.value_of(at, *key).is_some_and(is_same) {
                    Effect::Removed
                } else {
                    Effect::Nothing
                })
            }
        }
    }

    /// What comes of an update that made this of the value.
    pub(super) fn effect_of_made(
        &mut self,
        at: usize,
        place: &Place,
        made: Option<Vec<u8>>,
    ) -> Result<Effect, Error> {
        match made {
            Some(made) => {
                let made = self.made_at(at, place, made)?;
                self.keep(&made).map(Effect::Stored)
            }
            None if self.leaf_of(at, place).is_none() => Ok(Effect::Nothing),
            None => self.effect_of_removal(at, place),
        }
    }

    /// What comes of an update that made this of a document.
    pub(super) fn effect_of_body(&mut self, made: Option<Vec<u8>>) -> Result<Effect, Error> {
        made.map_or(Ok(Effect::Removed), |made| self.keep(&made).map(Effect::Stored))
    }

    /// The whole value of a key, with `leaf` at its place inside.
    fn made_at(&self, at: usize, place: &Place, leaf: Vec<u8>) -> Result<Vec<u8>, Error> {
        match place.rest {
            None => Ok(leaf),
            Some(rest) => {
                let rest = self.text(Slot::written(rest));
                path::put(self.format, self.value_of(at, place.key), rest, &leaf)
            }
        }
    }

    fn effect_of_removal(&mut self, at: usize, place: &Place) -> Result<Effect, Error> {
        let Some(value) = self.value_of(at, place.key) else {
            return Ok(Effect::Nothing);
        };
        let Some(rest) = place.rest else { return Ok(Effect::Removed) };
        match path::cut(self.format, value, self.text(Slot::written(rest)))? {
            None => Ok(Effect::Nothing),
            Some(made) => self.keep(&made).map(Effect::Stored),
        }
    }

    fn value_of(&self, at: usize, key: Slot) -> Option<&[u8]> {
        let entry = self.find_entry(at, self.bytes(key))?;
        Some(self.bytes(self.segments[at].entries[entry].now?))
    }

    fn leaf_of(&self, at: usize, place: &Place) -> Option<&[u8]> {
        let value = self.value_of(at, place.key)?;
        match place.rest {
            None => Some(value),
            Some(rest) => path::find(self.format, value, self.text(Slot::written(rest))),
        }
    }

    /// Brings about what came of an op.
    pub(super) fn enact(&mut self, index: usize) -> Result<(), Error> {
        let op = &self.ops[index];
        let now = match op.effect {
            Effect::Nothing => return Ok(()),
            Effect::Removed => None,
            Effect::Stored(span) => Some(Slot::written(span)),
        };
        let is_own = op.action.replaces();
        let name = op.segment;
        match &op.action {
            Action::ClearAll => (0..self.segments.len()).for_each(|at| self.clear_at(at)),
            Action::Clear => {
                if let Some(at) = self.find(self.bytes(name)) {
                    self.clear_at(at);
                }
            }
            Action::SetBody { version, .. } | Action::UpdateBody { version, .. } => {
                let version = *version;
                let at = self.locate(name)?;
                self.segments[at].replace(version, now, is_own);
            }
            Action::Fill(run) => return self.fill(name, *run),
            Action::Set { place: Place { key, .. }, .. }
            | Action::Update { place: Place { key, .. }, .. }
            | Action::Remove { place: Place { key, .. } }
            | Action::RemoveSeen { key, .. } => {
                let key = *key;
                let at = if now.is_some() { self.locate_at(name, key)? } else { self.locate_map(name)? };
                let found = self.find_entry(at, self.bytes(key));
                self.enter(at, found, key, (now, None), is_own);
            }
        }
        Ok(())
    }

    /// Sets every value of a run.
    fn fill(&mut self, segment: Slot, run: Run) -> Result<(), Error> {
        let at = self.locate_map(segment)?;
        let mut fields = Vec::new();
        run.each(&self.written, |field| fields.push(field)).map_err(Flaw::while_decoding)?;
        for Field { key, value, whole } in fields {
            let found = self.find_entry(at, self.bytes(key));
            self.enter(at, found, key, (Some(value), Some(whole)), true);
        }
        Ok(())
    }

    /// Takes the last change off the write-set; what came of it.
    pub(super) fn take_last(&mut self) -> Result<Option<Effect>, Error> {
        if let Some(Op { action: Action::Fill(run), effect, .. }) = self.ops.last_mut()
            && let Some(taken) = run.pop(&self.written).map_err(Flaw::while_decoding)?
        {
            *effect = Effect::Stored(run.fields());
            return Ok(Some(Effect::Stored(taken)));
        }
        Ok(self.ops.pop().map(|op| op.effect))
    }

    /// Sets or removes the value of the entry that was found for a key, or of a new one.
    ///
    /// `field` is the whole of it, if key and value were written together.
    pub(super) fn enter(
        &mut self,
        at: usize,
        found: Option<usize>,
        key: Slot,
        (now, field): (Option<Slot>, Option<Slot>),
        is_own: bool,
    ) {
        if let Some(entry) = found {
            self.overwrite(at, entry, (now, field), is_own);
        } else {
            let mark = mark(self.bytes(key));
            self.segments[at].entries.push(Entry { field, now, is_own, ..Entry::absent(key, mark) });
        }
    }

    /// Sets or removes the value of an entry.
    pub(super) fn overwrite(
        &mut self,
        at: usize,
        found: usize,
        (now, field): (Option<Slot>, Option<Slot>),
        is_own: bool,
    ) {
        let segment = &mut self.segments[at];
        let is_anew = segment.is_own;
        let entry = &mut segment.entries[found];
        // One that was only looked for, is new and was removed, or went with the whole segment, comes to be now: last.
        let moves = entry.now.is_none() && (is_anew || entry.origin.is_none());
        entry.now = now;
        entry.field = field;
        entry.is_own |= is_own;
        if moves {
            segment.entries[found..].rotate_left(1);
        }
    }
}
