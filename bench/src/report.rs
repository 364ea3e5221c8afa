//! Tables for people, rows for programs.

use std::collections::HashMap;
use std::fs;
use std::io;

use serde::Serialize;

use crate::contestants::{BARE, Wire};
use crate::requests::Measured;
use crate::scenario::Scenario;
use crate::stats::Summary;
use crate::stores::{TASKS, TOWER_SESSIONS, Throughput};

/// Everything that a run has measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) requests: Vec<Measured>,
    pub(crate) wire: Vec<(&'static str, Wire)>,
    pub(crate) subject_alone: Option<Wire>,
    pub(crate) stores: Vec<Throughput>,
}

/// One row of the file that `--json` writes.
#[derive(Debug, Serialize)]
struct Row {
    scenario: String,
    contestant: &'static str,
    ns: f64,
    spread_percent: f64,
    ns_above_bare: Option<f64>,
    allocations: Option<f64>,
    bytes: Option<f64>,
    cookie_bytes: Option<usize>,
}

impl Report {
    /// What was measured of a contestant in a scenario.
    pub(crate) fn requests_of(&self, scenario: Scenario, contestant: &str) -> Option<&Measured> {
        self.requests.iter().find(|row| row.scenario == scenario && row.contestant == contestant)
    }

    /// What was measured of a store with so many tasks.
    pub(crate) fn throughput_of(&self, store: &str, tasks: u32) -> Option<&Throughput> {
        self.stores.iter().find(|row| row.store == store && row.tasks == tasks)
    }

    /// Nanoseconds above the bare application, round by round.
    pub(crate) fn own(&self, scenario: Scenario, contestant: &str) -> Option<Vec<f64>> {
        let bare = self.requests_of(scenario, BARE)?;
        let row = self.requests_of(scenario, contestant)?;
        Some(row.rounds.iter().zip(&bare.rounds).map(|(its, floor)| its - floor).collect())
    }

    /// Prints the table of one scenario.
    pub(crate) fn print_scenario(&self, scenario: Scenario) {
        println!("\n## {}: {}\n", scenario.name(), scenario.title());
        println!("| {:42} | ns/request |  ±% |  own ns |    ± | × bare | allocs |  bytes |", "contestant");
        println!("|:{:-<42}-|-----------:|----:|--------:|-----:|-------:|-------:|-------:|", "");
        let Some(bare) = self.requests_of(scenario, BARE) else { return };
        for row in self.requests.iter().filter(|row| row.scenario == scenario) {
            let total = Summary::of(row.rounds.iter().copied());
            let own = Summary::of(row.rounds.iter().zip(&bare.rounds).map(|(its, floor)| its - floor));
            let times = Summary::of(row.rounds.iter().zip(&bare.rounds).map(|(its, floor)| its / floor));
            println!(
                "| {:42} | {:10.0} | {:3.0} | {:7.0} | {:4.0} | {:6.2} | {:6.1} | {:6.0} |",
                row.contestant,
                total.median,
                total.percent(),
                own.median,
                own.spread,
                times.median,
                row.allocations,
                row.bytes,
            );
        }
    }

    /// Prints the sizes of cookies.
    pub(crate) fn print_wire(&self) {
        println!("\n## On the wire, bytes\n");
        println!("| {:42} | name=value | value | Set-Cookie |", "contestant");
        println!("|:{:-<42}-|-----------:|------:|-----------:|", "");
        for (contestant, wire) in &self.wire {
            println!("| {contestant:42} | {:10} | {:5} | {:10} |", wire.cookie, wire.value, wire.set_cookie);
        }
    }

    /// Prints the throughput of the stores.
    pub(crate) fn print_stores(&self) {
        println!("\n## Memory stores: load, change, save a random session of 100 000, two worker threads\n");
        println!("| {:42} | tasks | ns/pair |  ±% | Mpairs/s | × faster |", "store");
        println!("|:{:-<42}-|------:|--------:|----:|---------:|---------:|", "");
        for row in TASKS.iter().flat_map(|tasks| self.stores.iter().filter(|row| row.tasks == *tasks)) {
            let summary = Summary::of(row.rounds.iter().copied());
            let faster = self.throughput_of(TOWER_SESSIONS, row.tasks).map_or(0.0, |reference| {
                Summary::of(reference.rounds.iter().zip(&row.rounds).map(|(its, own)| its / own)).median
            });
            println!(
                "| {:42} | {:5} | {:7.0} | {:3.0} | {:8.2} | {faster:8.2} |",
                row.store,
                row.tasks,
                summary.median,
                summary.percent(),
                1e3 / summary.median,
            );
        }
    }

    /// Writes one row for each scenario and contestant.
    pub(crate) fn write_json(&self, path: &str) -> io::Result<()> {
        let cookies: HashMap<&str, usize> =
            self.wire.iter().map(|(name, wire)| (*name, wire.cookie)).collect();
        let requests = self.requests.iter().map(|row| {
            let total = Summary::of(row.rounds.iter().copied());
            Row {
                scenario: row.scenario.name().to_owned(),
                contestant: row.contestant,
                ns: tenths(total.median),
                spread_percent: tenths(total.percent()),
                ns_above_bare: self
                    .own(row.scenario, row.contestant)
                    .map(|own| tenths(Summary::of(own).median)),
                allocations: Some(tenths(row.allocations)),
                bytes: Some(tenths(row.bytes)),
                cookie_bytes: cookies.get(row.contestant).copied(),
            }
        });
        let stores = self.stores.iter().map(|row| {
            let total = Summary::of(row.rounds.iter().copied());
            Row {
                scenario: format!("store-{}-tasks", row.tasks),
                contestant: row.store,
                ns: tenths(total.median),
                spread_percent: tenths(total.percent()),
                ns_above_bare: None,
                allocations: None,
                bytes: None,
                cookie_bytes: None,
            }
        });
        let rows: Vec<Row> = requests.chain(stores).collect();
        let mut text = serde_json::to_string_pretty(&rows)?;
        text.push('\n');
        fs::write(path, text)
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
