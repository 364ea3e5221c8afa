//! Starts the demo: reads its options, serves until it is told to stop.

use std::process::ExitCode;

use carryall_demo::{Options, serve};

fn main() -> ExitCode {
    let done = Options::from_command_line().and_then(|options| serve(&options));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
