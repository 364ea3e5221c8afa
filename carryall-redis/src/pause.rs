//! How long nothing is tried again after it was in vain.

use std::hash::{BuildHasher as _, RandomState};
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

/// Between half and all of this time, at random: those who wait for the same do not come back together.
pub(crate) fn spread(time: Duration) -> Duration {
    let half = time / 2;
    let steps = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX).max(1);
    half + Duration::from_nanos(RandomState::new().hash_one(()) % steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_spread_over_their_second_half() {
        let time = Duration::from_millis(100);
        let spread: Vec<_> = (0..100).map(|_| spread(time)).collect();
        assert!(spread.iter().all(|spread| (time / 2..time).contains(spread)), "{spread:?}");
        assert!(spread.iter().any(|other| *other != spread[0]), "{spread:?}");
        assert_eq!(super::spread(Duration::ZERO), Duration::ZERO);
    }
}
