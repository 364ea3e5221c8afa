//! Doing the write-set again on what another request stored meanwhile, and taking its last op back.

use super::op::{Action, Effect, Guard, Op, Place};
use super::place::{Slot, Span};
use super::segment::State;
use super::{Contents, path};
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
    /// The result can be rebased again, and is changed if it differs from `fresh`. What this request has read is
    /// not carried over: further handling has to read again.
    pub(crate) fn rebase(&self, fresh: Contents) -> Result<Contents, Rebase> {
        let mut next = if fresh.format == self.format {
            fresh
        } else {
            fresh.transcode(self.format).map_err(Rebase::Failed)?
        };
        for op in &self.ops {
            next.replay(self, op)?;
        }
        Ok(next)
    }

    /// Takes the last op back; whether there was one. Costs as much as doing all the others again.
    pub(crate) fn undo_last(&mut self) -> Result<bool, Error> {
        let undone = self.ops.pop();
        self.revert();
        for index in 0..self.ops.len() {
            self.enact(index)?;
        }
        if let Some(Op { effect: Effect::Stored(span), .. }) = undone {
            self.forget(span);
        }
        Ok(undone.is_some())
    }

    fn replay(&mut self, old: &Contents, op: &Op) -> Result<(), Rebase> {
        let segment = self.adopt(old, op.segment).map_err(Rebase::Failed)?;
        let action = self.adopt_action(old, &op.action).map_err(Rebase::Failed)?;
        let conflict = |contents: &Contents, key: Option<Slot>| Rebase::Conflict {
            segment: contents.text(segment).to_owned(),
            key: key.map(|key| contents.text(key).to_owned()),
        };
        match &action {
            Action::Set { place, value, guard } => {
                let at = self.locate_map(segment).map_err(Rebase::Failed)?;
                if !self.allows_value(at, *place, *value, *guard) {
                    return Err(conflict(self, Some(place.key)));
                }
                // What is in the way of a path now was put there by the other request.
                let key = place.key;
                self.apply(segment, action).map_err(|_| conflict(self, Some(key)))
            }
            Action::SetBody { version, body, guard } => {
                let at = self.locate(segment).map_err(Rebase::Failed)?;
                if !self.allows_body(at, *version, *body, *guard) {
                    return Err(conflict(self, None));
                }
                self.apply(segment, action).map_err(Rebase::Failed)
            }
            _ => self.apply(segment, action).map_err(Rebase::Failed),
        }
    }

    /// Whether what is stored under a key is what was read, or already what is to be set.
    fn allows_value(&self, at: usize, place: Place, value: Span, guard: Guard) -> bool {
        let stored = self.stored_value(at, self.bytes(place.key)).map(|span| &self.base[span.range()]);
        let leaf = match place.rest {
            None => stored,
            Some(rest) => {
                let rest = self.text(Slot::written(rest));
                stored.and_then(|stored| path::find(self.format, stored, rest))
            }
        };
        self.allows(guard, stored.map(|stored| (0, stored)))
            || leaf.is_some_and(|leaf| self.format.is_equal(leaf, self.written(value)))
    }

    fn allows_body(&self, at: usize, version: u32, body: Span, guard: Guard) -> bool {
        let stored = self.segments[at].base.map(|base| (base.version, &self.base[base.body.range()]));
        self.allows(guard, stored)
            || stored
                .is_some_and(|(of, stored)| of == version && self.format.is_equal(stored, self.written(body)))
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
                for entry in &mut segment.entries {
                    entry.now = entry.origin;
                    entry.field = None;
                    entry.is_own = false;
                }
            } else {
                segment.is_seen = segment.is_any_seen();
                segment.entries.clear();
                segment.state = State::Stored;
            }
        }
    }
}
