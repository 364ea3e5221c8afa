//! Redis, asked for its default user's password by nobody. It keeps everything in a log that it syncs with every write.

use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::chown;
use std::path::Path;
use std::time::Duration;

use super::process::{Account, program};
use super::{Recipe, free_port};

pub(super) const SERVER: Recipe = Recipe {
    scheme: "redis",
    user: "default",
    account: "redis",
    prepare: |_, _| {},
    command: server,
    greeting: || b"PING\r\n".to_vec(),
    // `+PONG`, and an error while it is loading.
    ready: (0, b'+'),
};

pub(super) const NODE: Recipe = Recipe { prepare: prepare_node, command: node, ..SERVER };

pub(super) const SENTINEL: Recipe = Recipe { prepare: prepare_sentinel, command: sentinel, ..SERVER };

/// The file with the port at which the nodes of a cluster speak to this one.
const BUS: &str = "bus";

fn server(directory: &Path, port: u16) -> Vec<String> {
    let redis = program("redis-server", "redis-server", []).display().to_string();
    let (port, directory) = (port.to_string(), directory.display().to_string());
    let socket = format!("{directory}/socket");
    let words =
        [&redis, "--bind", "127.0.0.1", "--port", &port, "--dir", &directory, "--unixsocket", &socket];
    let log = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    // Replicas need not wait until there are more of them.
    let replicas = ["--repl-diskless-sync-delay", "0"];
    words.into_iter().chain(log).chain(replicas).map(str::to_owned).collect()
}

fn prepare_node(directory: &Path, _: &Account) {
    std::fs::write(directory.join(BUS), free_port().to_string()).unwrap();
}

/// Its slots stay in use when another node's are not served.
fn node(directory: &Path, port: u16) -> Vec<String> {
    let bus = bus(directory);
    let words = ["--cluster-enabled", "yes", "--cluster-port", &bus, "--cluster-node-timeout", "1000"];
    let coverage = ["--cluster-require-full-coverage", "no"];
    let words = words.into_iter().chain(coverage).map(str::to_owned);
    server(directory, port).into_iter().chain(words).collect()
}

pub(super) fn bus(directory: &Path) -> String {
    std::fs::read_to_string(directory.join(BUS)).unwrap()
}

/// A sentinel keeps what it is told in its configuration.
fn prepare_sentinel(directory: &Path, account: &Account) {
    let path = directory.join("sentinel.conf");
    std::fs::write(&path, "").unwrap();
    if let Some((user, group)) = account.ids() {
        chown(path, Some(user), Some(group)).unwrap();
    }
}

fn sentinel(directory: &Path, port: u16) -> Vec<String> {
    let sentinel = program("redis-sentinel", "redis-sentinel", []).display().to_string();
    let (port, directory) = (port.to_string(), directory.display().to_string());
    let configuration = format!("{directory}/sentinel.conf");
    let words = [&sentinel, &configuration, "--bind", "127.0.0.1", "--port", &port, "--dir", &directory]
        .map(str::to_owned);
    words.to_vec()
}

/// What the server at this port answers to a command of words: lines of text. One that changes its role hangs up on
/// everybody, and is asked again.
pub(super) fn ask(port: u16, words: &str) -> String {
    let mut asked = try_ask(port, words);
    for _ in 0..3 {
        let Err(error) = &asked else { break };
        assert!(matches!(error.kind(), ConnectionReset | UnexpectedEof | BrokenPipe), "{words}: {error}");
        asked = try_ask(port, words);
    }
    asked.unwrap()
}

fn try_ask(port: u16, words: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(format!("{words}\r\n").as_bytes())?;
    answer(&mut BufReader::new(stream))
}

fn answer(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let (kind, rest) = line.trim_end().split_at_checked(1).ok_or(UnexpectedEof)?;
    match (kind, rest.parse::<usize>()) {
        ("*", Ok(count)) => {
            let answers: Vec<_> = (0..count).map(|_| answer(stream)).collect::<io::Result<_>>()?;
            Ok(answers.join("\n"))
        }
        ("$", Ok(length)) => {
            let mut text = vec![0; length + 2];
            stream.read_exact(&mut text)?;
            Ok(String::from_utf8_lossy(&text[..length]).into_owned())
        }
        _ => Ok(rest.to_owned()),
    }
}
