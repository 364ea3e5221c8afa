//! What was forgotten, in case the clock was wrong.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Timestamp;

/// Remembers of all forgotten entries when they were made and at what time they were thrown away.
///
/// By a clock that leaps ahead, entries expire whose sessions are good again once the clock is back. Every session of
/// that time is refused then, because nobody knows any more which of them were ended. Without a leap such sessions
/// are past their deadline anyway.
#[derive(Debug, Default)]
pub(super) struct Forgotten {
    made: AtomicU64,
    thrown: AtomicU64,
}

impl Forgotten {
    /// Notes that an entry made then is forgotten now.
    pub(super) fn note(&self, made: Timestamp, now: Timestamp) {
        self.made.fetch_max(made.as_millis(), Ordering::AcqRel);
        self.thrown.fetch_max(now.as_millis(), Ordering::AcqRel);
    }

    /// Whether a session that began then, and could be good until `latest`, may have been among them.
    pub(super) fn may_cover(&self, created: Timestamp, latest: Timestamp) -> bool {
        latest.as_millis() <= self.thrown.load(Ordering::Acquire)
            && created.as_millis() <= self.made.load(Ordering::Acquire)
    }
}
