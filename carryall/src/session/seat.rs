//! Where the state of one request's session lies: nowhere, until somebody asks for it.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::state::State;

/// The state, once there is one. Boxed, so that a request which does not ask for its session pays for no room, and one
/// which does moves a pointer.
#[derive(Debug, Default)]
pub(crate) struct Seat(Mutex<Option<Box<State>>>);

/// The state, for one task at a time. Never held across an await or a closure of the application.
#[derive(Debug)]
pub(crate) struct Locked<'a>(MutexGuard<'a, Option<Box<State>>>);

impl Seat {
    /// The state, which is the first one if there was none.
    pub(crate) fn lock_or(&self, first: impl FnOnce() -> Box<State>) -> Locked<'_> {
        let mut state = self.lock();
        state.get_or_insert_with(first);
        Locked(state)
    }

    /// The state, if there is one.
    pub(crate) fn lock_if_taken(&self) -> Option<Locked<'_>> {
        Some(self.lock()).filter(|state| state.is_some()).map(Locked)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<State>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.0.as_deref().unwrap_or_else(|| unreachable!("{MADE}"))
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.0.as_deref_mut().unwrap_or_else(|| unreachable!("{MADE}"))
    }
}

const MADE: &str = "a state was made or found when it was locked";
