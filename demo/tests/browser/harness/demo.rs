//! The demo as its own process, on a free port.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use super::Home;

/// A running demo; dropped, it is stopped.
#[derive(Debug)]
pub(crate) struct Demo {
    pub(crate) address: String,
    _process: Child,
}

impl Demo {
    pub(crate) async fn start(home: Home, options: &[&str]) -> Self {
        let place = match home {
            Home::Client => "client",
            Home::Store => "store",
        };
        let mut process = Command::new(env!("CARGO_BIN_EXE_carryall-demo"))
            .args(["--listen", "127.0.0.1:0", "--place", place])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the demo starts");
        let out = process.stdout.take().expect("its output");
        let mut lines = BufReader::new(out).lines();
        let first = lines.next_line().await.expect("readable output").expect("a first line");
        let address = first.rsplit(' ').next().unwrap_or_default().trim_end_matches('/').to_owned();
        assert!(address.starts_with("http://"), "the first line names the address: {first}");
        // Reads on, so that the demo can write.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, _process: process }
    }
}
