//! How fast expired records are removed.

use std::time::Duration;

/// So many at a time that nobody waits long for them.
pub(super) const BATCH: usize = 500;
/// After so many batches others have their turn.
pub(super) const BATCHES: usize = 200;
/// The longest pause after failures, unless the interval is longer.
const LONGEST: Duration = Duration::from_hours(1);

/// How a pass over a store ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    /// Nothing expired is left.
    Clean,
    /// There is more, and enough was done for now.
    Enough,
    /// The store failed.
    Failed,
}

/// When the next pass is due, and in which steps.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    failures: u32,
}

impl Pace {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, failures: 0 }
    }

    /// The pause before the first pass: any part of the interval, as nodes are often started together.
    pub(super) fn first(&self, random: u16) -> Duration {
        part(self.every, random)
    }

    /// The pause after a pass: a quarter more or less than it would be, so that nodes do not meet again.
    pub(super) fn after(&mut self, pass: Pass, random: u16) -> Duration {
        self.failures = if pass == Pass::Failed { self.failures.saturating_add(1) } else { 0 };
        let pause = match pass {
            Pass::Clean => self.every,
            Pass::Enough => self.every / 10,
            Pass::Failed => {
                let doubled = self.every.saturating_mul(1 << self.failures.min(20));
                doubled.min(LONGEST.max(self.every))
            }
        };
        pause.saturating_sub(pause / 4).saturating_add(part(pause / 2, random))
    }

    /// How many records at a time: fewer after failures, as a large batch may be what takes too long.
    pub(super) fn batch(&self) -> usize {
        (BATCH >> self.failures.min(5)).max(1)
    }
}

/// From nothing to nearly all of it.
fn part(whole: Duration, random: u16) -> Duration {
    (whole / (u32::from(u16::MAX) + 1)).saturating_mul(random.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);
    const MIDDLE: u16 = 1 << 15;

    fn assert_about(pause: Duration, expected: Duration) {
        assert!(pause.abs_diff(expected) <= expected / 10_000, "{pause:?} is not about {expected:?}");
    }

    #[test]
    fn pauses_double_with_each_failure_to_an_hour_and_end_with_a_success() {
        let mut pace = Pace::new(MINUTE);
        for minutes in [2, 4, 8, 16, 32, 60, 60] {
            assert_about(pace.after(Pass::Failed, MIDDLE), MINUTE * minutes);
        }
        assert_about(pace.after(Pass::Clean, MIDDLE), MINUTE);
        assert_about(pace.after(Pass::Failed, MIDDLE), 2 * MINUTE);
        assert_about(pace.after(Pass::Enough, MIDDLE), MINUTE / 10);
        let day = Duration::from_hours(24);
        assert_about(Pace::new(day).after(Pass::Failed, MIDDLE), day);
    }

    #[test]
    fn chance_moves_a_pause_by_a_quarter_and_the_first_one_over_the_whole_interval() {
        let mut pace = Pace::new(MINUTE);
        assert_eq!(pace.after(Pass::Clean, 0), MINUTE * 3 / 4);
        assert_about(pace.after(Pass::Clean, u16::MAX), MINUTE * 5 / 4);
        assert_eq!(pace.first(0), Duration::ZERO);
        assert_about(pace.first(u16::MAX), MINUTE);
    }

    #[test]
    fn batches_shrink_with_failures_and_never_to_nothing() {
        let mut pace = Pace::new(MINUTE);
        let mut sizes = vec![pace.batch()];
        for _ in 0..40 {
            pace.after(Pass::Failed, 0);
            sizes.push(pace.batch());
        }
        assert_eq!(sizes[..7], [500, 250, 125, 62, 31, 15, 15]);
        pace.after(Pass::Enough, 0);
        assert_eq!(pace.batch(), 500);
    }

    #[test]
    fn the_longest_interval_there_is_overflows_nothing() {
        let mut pace = Pace::new(Duration::MAX);
        for pass in [Pass::Clean, Pass::Enough, Pass::Failed] {
            assert!(pace.after(pass, u16::MAX) > Duration::ZERO);
        }
    }
}
