//! Memory stores alone, without HTTP: load, change and save a random session of many, two worker threads.

mod carryall;
mod tower_sessions;

use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};

use crate::stopwatch::Stopwatch;

/// The reference.
pub(crate) const TOWER_SESSIONS: &str = "tower-sessions MemoryStore";
/// Carryall's.
pub(crate) const CARRYALL: &str = "carryall MemoryStore";

/// How many tasks work at once, in the order of the tables.
pub(crate) const TASKS: [u32; 2] = [1, 8];

const SESSIONS: usize = 100_000;
const WORKERS: usize = 2;
/// Pairs of a load and a save between two yields of a task.
const PAIRS_BETWEEN_YIELDS: u32 = 32;

/// A store filled with [`SESSIONS`] sessions.
trait Filled: Send + Sync + 'static {
    /// Loads the session, changes one value, saves it.
    fn pair(&self, session: usize) -> impl Future<Output = ()> + Send;
}

/// What was measured of one store with one number of tasks.
#[derive(Clone, Debug)]
pub(crate) struct Throughput {
    pub(crate) store: &'static str,
    pub(crate) tasks: u32,
    /// Wall-clock nanoseconds per pair, one entry a round.
    pub(crate) rounds: Vec<f64>,
}

/// Measures every store; they take turns within every round.
pub(crate) fn measure(rounds: usize, pairs: u32) -> Vec<Throughput> {
    let runtime =
        Builder::new_multi_thread().worker_threads(WORKERS).build().expect("threads can be started");
    let tower_sessions = Arc::new(runtime.block_on(tower_sessions::Store::filled(SESSIONS)));
    let carryall = Arc::new(runtime.block_on(carryall::Store::filled(SESSIONS)));
    let mut measured = Vec::new();
    for tasks in TASKS {
        let lane = |store| Throughput { store, tasks, rounds: Vec::new() };
        let mut theirs = lane(TOWER_SESSIONS);
        let mut ours = lane(CARRYALL);
        for _ in 0..rounds {
            theirs.rounds.push(time(&runtime, &tower_sessions, tasks, pairs));
            ours.rounds.push(time(&runtime, &carryall, tasks, pairs));
        }
        measured.push(theirs);
        measured.push(ours);
    }
    measured
}

fn time(runtime: &Runtime, store: &Arc<impl Filled>, tasks: u32, pairs: u32) -> f64 {
    let each = pairs / tasks;
    let watch = Stopwatch::start();
    runtime.block_on(async {
        let running: Vec<_> =
            (0..tasks).map(|task| tokio::spawn(work(Arc::clone(store), task, each))).collect();
        for task in running {
            task.await.expect("the task does not panic");
        }
    });
    watch.nanos_each(each * tasks)
}

async fn work(store: Arc<impl Filled>, task: u32, pairs: u32) {
    let mut random = Xorshift::new(task);
    for pair in 1..=pairs {
        store.pair(random.below(SESSIONS)).await;
        if pair % PAIRS_BETWEEN_YIELDS == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// A generator that costs next to nothing and repeats itself from run to run.
struct Xorshift(u32);

impl Xorshift {
    fn new(seed: u32) -> Self {
        Self(0x9E37_79B9 ^ seed.wrapping_mul(0x85EB_CA6B))
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % limit
    }
}
