//! What a request did to its session, one op a call, with all that is needed to do it again.

use std::sync::Arc;

use super::Contents;
use super::place::{Slot, Span};
use super::run::Run;
use crate::error::Error;

/// Makes a new value of the current one; `None` is an absent value on either side.
///
/// It is run again whenever another request won, so it has to be a pure function of what it is given.
pub(crate) type Updater = Arc<dyn Fn(Option<&[u8]>) -> Result<Option<Vec<u8>>, Error> + Send + Sync>;

/// Makes a new document of the current one and its version; otherwise as [`Updater`].
pub(crate) type BodyUpdater =
    Arc<dyn Fn(Option<(u32, &[u8])>) -> Result<Option<Vec<u8>>, Error> + Send + Sync>;

/// One call of a mutator.
#[derive(Clone)]
pub(super) struct Op {
    pub(super) segment: Slot,
    pub(super) action: Action,
    pub(super) effect: Effect,
}

/// What was asked for. Spans are among what was written.
#[derive(Clone)]
pub(super) enum Action {
    Set {
        place: Place,
        value: Span,
        guard: Guard,
    },
    /// Values of keys at which nobody had looked.
    Fill(Run),
    Update {
        place: Place,
        update: Updater,
    },
    Remove {
        place: Place,
    },
    RemoveSeen {
        key: Slot,
        seen: Span,
    },
    Clear,
    ClearAll,
    SetBody {
        version: u32,
        body: Span,
        guard: Guard,
    },
    UpdateBody {
        version: u32,
        update: BodyUpdater,
    },
}

/// A key, or a place inside its value.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) key: Slot,
    pub(super) rest: Option<Span>,
}

/// What has to be stored for a value to be set.
#[derive(Clone, Copy)]
pub(super) enum Guard {
    /// Anything: nobody looked.
    Blind,
    /// Nothing, as was seen.
    Absent,
    /// This part of the base, in this version.
    Base(u32, Span),
    /// These bytes, which were part of an earlier base.
    Kept(u32, Span),
}

/// What came of it.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Nothing,
    /// This was stored.
    Stored(Span),
    Removed,
}

impl Op {
    /// The value of a key is set.
    #[inline]
    pub(super) fn set(segment: Slot, key: Slot, value: Span, guard: Guard) -> Self {
        let action = Action::Set { place: Place { key, rest: None }, value, guard };
        Self { segment, action, effect: Effect::Stored(value) }
    }
}

impl Effect {
    /// How many bytes were stored.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Stored(span) => span.len(),
            Self::Nothing | Self::Removed => 0,
        }
    }
}

impl Action {
    /// Whether it leaves nothing of what was at its place, so that the place no longer depends on the base.
    pub(super) fn replaces(&self) -> bool {
        match self {
            Self::Set { place, .. } | Self::Remove { place } => place.rest.is_none(),
            Self::Fill(_) | Self::RemoveSeen { .. } | Self::Clear | Self::ClearAll | Self::SetBody { .. } => {
                true
            }
            Self::Update { .. } | Self::UpdateBody { .. } => false,
        }
    }
}

/// Taking over what was asked of other contents: nothing in it points into those any more.
impl Contents {
    pub(super) fn adopt_action(&mut self, old: &Contents, action: &Action) -> Result<Action, Error> {
        let mut action = action.clone();
        match &mut action {
            Action::Set { place, value, guard } => {
                self.adopt_place(old, place)?;
                self.adopt_guard(old, guard)?;
                *value = self.keep(old.written(*value))?;
            }
            Action::Fill(run) => *run = run.moved(self.keep(old.written(run.fields()))?),
            Action::Update { place, .. } | Action::Remove { place } => self.adopt_place(old, place)?,
            Action::RemoveSeen { key, seen } => {
                *key = self.adopt(old, *key)?;
                *seen = self.keep(old.written(*seen))?;
            }
            Action::SetBody { body, guard, .. } => {
                self.adopt_guard(old, guard)?;
                *body = self.keep(old.written(*body))?;
            }
            Action::Clear | Action::ClearAll | Action::UpdateBody { .. } => {}
        }
        Ok(action)
    }

    pub(super) fn adopt(&mut self, old: &Contents, slot: Slot) -> Result<Slot, Error> {
        self.keep(old.bytes(slot)).map(Slot::written)
    }

    fn adopt_place(&mut self, old: &Contents, place: &mut Place) -> Result<(), Error> {
        place.key = self.adopt(old, place.key)?;
        if let Some(rest) = &mut place.rest {
            *rest = self.keep(old.written(*rest))?;
        }
        Ok(())
    }

    fn adopt_guard(&mut self, old: &Contents, guard: &mut Guard) -> Result<(), Error> {
        *guard = match *guard {
            Guard::Base(version, span) => Guard::Kept(version, self.keep(old.bytes(Slot::base(span)))?),
            Guard::Kept(version, span) => Guard::Kept(version, self.keep(old.written(span))?),
            Guard::Blind | Guard::Absent => return Ok(()),
        };
        Ok(())
    }
}
