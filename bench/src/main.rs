//! What sessions cost: requests through whole applications in one process, against bare axum and against peers.
//!
//! `README.md` beside this crate says how to run it and how to read what it prints.

mod client;
mod contestants;
mod counting;
mod login;
mod options;
mod report;
mod requests;
mod scenario;
#[cfg(feature = "servers")]
mod servers;
mod stats;
mod stopwatch;
mod stores;
mod targets;

use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};

use crate::contestants::{BARE, Contestant};
use crate::counting::Counting;
use crate::login::Login;
use crate::options::{Job, Options, Repeat, USAGE};
use crate::report::Report;
use crate::scenario::Scenario;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> ExitCode {
    match Options::parse(std::env::args().skip(1)).and_then(|options| run(&options)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(mistake) => {
            eprintln!("{mistake}\n\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// Does what was asked; `false` if a target was missed.
fn run(options: &Options) -> Result<bool, String> {
    let runtime = Builder::new_current_thread().build().map_err(|error| error.to_string())?;
    let mut report = Report::default();
    match &options.job {
        Job::Help => println!("{USAGE}"),
        Job::Loop(repeat) => repeat_one(&runtime, repeat)?,
        Job::Requests => measure_requests(&runtime, options, &mut report),
        Job::Stores => measure_stores(options, &mut report),
        Job::Servers => return measure_servers(options),
        Job::Targets => {
            measure_requests(&runtime, options, &mut report);
            measure_stores(options, &mut report);
        }
    }
    if let Some(path) = &options.json {
        report.write_json(path).map_err(|error| format!("{path} cannot be written: {error}"))?;
    }
    Ok(!matches!(options.job, Job::Targets) || targets::print(&report))
}

/// Says what the numbers depend on.
fn conditions() {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("cpu: {}; load average: {}", cpu.trim_start_matches([' ', '\t', ':']), load.trim());
}

fn measure_requests(runtime: &Runtime, options: &Options, report: &mut Report) {
    let plan = options.plan();
    conditions();
    println!("session: {} bytes of JSON", Login::new().to_json().len());
    println!(
        "{} rounds, in each about {:?} a contestant; ± is half the interquartile range",
        plan.rounds, plan.batch
    );
    let everyone = contestants::all();
    runtime.block_on(async {
        for contestant in &everyone {
            contestant.check().await;
        }
    });
    let (scenarios, chosen) = choose(options.only.as_deref(), everyone);
    for scenario in scenarios {
        report.requests.extend(requests::measure(runtime, scenario, &chosen, plan));
        report.print_scenario(scenario);
    }
    runtime.block_on(async {
        for contestant in &chosen {
            report.wire.extend(contestant.wire().await.map(|wire| (contestant.name, wire)));
        }
        {
            report.subject_alone = Some(contestants::carryall::subject_alone().await);
        }
    });
    report.print_wire();
}

fn measure_stores(options: &Options, report: &mut Report) {
    let (rounds, pairs) = options.store_plan();
    conditions();
    println!("{rounds} rounds of {pairs} pairs; ± is half the interquartile range");
    report.stores = stores::measure(rounds, pairs);
    report.print_stores();
}

#[cfg(feature = "servers")]
fn measure_servers(options: &Options) -> Result<bool, String> {
    let (rounds, requests) = options.server_plan();
    conditions();
    println!("{rounds} rounds of {requests} requests; ± is half the interquartile range");
    servers::measure(rounds, requests)
}

#[cfg(not(feature = "servers"))]
fn measure_servers(_: &Options) -> Result<bool, String> {
    Err("--servers takes the feature `servers`: cargo run --release -p carryall-bench --features servers"
        .to_owned())
}

/// Narrows to what `--only` names: scenarios if it is part of the name of one, contestants otherwise. The bare
/// application is always measured, for everything is told relative to it.
fn choose(only: Option<&str>, mut everyone: Vec<Contestant>) -> (Vec<Scenario>, Vec<Contestant>) {
    let only = only.unwrap_or_default();
    let mut scenarios = Scenario::ALL.to_vec();
    if scenarios.iter().any(|scenario| scenario.name().contains(only)) {
        scenarios.retain(|scenario| scenario.name().contains(only));
    } else {
        everyone.retain(|contestant| contestant.name == BARE || contestant.name.contains(only));
    }
    (scenarios, everyone)
}

fn repeat_one(runtime: &Runtime, repeat: &Repeat) -> Result<(), String> {
    let contestant = contestants::all().into_iter().find(|one| one.name.contains(&repeat.contestant));
    let contestant = contestant.ok_or_else(|| {
        let names: Vec<_> = contestants::all().iter().map(|one| one.name).collect();
        format!("{} is not a contestant; there are {}", repeat.contestant, names.join(", "))
    })?;
    requests::repeat(runtime, repeat.scenario, contestant, repeat.times);
    println!("{} requests, {}, {}", repeat.times, repeat.scenario, contestant.name);
    Ok(())
}
