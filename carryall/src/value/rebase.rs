//! Doing the write-set again on what another request stored meanwhile, and taking its last op back.

use super::Contents;
use super::entries::Entry;
use super::op::{Action, Effect, Guard, Op, Place};
use super::place::Slot;
use super::segment::State;
use crate::error::Error;

/// Why a write-set cannot be done again.
#[derive(Debug)]
pub(crate) enum Rebase {
    /// A value that was read before it was set is not what was read any more; without a key it is a document.
    Conflict { segment: String, key: Option<String> },
    /// An update refused the fresh value, or that cannot be read.
    Failed(Error),
}

impl Contents {
    /// All that this request did, done again on a fresh copy in the same order.
    ///
    /// The result can be rebased again, and is changed if it differs from `fresh`. What this request has read counts
    /// as read with the value that was read, not with that of `fresh`, which nobody has seen.
    pub(crate) fn rebase(&self, fresh: Contents) -> Result<Contents, Rebase> {
        let mut next = if fresh.format == self.format {
            fresh
        } else {
            fresh.transcode(self.format).map_err(Rebase::Failed)?
        };
        for op in &self.ops {
            next.replay(self, op)?;
        }
        next.reading = self.marks();
        Ok(next)
    }

    /// Takes the last op back; whether there was one. Costs as much as doing all the others again.
    pub(crate) fn undo_last(&mut self) -> Result<bool, Error> {
        let undone = self.take_last()?;
        self.replay_here()?;
        if let Some(Effect::Stored(span)) = undone {
            self.forget(span);
        }
        Ok(undone.is_some())
    }

    /// Does the write-set again on the base it was made on. An op that cannot be done keeps no other from it.
    pub(super) fn replay_here(&mut self) -> Result<(), Error> {
        self.revert();
        let mut done = Ok(());
        for index in 0..self.ops.len() {
            done = done.and(self.enact(index));
        }
        done
    }

    fn replay(&mut self, old: &Contents, op: &Op) -> Result<(), Rebase> {
        let segment = self.adopt(old, op.segment).map_err(Rebase::Failed)?;
        let action = self.adopt_action(old, &op.action).map_err(Rebase::Failed)?;
        let conflict = |contents: &Contents, key: Option<Slot>| Rebase::Conflict {
            segment: contents.text(segment).to_owned(),
            key: key.map(|key| contents.text(key).to_owned()),
        };
        match &action {
            Action::Set { place, guard, .. } => {
                let at = self.locate_at(segment, place.key).map_err(Rebase::Failed)?;
                if !self.allows_value(at, *place, *guard) {
                    return Err(conflict(self, Some(place.key)));
                }
                // What is in the way of a path now was put there by the other request.
                let key = place.key;
                self.apply(segment, action).map_err(|_| conflict(self, Some(key)))
            }
            Action::SetBody { guard, .. } => {
                let at = self.locate(segment).map_err(Rebase::Failed)?;
                if !self.allows_body(at, *guard) {
                    return Err(conflict(self, None));
                }
                self.apply(segment, action).map_err(Rebase::Failed)
            }
            _ => self.apply(segment, action).map_err(Rebase::Failed),
        }
    }

    /// Whether what is stored under a key is what was read. That it already is what is to be set is not enough: two
    /// who read 5 and set 6 have counted one.
    fn allows_value(&self, at: usize, place: Place, guard: Guard) -> bool {
        let stored = self.stored_value(at, self.bytes(place.key));
        self.allows(guard, stored.map(|span| (0, &self.base[span.range()])))
    }

    fn allows_body(&self, at: usize, guard: Guard) -> bool {
        let stored = self.segments[at].base;
        self.allows(guard, stored.map(|base| (base.version, &self.base[base.body.range()])))
    }

    fn allows(&self, guard: Guard, stored: Option<(u32, &[u8])>) -> bool {
        let (version, expected) = match guard {
            Guard::Blind => return true,
            Guard::Absent => return stored.is_none(),
            Guard::Base(version, span) => (version, &self.base[span.range()]),
            Guard::Kept(version, span) => (version, self.written(span)),
        };
        stored.is_some_and(|(of, stored)| of == version && self.format.is_equal(stored, expected))
    }

    /// Back to the base, with what was read still remembered.
    pub(super) fn revert(&mut self) {
        for segment in &mut self.segments {
            segment.is_own = false;
            if segment.is_sliced_of_base() {
                if let State::Map { version, .. } = &mut segment.state {
                    *version = segment.base.map_or(0, |base| base.version);
                }
                segment.entries.drop_tail();
                // What is only here because it was written may lie where nothing is kept any more.
                segment.entries.retain(|entry| entry.origin.is_some() || entry.is_seen);
                for entry in &mut *segment.entries {
                    entry.now = entry.origin;
                    entry.field = None;
                    entry.is_own = false;
                }
                // Those that went with the whole segment, and came back, stand last.
                segment.entries.sort_by_key(Entry::base_order);
            } else {
                segment.is_seen = segment.is_any_seen();
                segment.entries.clear();
                segment.state = State::Stored;
            }
        }
    }
}
