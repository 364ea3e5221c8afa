//! A clock that goes with tokio's, which tests can pause.

use carryall::clock::{Clock, Timestamp};
use tokio::time::Instant;

/// Begins at 2030-01-01 and goes on with tokio's time.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock(Instant);

impl Default for TokioClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_secs(1_893_456_000).plus(self.0.elapsed())
    }
}
