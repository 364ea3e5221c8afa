//! The command line.

use std::time::Duration;

use crate::requests::Plan;
use crate::scenario::Scenario;

/// What to say about the command line.
pub(crate) const USAGE: &str = "\
carryall-bench: what sessions cost

  cargo run --release -p carryall-bench -- [OPTIONS]

  --quick            fewer and shorter rounds: a first look in a few seconds
  --rounds N         rounds per scenario (default 301)
  --only TEXT        only contestants, or only scenarios, whose name contains TEXT
  --stores           only the memory stores, without HTTP
  --servers          sessions in Redis, PostgreSQL, SQLite and files, with the feature `servers`; exit code 1 unless
                     Redis keeps its target
  --targets          requests and stores, then every target; exit code 1 unless all are met
  --json FILE        also write one row for each scenario and contestant
  --loop SCENARIO CONTESTANT N
                     N requests to one contestant, for a profiler; names may be parts of names
";

/// What was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) job: Job,
    pub(crate) quick: bool,
    pub(crate) rounds: Option<usize>,
    pub(crate) only: Option<String>,
    pub(crate) json: Option<String>,
}

/// What to do. The last one on the command line counts.
#[derive(Clone, Debug, Default)]
pub(crate) enum Job {
    /// Measure requests.
    #[default]
    Requests,
    /// Measure stores.
    Stores,
    /// Measure stores that are servers.
    Servers,
    /// Measure both and judge.
    Targets,
    /// Measure nothing.
    Loop(Repeat),
    /// Say what there is.
    Help,
}

/// What to run in a loop.
#[derive(Clone, Debug)]
pub(crate) struct Repeat {
    pub(crate) scenario: Scenario,
    pub(crate) contestant: String,
    pub(crate) times: u32,
}

impl Options {
    /// Reads the arguments after the program's name. The error says what is wrong with them.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Result<Self, String> {
        let mut arguments = arguments.into_iter();
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = |what: &str| arguments.next().ok_or_else(|| format!("{argument} needs {what}"));
            match argument.as_str() {
                "--quick" => options.quick = true,
                "--stores" => options.job = Job::Stores,
                "--servers" => options.job = Job::Servers,
                "--targets" => options.job = Job::Targets,
                "--help" | "-h" => options.job = Job::Help,
                "--rounds" => options.rounds = Some(number(&value("a number")?)?),
                "--only" => options.only = Some(value("a part of a name")?),
                "--json" => options.json = Some(value("a file")?),
                "--loop" => {
                    let scenario = scenario(&value("a scenario")?)?;
                    let contestant = value("a contestant")?;
                    let times = number(&value("a number of requests")?)?;
                    options.job = Job::Loop(Repeat { scenario, contestant, times });
                }
                _ => return Err(format!("{argument} is not an option")),
            }
        }
        Ok(options)
    }

    /// How much of the requests to measure.
    pub(crate) fn plan(&self) -> Plan {
        let (rounds, millis) = if self.quick { (21, 1) } else { (301, 2) };
        Plan { rounds: self.rounds.unwrap_or(rounds).max(1), batch: Duration::from_millis(millis) }
    }

    /// How much of the stores to measure: rounds, and pairs of a load and a save in each.
    pub(crate) fn store_plan(&self) -> (usize, u32) {
        let (rounds, pairs) = if self.quick { (3, 20_000) } else { (11, 40_000) };
        (self.rounds.unwrap_or(rounds).clamp(1, 51), pairs)
    }

    /// How much of the servers to measure: rounds, and requests in each.
    #[cfg(feature = "servers")]
    pub(crate) fn server_plan(&self) -> (usize, u32) {
        let (rounds, requests) = if self.quick { (5, 50) } else { (61, 100) };
        (self.rounds.unwrap_or(rounds).max(1), requests)
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text} is not a number"))
}

fn scenario(text: &str) -> Result<Scenario, String> {
    let known = || Scenario::ALL.map(Scenario::name).join(", ");
    let found = Scenario::ALL.into_iter().find(|scenario| scenario.name().starts_with(text));
    found.ok_or_else(|| format!("{text} is not a scenario; there are {}", known()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        Options::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn options_come_in_any_order() {
        let options = parse("--json rows.json --rounds 7 --quick").unwrap();
        assert_eq!((options.json.as_deref(), options.plan().rounds), (Some("rows.json"), 7));
        assert!(options.quick && matches!(options.job, Job::Requests));
    }

    #[test]
    fn a_loop_names_scenario_contestant_and_number() {
        let Job::Loop(repeat) = parse("--loop mod private 700").unwrap().job else { panic!("it is a loop") };
        assert_eq!((repeat.scenario, repeat.times), (Scenario::Modify, 700));
        assert_eq!(
            parse("--loop everything private 700").unwrap_err().split(';').next(),
            Some("everything is not a scenario")
        );
    }

    #[test]
    fn mistakes_are_named() {
        assert_eq!(parse("--rounds").unwrap_err(), "--rounds needs a number");
        assert_eq!(parse("--rounds many").unwrap_err(), "many is not a number");
        assert_eq!(parse("--fast").unwrap_err(), "--fast is not an option");
    }
}
