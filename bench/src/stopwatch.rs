//! The one place that reads the clock.

use std::time::{Duration, Instant};

/// Runs since it was started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts.
    #[allow(clippy::disallowed_methods, reason = "a benchmark measures real time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// The time since the start.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    /// The time since the start for each of `times` operations, in nanoseconds.
    pub(crate) fn nanos_each(self, times: u32) -> f64 {
        self.elapsed().as_secs_f64() * 1e9 / f64::from(times.max(1))
    }
}
