//! Whole requests to sessions that a server or a file keeps: each server a throw-away process of its own, beside the
//! same round trips without a session and beside the stores of tower-sessions.
//!
//! tower-sessions' stores in SQL and Redis are made for its version 0.14, and so measured with that. The one in SQLite
//! cannot be linked beside another version of SQLite.

mod carryall;
mod placement;
mod raw;
mod tower_sessions;

use axum::Router;
use carryall_testbed::scratch;
use carryall_testbed::server::Server;
use placement::{Placement, Processors};
use tokio::runtime::{Builder, Runtime};

use crate::client::Client;
use crate::login::FIRST;
use crate::scenario::Scenario;
use crate::stats::Summary;
use crate::stopwatch::Stopwatch;

/// The same round trips to Redis, without a session.
const RAW_REDIS: &str = "Redis: GET, SET with a lifetime";
/// Ours.
const REDIS: &str = "Redis: carryall";
/// At most this many times the raw round trips.
const REDIS_AT_MOST: f64 = 1.15;

/// One application and what was measured of it.
struct Lane {
    name: &'static str,
    client: Client,
    /// Nanoseconds per request, one entry a round. Entries of the same round belong together.
    rounds: Vec<f64>,
}

/// Measures every store in turns; answers whether the one in Redis keeps its promise.
pub(crate) fn measure(rounds: usize, requests: u32) -> Result<bool, String> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let (redis_server, postgres_server, scratch) = (Server::redis(), Server::postgres(), scratch());
    // The time of the disk is not the store's, and scatters by more than what is to be seen.
    redis_server.tell("CONFIG SET appendonly no");
    let (redis, postgres) = (redis_server.url("0"), postgres_server.url("postgres"));
    let file = scratch.path().join("sessions");
    let sqlite = format!("sqlite:{}", scratch.path().join("sessions.db").display());
    let apps = runtime.block_on(async {
        vec![
            (RAW_REDIS, raw::redis(&redis).await),
            (REDIS, carryall::redis(&redis).await),
            ("Redis: tower-sessions 0.14", tower_sessions::redis(&redis).await),
            ("PostgreSQL: carryall", carryall::postgres(&postgres).await),
            ("PostgreSQL: tower-sessions 0.14", tower_sessions::postgres(&postgres).await),
            ("SQLite: carryall", carryall::sqlite(&sqlite).await),
            ("files: carryall", carryall::files(&file)),
        ]
    });
    let processors = Processors::allowed()?;
    let awake = processors.awake()?;
    let mut ratio = f64::INFINITY;
    for placement in [Placement::Together, Placement::Apart] {
        for scenario in [Scenario::Read, Scenario::Modify] {
            processors.settle(placement, redis_server.process())?;
            let apps = apps.iter().filter(|(name, _)| name.starts_with("Redis"));
            let lanes = apps.map(|(name, app)| lane(&runtime, name, app)).collect();
            let lanes = take_turns(&runtime, scenario, lanes, rounds, requests);
            ratio = print(placement.title(), scenario, &lanes);
        }
    }
    // Disks are slower to answer where no processor sleeps.
    drop(awake);
    for scenario in [Scenario::Read, Scenario::Modify] {
        let lanes = apps.iter().map(|(name, app)| lane(&runtime, name, app)).collect();
        print("all stores", scenario, &take_turns(&runtime, scenario, lanes, rounds, requests));
    }
    let kept = ratio <= REDIS_AT_MOST;
    println!(
        "\nRedis on a processor of its own at most {REDIS_AT_MOST} times raw: {}",
        if kept { "pass" } else { "FAIL" }
    );
    Ok(kept)
}

/// A browser that has signed in, and whose session has come back once.
fn lane(runtime: &Runtime, name: &'static str, app: &Router) -> Lane {
    let mut client = Client::new(app.clone());
    let read = runtime.block_on(async {
        client.sign_in().await;
        client.ask(Scenario::Read).await
    });
    assert_eq!(read, FIRST.to_string(), "{name} keeps its session");
    Lane { name, client, rounds: Vec::new() }
}

fn take_turns(
    runtime: &Runtime,
    scenario: Scenario,
    mut lanes: Vec<Lane>,
    rounds: usize,
    requests: u32,
) -> Vec<Lane> {
    for round in 0..rounds {
        for turn in 0..lanes.len() {
            let index = (round + turn) % lanes.len();
            let lane = &mut lanes[index];
            runtime.block_on(lane.client.send_many(scenario, requests / 8 + 1));
            let watch = Stopwatch::start();
            runtime.block_on(lane.client.send_many(scenario, requests));
            lane.rounds.push(watch.nanos_each(requests));
        }
    }
    lanes
}

/// Prints the table of one scenario; answers what ours in Redis took, in raw round trips.
fn print(title: &str, scenario: Scenario, lanes: &[Lane]) -> f64 {
    println!("\n## {}: {}; {title}\n", scenario.name(), scenario.title());
    println!("| {:34} | µs/request |  ±% | × raw Redis |", "store");
    println!("|:{:-<34}-|-----------:|----:|------------:|", "");
    let raw = lanes.iter().find(|lane| lane.name == RAW_REDIS).map_or(&[][..], |lane| &lane.rounds);
    let mut ours = f64::INFINITY;
    for lane in lanes {
        let own = Summary::of(lane.rounds.iter().copied());
        let ratio = Summary::of(lane.rounds.iter().zip(raw).map(|(its, raw)| its / raw)).median;
        println!("| {:34} | {:10.1} | {:3.0} | {ratio:11.2} |", lane.name, own.median / 1e3, own.percent());
        if lane.name == REDIS {
            ours = ratio;
        }
    }
    ours
}
