//! Why the demo does not run, in one line.

use std::fmt;
use std::process::ExitCode;

/// Why the demo does not run. `Display` is one line for the terminal.
#[derive(Debug)]
pub struct Failure {
    message: String,
    pub(crate) code: u8,
    is_error: bool,
}

impl Failure {
    /// An option makes no sense: exit code 2.
    pub(crate) fn option(message: impl Into<String>) -> Self {
        Self { message: one_line(&message.into()), code: 2, is_error: true }
    }

    /// The machine does not play along: exit code 1.
    pub(crate) fn machine(message: impl Into<String>) -> Self {
        Self { message: one_line(&message.into()), code: 1, is_error: true }
    }

    /// `--help` or `--version`: a text that was asked for.
    pub(crate) fn asked(text: String) -> Self {
        Self { message: text, code: 0, is_error: false }
    }

    /// Prints it and answers the exit code.
    pub fn report(&self) -> ExitCode {
        if self.is_error {
            eprintln!("carryall-demo: {self}");
        } else {
            print!("{self}");
        }
        ExitCode::from(self.code)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
