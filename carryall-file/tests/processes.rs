//! Several processes over one directory, one of them killed or out of space.
//!
//! Their bodies are the ignored tests below, which this program runs as children of itself.

use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;

use bytes::Bytes;
use carryall::id::RecordKey;
use carryall::store::{
    Cap, Commit, Draft, ListSubjects, Store, StoreErrorKind, SubjectHash, Version, WhenFull,
};
use carryall_file::FileStore;
use carryall_testbed::crash::{self, KEY, NOW, command, directory, draft, record, start};
use carryall_testbed::{rounds, scratch};

#[tokio::test]
#[ignore = "the child of `killed_at_any_point_it_leaves_the_old_record_or_the_new_one`"]
async fn saves_for_ever() {
    crash::save_for_ever(FileStore::open(directory()).expect("a store")).await;
}

#[tokio::test]
async fn killed_at_any_point_it_leaves_the_old_record_or_the_new_one() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).expect("a store");
    crash::killed_at_any_point(rounds(60), "saves_for_ever", scratch.path(), store).await;
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
    admits_nobody(&store, huge).await;
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

/// What finds no room ends nobody.
async fn admits_nobody(store: &FileStore, mut huge: Draft) {
    let (ada, one, another) =
        (SubjectHash([3; 16]), RecordKey::from_bytes([8; 16]), RecordKey::from_bytes([9; 16]));
    let mut small = draft(1);
    (small.header.subject, huge.header.subject) = (Some(ada), Some(ada));
    store.commit(&one, None, small, NOW).await.expect("a commit that fits");
    let cap = Cap { most: NonZeroUsize::MIN, when_full: WhenFull::EndOldest };
    let error = store.admit(&another, None, huge, cap, NOW).await.expect_err("no room");
    assert_eq!(error.kind(), StoreErrorKind::Full, "{error:?}");
    println!("\nfull {:?}", std::error::Error::source(&error).map(ToString::to_string));
    let listed = store.list(&ada, 9, NOW).await.expect("a list");
    assert!(listed.len() == 1 && listed[0].0 == one, "{listed:?}");
    assert!(store.remove(&one, NOW).await.expect("a removal"));
}

fn assert_full(before: &[&str], directory: &Path, cause: &str) {
    let output = command(before, "fills_the_disk", directory).output().expect("a child");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    assert_eq!(out.matches(cause).count(), 3, "{out}");
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
