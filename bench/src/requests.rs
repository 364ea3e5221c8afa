//! Requests through whole applications, one thread, no sockets; contestants take turns within every round.

use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::task::unconstrained;

use crate::client::Client;
use crate::contestants::{Contestant, Keeps};
use crate::counting::asked;
use crate::scenario::Scenario;
use crate::stopwatch::Stopwatch;

/// How much to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Rounds; each times one batch of every contestant.
    pub(crate) rounds: usize,
    /// About how long one batch takes.
    pub(crate) batch: Duration,
}

/// What was measured of one contestant in one scenario.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    pub(crate) scenario: Scenario,
    pub(crate) contestant: &'static str,
    /// Nanoseconds per request, one entry a round. Entries of the same round belong together.
    pub(crate) rounds: Vec<f64>,
    /// Allocator calls per request, those of the client included.
    pub(crate) allocations: f64,
    /// Bytes asked for per request, those of the client included.
    pub(crate) bytes: f64,
}

/// Allocations are averaged over this many requests.
const COUNTED: u32 = 256;
/// A contestant that keeps sessions in memory starts over after this many, between batches.
const MOST_KEPT: u32 = 20_000;

/// Measures one scenario; answers in the order of `contestants`.
pub(crate) fn measure(
    runtime: &Runtime,
    scenario: Scenario,
    contestants: &[Contestant],
    plan: Plan,
) -> Vec<Measured> {
    let mut lanes: Vec<Lane> =
        contestants.iter().map(|contestant| Lane::new(runtime, scenario, *contestant, plan.batch)).collect();
    for round in 0..plan.rounds {
        // Whoever comes first differs from round to round, so that nobody always follows the same neighbour.
        for turn in 0..lanes.len() {
            let index = (round + turn) % lanes.len();
            lanes[index].time_a_batch(runtime);
        }
    }
    lanes.into_iter().map(|lane| lane.measured).collect()
}

/// Sends `times` requests to one contestant, for profilers.
pub(crate) fn repeat(runtime: &Runtime, scenario: Scenario, contestant: Contestant, times: u32) {
    runtime.block_on(unconstrained(async {
        let mut client = contestant.client().await;
        client.send_many(scenario, times).await;
    }));
}

/// One contestant in one scenario.
struct Lane {
    contestant: Contestant,
    client: Client,
    batch: u32,
    kept: u32,
    measured: Measured,
}

impl Lane {
    fn new(runtime: &Runtime, scenario: Scenario, contestant: Contestant, batch: Duration) -> Self {
        let client = runtime.block_on(contestant.client());
        let measured = Measured {
            scenario,
            contestant: contestant.name,
            rounds: Vec::new(),
            allocations: 0.0,
            bytes: 0.0,
        };
        let mut lane = Self { contestant, client, batch: COUNTED, kept: 0, measured };
        lane.send(runtime, COUNTED);
        lane.count(runtime);
        lane.calibrate(runtime, batch);
        lane
    }

    fn send(&mut self, runtime: &Runtime, times: u32) {
        self.kept += times;
        runtime.block_on(unconstrained(self.client.send_many(self.measured.scenario, times)));
    }

    /// Allocations per request.
    fn count(&mut self, runtime: &Runtime) {
        let before = asked();
        self.send(runtime, COUNTED);
        let after = asked();
        let each = |from: u64, to: u64| {
            u32::try_from(to - from).map_or(f64::INFINITY, |sum| f64::from(sum) / f64::from(COUNTED))
        };
        self.measured.allocations = each(before.calls, after.calls);
        self.measured.bytes = each(before.bytes, after.bytes);
    }

    /// Finds how many requests fill a batch.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped before it is cast")]
    fn calibrate(&mut self, runtime: &Runtime, batch: Duration) {
        let watch = Stopwatch::start();
        self.send(runtime, COUNTED);
        let fitting = batch.as_secs_f64() * 1e9 / watch.nanos_each(COUNTED).max(1.0);
        self.batch = fitting.clamp(16.0, 50_000.0) as u32;
    }

    fn time_a_batch(&mut self, runtime: &Runtime) {
        if self.contestant.keeps == Keeps::Server
            && self.measured.scenario == Scenario::New
            && self.kept > MOST_KEPT
        {
            self.client = runtime.block_on(self.contestant.client());
            self.kept = 0;
        }
        // The neighbour has had the caches; a few requests take them back, for everyone alike.
        self.send(runtime, self.batch / 16 + 1);
        let watch = Stopwatch::start();
        self.send(runtime, self.batch);
        self.measured.rounds.push(watch.nanos_each(self.batch));
    }
}
