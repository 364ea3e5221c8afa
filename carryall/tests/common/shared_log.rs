//! A revocation log between the nodes of one application.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use carryall::clock::{Clock as _, Timestamp};
use carryall::revocation::{Entry, RevocationLog, RevocationSet};
use carryall::store::{StoreError, StoreErrorKind};
use carryall::testing::FrozenClock;

/// A log that several nodes share, and that can be cut off.
#[derive(Clone, Debug, Default)]
pub struct SharedLog {
    pub clock: FrozenClock,
    sets: Arc<Mutex<Vec<RevocationSet>>>,
    state: Arc<Mutex<Line>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Line {
    #[default]
    Up,
    /// Nothing can be written.
    Broken,
    /// Nothing can be written, and what was read is too old.
    Lost,
}

impl SharedLog {
    pub fn set(&self, line: Line) {
        *self.state.lock().unwrap() = line;
    }

    fn line(&self) -> Line {
        *self.state.lock().unwrap()
    }
}

impl RevocationLog for SharedLog {
    fn attach(&self, set: &RevocationSet) {
        self.sets.lock().unwrap().push(set.clone());
    }

    async fn append(&self, entry: &Entry) -> Result<(), StoreError> {
        if self.line() != Line::Up {
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        let now = self.clock.now();
        self.sets.lock().unwrap().iter().for_each(|set| set.apply(entry, now));
        Ok(())
    }

    fn is_fresh(&self, _: Timestamp) -> bool {
        self.line() != Line::Lost
    }

    fn skew(&self) -> Duration {
        Duration::ZERO
    }
}
