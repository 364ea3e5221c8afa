//! Processes that save until they are killed: children of the test program, which runs one of its own ignored tests.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::random::{Random as _, SystemRandom};
use carryall::store::{Commit, Draft, Header, Record, Store, Version};

/// The record that is saved.
pub const KEY: RecordKey = RecordKey::from_bytes(*b"one record of it");
/// The present.
pub const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

const WHERE: &str = "CARRYALL_TEST_DIRECTORY";

/// What version `n` of the record holds: as long and as filled as the number says.
pub fn draft(n: u64) -> Draft {
    let expires = NOW.plus(Duration::from_millis(60_000 + n));
    let header = Header { created: NOW, seen: NOW, expires, latest: expires, subject: None };
    let length = usize::try_from(n * 7919 % 50_000).unwrap();
    Draft { header, payload: Bytes::from(vec![n.to_le_bytes()[0]; length]) }
}

/// The record as it stands at this version.
pub fn record(version: Version) -> Record {
    let Draft { header, payload } = draft(version.0);
    Record { version, header, payload }
}

/// Where a child is to work.
pub fn directory() -> PathBuf {
    std::env::var_os(WHERE).expect("the directory to work in").into()
}

/// This program again, running one of its ignored tests in a directory, `before` standing before it.
pub fn command(before: &[&str], test: &str, directory: &Path) -> Command {
    let this = std::env::current_exe().unwrap();
    let mut words: Vec<_> = before.iter().map(std::ffi::OsString::from).collect();
    words.push(this.into());
    let mut command = Command::new(words.remove(0));
    command.args(words).args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(WHERE, directory);
    command
}

/// Starts a child whose output can be read.
pub fn start(test: &str, directory: &Path) -> Child {
    let mut command = command(&[], test, directory);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// What the child of [`killed_at_any_point`] does.
pub async fn save_for_ever(store: impl Store) {
    let mut version = store.load(&KEY, NOW).await.unwrap().map(|record| record.version);
    loop {
        let next = version.map_or(Version::FIRST, Version::next);
        let outcome = store.commit(&KEY, version, draft(next.0), NOW).await.unwrap();
        assert_eq!(outcome, Commit::Committed(next));
        println!("\nsaved {}", next.0);
        version = Some(next);
    }
}

/// Kills a child at random points of its saves, so many times: each time the record is the last one that was
/// acknowledged, or the one after it, and whole.
pub async fn killed_at_any_point(times: usize, child: &str, directory: &Path, store: impl Store) {
    let mut last = 0;
    for _ in 0..times {
        let mut child = start(child, directory);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut random = [0; 4];
        SystemRandom.nonce(&mut random);
        let saved = |line: std::io::Result<String>| line.ok()?.strip_prefix("saved ")?.parse::<u64>().ok();
        for _ in 0..=random[0] % 8 {
            last = lines.by_ref().find_map(saved).expect("it saves");
        }
        // Somewhere in one of its next saves.
        let some_time = u64::from(u16::from_le_bytes([random[1], random[2]])) / 16;
        std::thread::sleep(Duration::from_micros(some_time));
        child.kill().unwrap();
        child.wait().unwrap();
        last = lines.filter_map(saved).last().unwrap_or(last);
        let found = store.load(&KEY, NOW).await.unwrap().expect("a record");
        assert!(
            (last..=last + 1).contains(&found.version.0),
            "{last} was saved, {:?} is there",
            found.version
        );
        assert_eq!(found, record(found.version), "a mixture");
    }
}
