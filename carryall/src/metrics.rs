//! What the application's metrics are told, through the facade of the crate `metrics` (feature `metrics`).
//!
//! Nothing has to be configured: whatever recorder the application has installed gets these. Without the feature none of
//! it is compiled; without a recorder it costs a few nanoseconds and one reading of the clock an operation.
//!
//! | name | kind | labels | counts |
//! | --- | --- | --- | --- |
//! | `carryall_loads_total` | counter | `outcome`: `live`, `none`, `refused`, `outage` | requests that asked for their session |
//! | `carryall_commits_total` | counter | `outcome`: `committed`, or the kind of error | commits that had something to write |
//! | `carryall_conflicts_total` | counter | | records that another request had changed, so that the writes were done again or given up |
//! | `carryall_replays_total` | counter | | commits that held after that |
//! | `carryall_outages_total` | counter | `during` | operations that a store or log failed, or did not answer in time |
//! | `carryall_refused_total` | counter | `reason` | cookies that were not let in |
//! | `carryall_created_total` | counter | | sessions that began |
//! | `carryall_ended_total` | counter | `end` | sessions that were ended |
//! | `carryall_store_seconds` | histogram | `operation`: `load`, `commit`, `touch`, `remove`, `list`, `sweep`, `revoke`; `outcome`: `ok`, `error` | how long stores and logs took, in seconds |
//!
//! No label holds anything that a visitor sent, so their number is bounded. What a [`MemoryStore`] answers at once is
//! counted and not timed.
//!
//! ```
//! // Once, at the start, after the recorder is installed:
//! carryall::metrics::describe();
//! ```
//!
//! [`MemoryStore`]: crate::MemoryStore

use ::metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::event::Event;

const LOADS: &str = "carryall_loads_total";
const COMMITS: &str = "carryall_commits_total";
const CONFLICTS: &str = "carryall_conflicts_total";
const REPLAYS: &str = "carryall_replays_total";
const OUTAGES: &str = "carryall_outages_total";
const REFUSED: &str = "carryall_refused_total";
const CREATED: &str = "carryall_created_total";
const ENDED: &str = "carryall_ended_total";
const STORE: &str = "carryall_store_seconds";

/// Every event is made, heard or not.
pub(crate) const COUNTS_EVENTS: bool = true;

/// Tells the recorder what the names mean.
pub fn describe() {
    let counters = [
        (LOADS, "Requests that asked for their session."),
        (COMMITS, "Commits that had something to write."),
        (CONFLICTS, "Records that another request had changed."),
        (REPLAYS, "Commits that held after their writes were done again."),
        (OUTAGES, "Operations that a store or log failed, or did not answer in time."),
        (REFUSED, "Cookies that were not let in."),
        (CREATED, "Sessions that began."),
        (ENDED, "Sessions that were ended."),
    ];
    for (name, meaning) in counters {
        describe_counter!(name, Unit::Count, meaning);
    }
    describe_histogram!(STORE, Unit::Seconds, "How long stores and logs took.");
}

pub(crate) fn load(outcome: &'static str) {
    counter!(LOADS, "outcome" => outcome).increment(1);
}

pub(crate) fn commit(result: &Result<(), Error>) {
    let outcome = match result {
        Ok(()) => "committed",
        Err(error) => name_of(error.kind()),
    };
    counter!(COMMITS, "outcome" => outcome).increment(1);
}

pub(crate) fn conflict() {
    counter!(CONFLICTS).increment(1);
}

/// When an operation began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Notes how long a store or log took.
    pub(crate) fn stop<T>(self, during: &'static str, result: &Result<T, Error>) {
        let outcome = if result.is_ok() { "ok" } else { "error" };
        histogram!(STORE, "operation" => during, "outcome" => outcome).record(self.0.elapsed().as_secs_f64());
    }
}

pub(crate) fn event(event: &Event) {
    match event {
        Event::Refused { reason, .. } => counter!(REFUSED, "reason" => format!("{reason:?}")).increment(1),
        Event::Created { .. } => counter!(CREATED).increment(1),
        Event::Ended { end, .. } => counter!(ENDED, "end" => format!("{end:?}")).increment(1),
        Event::Replayed { .. } => counter!(REPLAYS).increment(1),
        Event::Outage { during } => counter!(OUTAGES, "during" => *during).increment(1),
        _ => {}
    }
}

fn name_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Misuse => "misuse",
        ErrorKind::Outage => "outage",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Busy => "busy",
        ErrorKind::Superseded => "superseded",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::Encode => "encode",
        ErrorKind::Decode => "decode",
        ErrorKind::ReadOnly => "read_only",
        ErrorKind::TooManySessions => "too_many_sessions",
    }
}
