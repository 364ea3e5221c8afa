//! A clock that moves only when told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// A clock that moves only when told; clones show the same time. Starts at 2030-01-01 00:00:00 UTC.
///
/// ```
/// use std::time::Duration;
/// use carryall::clock::Clock;
/// use carryall::testing::FrozenClock;
/// let clock = FrozenClock::default();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(60));
/// assert_eq!(clock.now().since(before), Duration::from_secs(60));
/// ```
#[derive(Clone, Debug)]
pub struct FrozenClock(Arc<AtomicU64>);

impl Default for FrozenClock {
    fn default() -> Self {
        Self::at(Timestamp::from_secs(1_893_456_000))
    }
}

impl FrozenClock {
    /// A clock that shows this instant.
    pub fn at(instant: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(instant.as_millis())))
    }

    /// Moves on.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Jumps, back as well.
    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for FrozenClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
