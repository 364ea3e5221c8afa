//! Redis, asked for its default user's password by nobody. It keeps everything in a log that it syncs with every write.

use std::path::Path;

use super::Recipe;
use super::process::{Account, program};

pub(super) const RECIPE: Recipe = Recipe {
    scheme: "redis",
    user: "default",
    account: "redis",
    prepare,
    command,
    greeting: || b"PING\r\n".to_vec(),
    // `+PONG`, and an error while it is loading.
    ready: (0, b'+'),
};

fn prepare(_: &Path, _: &Account) {}

fn command(directory: &Path, port: u16) -> Vec<String> {
    let redis = program("redis-server", "redis-server", []).display().to_string();
    let (port, directory) = (port.to_string(), directory.display().to_string());
    let socket = format!("{directory}/socket");
    let words =
        [&redis, "--bind", "127.0.0.1", "--port", &port, "--dir", &directory, "--unixsocket", &socket];
    let log = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    words.into_iter().chain(log).map(str::to_owned).collect()
}
