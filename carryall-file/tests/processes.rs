//! Several processes over one directory, one of them killed or out of space.
//!
//! Their bodies are the ignored tests below, which this program runs as children of itself.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::random::{Random as _, SystemRandom};
use carryall::store::{Commit, Draft, Header, Record, Store, StoreErrorKind, Version};
use carryall_file::FileStore;
use carryall_testbed::{rounds, scratch};

const KEY: RecordKey = RecordKey::from_bytes(*b"one record of it");
const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);
const WHERE: &str = "CARRYALL_FILE_TEST_DIRECTORY";

/// What version `n` of the record holds: as long and as filled as the number says.
fn draft(n: u64) -> Draft {
    let expires = NOW.plus(Duration::from_millis(60_000 + n));
    let header = Header { created: NOW, seen: NOW, expires, latest: expires, subject: None };
    let length = usize::try_from(n * 7919 % 50_000).expect("a length");
    Draft { header, payload: Bytes::from(vec![n.to_le_bytes()[0]; length]) }
}

fn record(version: Version) -> Record {
    let Draft { header, payload } = draft(version.0);
    Record { version, header, payload }
}

fn directory() -> PathBuf {
    std::env::var_os(WHERE).expect("the directory to work in").into()
}

/// This program again, running one of the ignored tests in a directory, `before` standing before it.
fn command(before: &[&str], test: &str, directory: &Path) -> Command {
    let this = std::env::current_exe().expect("this program");
    let mut words: Vec<_> = before.iter().map(std::ffi::OsString::from).collect();
    words.push(this.into());
    let mut command = Command::new(words.remove(0));
    command.args(words).args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env(WHERE, directory);
    command
}

fn start(test: &str, directory: &Path) -> Child {
    let mut command = command(&[], test, directory);
    command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("a child")
}

#[tokio::test]
#[ignore = "the child of `killed_at_any_point_it_leaves_the_old_record_or_the_new_one`"]
async fn saves_for_ever() {
    let store = FileStore::open(directory()).expect("a store");
    let mut version = store.load(&KEY, NOW).await.expect("a load").map(|record| record.version);
    loop {
        let next = version.map_or(Version::FIRST, Version::next);
        let outcome = store.commit(&KEY, version, draft(next.0), NOW).await.expect("a commit");
        assert_eq!(outcome, Commit::Committed(next));
        println!("\nsaved {}", next.0);
        version = Some(next);
    }
}

#[tokio::test]
async fn killed_at_any_point_it_leaves_the_old_record_or_the_new_one() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).expect("a store");
    let mut last = 0;
    for _ in 0..rounds(60) {
        let mut child = start("saves_for_ever", scratch.path());
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let mut random = [0; 4];
        SystemRandom.nonce(&mut random);
        let saved = |line: std::io::Result<String>| line.ok()?.strip_prefix("saved ")?.parse::<u64>().ok();
        for _ in 0..=random[0] % 8 {
            last = lines.by_ref().find_map(saved).expect("it saves");
        }
        // Somewhere in one of its next saves.
        std::thread::sleep(Duration::from_micros(u64::from(u16::from_le_bytes([random[1], random[2]])) / 16));
        child.kill().expect("killed");
        child.wait().expect("its end");
        last = lines.filter_map(saved).last().unwrap_or(last);
        let found = store.load(&KEY, NOW).await.expect("a load").expect("a record");
        assert!(
            (last..=last + 1).contains(&found.version.0),
            "{last} was saved, {:?} is there",
            found.version
        );
        assert_eq!(found, record(found.version), "a mixture");
    }
}

#[tokio::test]
#[ignore = "the child of `two_processes_lose_no_update`"]
async fn adds_a_hundred() {
    let store = FileStore::open(directory()).expect("a store");
    let mut fresh = store.load(&KEY, NOW).await.expect("a load").expect("a record");
    let mut left = 100;
    while left > 0 {
        let next = fresh.version.next();
        match store.commit(&KEY, Some(fresh.version), draft(next.0), NOW).await.expect("a commit") {
            Commit::Committed(version) => {
                fresh.version = version;
                left -= 1;
            }
            Commit::Conflict(record) => fresh = record,
            Commit::Gone => panic!("it is gone"),
        }
    }
}

#[tokio::test]
async fn two_processes_lose_no_update() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).expect("a store");
    store.commit(&KEY, None, draft(1), NOW).await.expect("a commit");
    let children = [(); 2].map(|()| start("adds_a_hundred", scratch.path()));
    for mut child in children {
        // So that it never waits for somebody to read what it prints.
        let _ = child.stdout.take().map(|out| BufReader::new(out).lines().count());
        assert!(child.wait().expect("its end").success());
    }
    let found = store.load(&KEY, NOW).await.expect("a load");
    assert_eq!(found, Some(record(Version(201))));
}

#[tokio::test]
#[ignore = "the child of tests of full disks"]
async fn fills_the_disk() {
    let store = FileStore::open(directory()).expect("a store");
    let huge = Draft { payload: Bytes::from(vec![7; 512 * 1024]), ..draft(2) };
    let other = RecordKey::from_bytes([7; 16]);
    store.commit(&KEY, None, draft(1), NOW).await.expect("a commit that fits");
    for (key, expected) in [(&KEY, Some(Version::FIRST)), (&other, None)] {
        let error = store.commit(key, expected, huge.clone(), NOW).await.expect_err("no room");
        assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
        println!("\nfull {:?}", std::error::Error::source(&error).map(ToString::to_string));
    }
    assert_eq!(
        store.load(&KEY, NOW).await.expect("a load"),
        Some(record(Version::FIRST)),
        "the old one stays"
    );
    assert!(store.load(&other, NOW).await.expect("a load").is_none());
    assert!(store.touch(&KEY, NOW, NOW, NOW).await.expect("a touch"));
    let outcome = store.commit(&KEY, Some(Version::FIRST), draft(2), NOW).await.expect("what fits fits");
    assert_eq!(outcome, Commit::Committed(Version(2)), "nothing was left lying about");
    assert!(store.remove(&KEY, NOW).await.expect("a removal"));
}

fn assert_full(before: &[&str], directory: &Path, cause: &str) {
    let output = command(before, "fills_the_disk", directory).output().expect("a child");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(out.matches(cause).count(), 2, "{out}");
}

#[test]
fn a_file_that_may_not_grow_is_an_error_and_the_old_record_stays() {
    let scratch = scratch();
    let limit = r#"trap '' XFSZ; ulimit -f 128; exec "$0" "$@""#;
    assert_full(&["sh", "-c", limit], scratch.path(), "File too large");
}

#[test]
fn a_full_disk_is_an_error_and_the_old_record_stays() {
    let scratch = scratch();
    // A small file system in memory that nobody else sees and that goes with the child.
    let mount = format!(
        r#"mount -t tmpfs -o size=192k,mode=700 tmpfs '{}' && exec "$0" "$@""#,
        scratch.path().display()
    );
    let may_mount = |flag: &str| {
        let probe =
            ["unshare", flag, "mount", "-t", "tmpfs", "tmpfs", scratch.path().to_str().expect("a name")];
        Command::new(probe[0]).args(&probe[1..]).output().is_ok_and(|output| output.status.success())
    };
    match ["-m", "-rm"].into_iter().find(|flag| may_mount(flag)) {
        Some(flag) => {
            assert_full(&["unshare", flag, "sh", "-c", &mount], scratch.path(), "No space left on device");
        }
        // This machine lets nobody mount: a quota by the size of files is the nearest thing, smaller than above.
        None => assert_full(
            &["sh", "-c", r#"trap '' XFSZ; ulimit -f 64; exec "$0" "$@""#],
            scratch.path(),
            "File too large",
        ),
    }
}
