//! How long nothing is tried again after it was in vain.

use std::time::Duration;

use tokio::time::Instant;

/// A pause after a failure, longer with each failure in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pause {
    length: Duration,
    until: Instant,
}

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

impl Pause {
    /// Begins now; twice as long as the one before, if there was one.
    pub(crate) fn after(before: Option<Self>) -> Self {
        let length = before.map_or(FIRST, |before| (2 * before.length).min(LONGEST));
        Self { length, until: Instant::now() + length }
    }

    pub(crate) fn is_over(self) -> bool {
        Instant::now() >= self.until
    }
}
