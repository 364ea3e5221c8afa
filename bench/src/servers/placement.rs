//! On which processors a server and this program run.
//!
//! Left to the scheduler, the same round trip takes 12 or 50 microseconds, as it happens to put the two on one processor or
//! on two, and may change its mind within a run. To wake a processor that sleeps takes 5 to 40 more, by no rule; those
//! of busy machines do not sleep.

use std::process::{Child, Command, Stdio};

/// Where they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// Each on one of its own, as a server is that others use, too.
    Apart,
    /// Both on one, taking turns with it and with what it remembers.
    Together,
}

/// The processors of this machine that can be had.
pub(super) struct Processors(Vec<String>);

/// Programs that do nothing when nobody else has anything to do, one on each processor.
pub(super) struct Awake(Vec<Child>);

impl Processors {
    /// Those that this program may use, which is to be asked before it was settled on one.
    pub(super) fn allowed() -> Result<Self, String> {
        let shown = Command::new("taskset").args(["-cp", &std::process::id().to_string()]).output();
        let shown = shown.map_err(|error| format!("taskset (package util-linux): {error}"))?;
        let shown = String::from_utf8_lossy(&shown.stdout);
        let list = shown.rsplit(": ").next().unwrap_or_default();
        let known = list.trim().split(',').filter_map(|part| part.split('-').next()).map(str::to_owned);
        let ends = list.trim().split(',').filter_map(|part| Some(part.split_once('-')?.1)).map(str::to_owned);
        Ok(Self(known.chain(ends).collect()))
    }

    /// Keeps them from sleeping.
    pub(super) fn awake(&self) -> Result<Awake, String> {
        const LONGEST: &str = "3600";
        let spin = |processor: &String| {
            let mut spin = Command::new("chrt");
            spin.args(["-i", "0", "taskset", "-c", processor, "timeout", LONGEST]);
            spin.args(["sh", "-c", "while :; do :; done"]).spawn()
        };
        let spinning = self.0.iter().map(spin).collect::<Result<_, _>>();
        spinning.map(Awake).map_err(|error| format!("chrt (package util-linux): {error}"))
    }

    /// Settles this program and the server.
    pub(super) fn settle(&self, placement: Placement, server: u32) -> Result<(), String> {
        let [own, others @ ..] = &self.0[..] else { return Err("no processor to be had".to_owned()) };
        let its = match placement {
            Placement::Together => own,
            Placement::Apart => others.last().ok_or("two processors are needed to keep the server apart")?,
        };
        [(std::process::id(), own), (server, its)].into_iter().try_for_each(|(process, on)| pin(process, on))
    }
}

impl Placement {
    /// The end of a heading.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Apart => "Redis on a processor of its own",
            Self::Together => "Redis and its client on one processor",
        }
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // `timeout` hands on what it is told to end by, but cannot be told by a kill.
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

fn pin(process: u32, processor: &str) -> Result<(), String> {
    let mut pin = Command::new("taskset");
    pin.args(["-acp", processor, &process.to_string()]).stdout(Stdio::null());
    let status = pin.status().map_err(|error| format!("taskset (package util-linux): {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("process {process} cannot be settled on {processor}")) }
}
