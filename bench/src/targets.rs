//! What Carryall promises to cost, as ratios to others measured in the same rounds.

use crate::contestants::{
    ARC_LAYER, CARRYALL_MEMORY, CARRYALL_SEALED, CARRYALL_SIGNED, JSONWEBTOKEN, TOWER_COOKIES_PRIVATE,
    TOWER_SESSIONS,
};
use crate::report::Report;
use crate::scenario::Scenario;
use crate::stats::Summary;
use crate::stores;

/// A contestant's cost above the bare application, at most `limit` times that of `reference`.
struct Cost {
    scenario: Scenario,
    contestant: &'static str,
    reference: &'static str,
    limit: f64,
}

const COSTS: [Cost; 9] = [
    at_most(1.6, Scenario::Untouched, CARRYALL_SEALED, ARC_LAYER),
    at_most(1.6, Scenario::Untouched, CARRYALL_SIGNED, ARC_LAYER),
    at_most(1.6, Scenario::Untouched, CARRYALL_MEMORY, ARC_LAYER),
    at_most(0.45, Scenario::Read, CARRYALL_SEALED, TOWER_COOKIES_PRIVATE),
    at_most(0.45, Scenario::Modify, CARRYALL_SEALED, TOWER_COOKIES_PRIVATE),
    at_most(0.75, Scenario::New, CARRYALL_SEALED, TOWER_COOKIES_PRIVATE),
    at_most(0.5, Scenario::Read, CARRYALL_SIGNED, JSONWEBTOKEN),
    at_most(0.5, Scenario::Modify, CARRYALL_SIGNED, JSONWEBTOKEN),
    at_most(0.4, Scenario::Modify, CARRYALL_MEMORY, TOWER_SESSIONS),
];

/// The store works on at least this many times as many sessions in the same time, 8 tasks on two threads.
const STORE_AT_LEAST: f64 = 8.0;
/// Bytes of a sealed `name=value` with the session of the benchmark.
const SEALED_COOKIE: usize = 470;
/// Bytes of a sealed `name=value` with a subject of 16 bytes and nothing else.
const SUBJECT_COOKIE: usize = 150;
/// Bytes of a ticket.
const TICKET_VALUE: usize = 63;

const fn at_most(limit: f64, scenario: Scenario, contestant: &'static str, reference: &'static str) -> Cost {
    Cost { scenario, contestant, reference, limit }
}

/// One target and how it came out.
struct Outcome {
    target: String,
    measured: Option<f64>,
    bound: Bound,
    unit: &'static str,
}

/// Which side of the number is good.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

impl Bound {
    fn holds(self, measured: f64) -> bool {
        match self {
            Self::AtMost(limit) => measured <= limit,
            Self::AtLeast(limit) => measured >= limit,
        }
    }
}

/// Prints every target; answers whether all were measured and met.
pub(crate) fn print(report: &Report) -> bool {
    println!("\n## Targets\n");
    println!("| {:66} | {:>12} | {:>12} | {:12} |", "target", "measured", "bound", "");
    println!("|:{:-<66}-|-{:->12}:|-{:->12}:|:{:-<12}-|", "", "", "", "");
    let mut all = true;
    for Outcome { target, measured, bound, unit } in outcomes(report) {
        let met = measured.is_some_and(|measured| bound.holds(measured));
        let verdict = match measured {
            None => "not measured",
            Some(_) if met => "pass",
            Some(_) => "FAIL",
        };
        let digits = if unit == "×" { 2 } else { 0 };
        let number = measured.map_or("-".into(), |measured| format!("{measured:.digits$} {unit}"));
        let limit = match bound {
            Bound::AtMost(limit) => format!("<= {limit:.digits$} {unit}"),
            Bound::AtLeast(limit) => format!(">= {limit:.digits$} {unit}"),
        };
        println!("| {target:66} | {number:>12} | {limit:>12} | {verdict:12} |");
        all &= met;
    }
    all
}

fn outcomes(report: &Report) -> Vec<Outcome> {
    let costs = COSTS.iter().map(|cost| Outcome {
        target: format!("{}: {} / {}", cost.scenario, cost.contestant, cost.reference),
        measured: ratio(report, cost),
        bound: Bound::AtMost(cost.limit),
        unit: "×",
    });
    let store = Outcome {
        target: format!("store, 8 tasks: {} / {}", stores::CARRYALL, stores::TOWER_SESSIONS),
        measured: speed(report, 8),
        bound: Bound::AtLeast(STORE_AT_LEAST),
        unit: "×",
    };
    let wire =
        |name: &str| report.wire.iter().find(|(contestant, _)| *contestant == name).map(|(_, wire)| *wire);
    let sealed = wire(CARRYALL_SEALED).map(|wire| wire.cookie);
    let subject = report.subject_alone.map(|wire| wire.cookie);
    let ticket = wire(CARRYALL_MEMORY).map(|wire| wire.value);
    let sizes = [
        ("wire: sealed name=value, session of 299 bytes", sealed, SEALED_COOKIE),
        ("wire: sealed name=value, subject of 16 bytes alone", subject, SUBJECT_COOKIE),
        ("wire: value of a ticket", ticket, TICKET_VALUE),
    ];
    let sizes = sizes.map(|(target, measured, limit)| Outcome {
        target: target.to_owned(),
        measured: measured.and_then(number),
        bound: Bound::AtMost(number(limit).unwrap_or_default()),
        unit: "B",
    });
    costs.chain([store]).chain(sizes).collect()
}

/// The median over rounds of one cost above the bare application over the other.
fn ratio(report: &Report, cost: &Cost) -> Option<f64> {
    let own = report.own(cost.scenario, cost.contestant)?;
    let reference = report.own(cost.scenario, cost.reference)?;
    Some(Summary::of(own.iter().zip(&reference).map(|(its, other)| its / other)).median)
}

/// How many times faster Carryall's store is than the reference.
fn speed(report: &Report, tasks: u32) -> Option<f64> {
    let own = report.throughput_of(stores::CARRYALL, tasks)?;
    let reference = report.throughput_of(stores::TOWER_SESSIONS, tasks)?;
    Some(Summary::of(reference.rounds.iter().zip(&own.rounds).map(|(other, its)| other / its)).median)
}

fn number(bytes: usize) -> Option<f64> {
    u32::try_from(bytes).ok().map(f64::from)
}
