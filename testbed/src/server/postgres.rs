//! PostgreSQL. It asks nobody for a password.

use std::path::{Path, PathBuf};

use super::Recipe;
use super::process::{Account, program};

pub(super) const RECIPE: Recipe = Recipe {
    scheme: "postgres",
    user: "carryall",
    account: "postgres",
    prepare,
    command,
    greeting,
    // It answers with an `R` when it would let us in, and with an error while it recovers.
    ready: (0, b'R'),
};

/// Debian keeps each version's programs by themselves; the newest one is taken.
fn tool(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut places: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    places.sort();
    program(name, "postgresql", places.into_iter().rev())
}

fn prepare(directory: &Path, account: &Account) {
    let words =
        ["-D", "data", "-U", "carryall", "--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8"];
    account.run(&tool("initdb"), &words, directory);
}

fn command(directory: &Path, port: u16) -> Vec<String> {
    let postgres = tool("postgres").display().to_string();
    let (port, sockets) = (port.to_string(), directory.display().to_string());
    let words =
        [&postgres, "-D", "data", "-p", &port, "-k", &sockets, "-c", "listen_addresses=127.0.0.1", "-c"];
    words.into_iter().chain(["max_connections=200"]).map(str::to_owned).collect()
}

/// A startup message of protocol 3.0.
fn greeting() -> Vec<u8> {
    let parameters = b"user\0carryall\0database\0postgres\0\0";
    let length = u32::try_from(8 + parameters.len()).unwrap();
    [&length.to_be_bytes(), &196_608_u32.to_be_bytes(), &parameters[..]].concat()
}
