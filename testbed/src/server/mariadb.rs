//! MariaDB. Its root has no password.

use std::path::Path;

use super::Recipe;
use super::process::{Account, program};

pub(super) const RECIPE: Recipe = Recipe {
    scheme: "mysql",
    user: "root",
    account: "mysql",
    prepare,
    command,
    greeting: Vec::new,
    // The first packet is the server's: three bytes of length, a number, the protocol's version 10.
    ready: (4, 10),
};

fn prepare(directory: &Path, account: &Account) {
    let data = format!("--datadir={}", directory.join("data").display());
    let words = ["--no-defaults", &data, "--auth-root-authentication-method=normal", "--skip-test-db"];
    account.run(&program("mariadb-install-db", "mariadb-server", []), &words, directory);
}

fn command(directory: &Path, port: u16) -> Vec<String> {
    let at = |name: &str| directory.join(name).display().to_string();
    let mut words = vec![program("mariadbd", "mariadb-server", []).display().to_string()];
    words.push("--no-defaults".to_owned());
    words.push(format!("--datadir={}", at("data")));
    words.push(format!("--socket={}", at("socket")));
    words.push(format!("--pid-file={}", at("pid")));
    words.push(format!("--port={port}"));
    words.extend(["--bind-address=127.0.0.1", "--innodb-buffer-pool-size=32M"].map(str::to_owned));
    words
}
