//! The index of a subject: that it misses nobody, leaks nothing, and stands in nobody's way.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::{FileExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Commit, Draft, Header, ListSubjects, Store, StoreErrorKind, SubjectHash, Sweep, Version,
    WhenFull,
};
use carryall_file::FileStore;
use carryall_testbed::scratch;

const ADA: SubjectHash = SubjectHash([0xAD; 16]);
const BOB: SubjectHash = SubjectHash([0xB0; 16]);
const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

fn minutes(minutes: u64) -> Timestamp {
    NOW.plus(Duration::from_mins(minutes))
}

fn key(n: u8) -> RecordKey {
    RecordKey::from_bytes([n; 16])
}

/// A session that began at this minute and lasts half an hour.
fn draft(subject: impl Into<Option<SubjectHash>>, minute: u64) -> Draft {
    let header = Header {
        created: minutes(minute),
        seen: NOW,
        expires: minutes(30),
        latest: minutes(720),
        subject: subject.into(),
    };
    Draft { header, payload: Bytes::from_static(b"hers") }
}

fn open(directory: &Path) -> FileStore {
    FileStore::open(directory).expect("a store")
}

async fn create(store: &FileStore, n: u8, draft: Draft) {
    let outcome = store.commit(&key(n), None, draft, NOW).await.expect("a commit");
    assert_eq!(outcome, Commit::Committed(Version::FIRST));
}

/// Which of the records `key(n)` are listed, and as many are counted.
async fn listed(store: &FileStore, subject: SubjectHash) -> Vec<u8> {
    let listed = store.list(&subject, 100, NOW).await.expect("a list");
    assert_eq!(store.count(&subject, NOW).await.expect("a number"), listed.len());
    listed.into_iter().map(|(key, _)| key.as_bytes()[0]).collect()
}

fn cap(most: usize) -> Cap {
    Cap { most: NonZeroUsize::new(most).expect("a place"), when_full: WhenFull::EndOldest }
}

fn of(subject: SubjectHash) -> String {
    let hex = format!("{:032x}", u128::from_be_bytes(subject.0));
    format!("subjects/{}/{hex}", &hex[..2])
}

fn record(n: u8) -> String {
    format!("{n:02x}/{}", name(n))
}

fn name(n: u8) -> String {
    format!("{n:02x}").repeat(16)
}

/// The entry of a session that began in the first minute.
fn entry(n: u8) -> String {
    format!("{:016x}-{}", minutes(0).as_millis(), name(n))
}

/// Every file below a directory, but the one that says that no index lacks anything.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if !path.ends_with("subjects/complete") {
            files.push(path);
        }
    }
    files
}

/// As a version without an index has left it: the record is there, and a mark that does not say whose it is.
fn without_index(directory: &Path, n: u8, subject: SubjectHash) {
    fs::remove_dir_all(directory.join(of(subject))).expect("an index");
    for mark in files(&directory.join("due")) {
        if mark.to_str().expect("a name").contains(&name(n)) {
            fs::rename(&mark, mark.with_file_name(name(n))).expect("a mark");
        }
    }
}

#[tokio::test]
async fn who_signs_in_and_out_over_and_over_leaves_nothing_behind() {
    let scratch = scratch();
    let store = open(scratch.path());
    for n in 0..4 {
        create(&store, n, draft(ADA, 0)).await;
        create(&store, 10 + n, draft(None, 0)).await;
        let outcome =
            store.admit(&key(10 + n), Some(Version::FIRST), draft(BOB, 0), cap(1), NOW).await.expect("in");
        assert!(matches!(outcome, Admission::Committed { .. }), "{outcome:?}");
        let outcome = store.commit(&key(n), Some(Version::FIRST), draft(BOB, 0), NOW).await.expect("another");
        assert_eq!(outcome, Commit::Committed(Version(2)));
        assert!(!scratch.path().join(of(ADA)).exists(), "she has none");
        assert_eq!((listed(&store, ADA).await, listed(&store, BOB).await), (vec![], vec![n, 10 + n]));
        for n in [n, 10 + n] {
            assert!(store.remove(&key(n), NOW).await.expect("a logout"));
        }
    }
    assert!(!scratch.path().join(of(ADA)).exists() && !scratch.path().join(of(BOB)).exists());
    assert_eq!(store.sweep_once(minutes(31), 100).await.expect("a sweep"), 0);
    assert_eq!(files(scratch.path()), Vec::<PathBuf>::new(), "nothing is left");
}

#[tokio::test]
async fn what_has_expired_is_swept_with_its_entry() {
    let scratch = scratch();
    let store = open(scratch.path());
    create(&store, 1, draft(ADA, 0)).await;
    create(&store, 2, draft(None, 0)).await;
    store.commit(&key(2), Some(Version::FIRST), draft(ADA, 0), NOW).await.expect("a commit");
    store.touch(&key(2), NOW, minutes(60), NOW).await.expect("a touch");
    assert_eq!(store.sweep_once(minutes(31), 100).await.expect("a sweep"), 1);
    assert_eq!(listed(&store, ADA).await, [2]);
    assert_eq!(store.sweep_once(minutes(61), 100).await.expect("a sweep"), 1);
    assert_eq!(files(scratch.path()), Vec::<PathBuf>::new(), "nothing is left");
    assert!(!scratch.path().join(of(ADA)).exists());
}

#[tokio::test]
async fn what_has_expired_by_one_clock_is_listed_by_another() {
    let scratch = scratch();
    let (ahead, behind) = (open(scratch.path()), open(scratch.path()));
    create(&behind, 1, draft(ADA, 0)).await;
    assert_eq!(ahead.list(&ADA, 9, minutes(30)).await.expect("a list"), []);
    assert!(behind.touch(&key(1), NOW, minutes(60), NOW).await.expect("a touch"));
    assert_eq!(ahead.count(&ADA, minutes(30)).await.expect("a number"), 1);
    assert_eq!(listed(&behind, ADA).await, [1]);
}

#[tokio::test]
async fn a_commit_that_leaves_the_subject_alone_leaves_the_index_alone() {
    let scratch = scratch();
    let store = open(scratch.path());
    create(&store, 1, draft(ADA, 0)).await;
    let changed =
        || fs::metadata(scratch.path().join(of(ADA))).and_then(|index| index.modified()).expect("an index");
    let before = changed();
    let marks = files(&scratch.path().join("due"));
    for version in (1..4).map(Version) {
        let mut longer = draft(ADA, 0);
        longer.header.expires = minutes(30 + 10 * version.0);
        let outcome = store.commit(&key(1), Some(version), longer, NOW).await.expect("a commit");
        assert_eq!(outcome, Commit::Committed(version.next()));
        assert!(
            store
                .touch(&key(1), minutes(version.0), minutes(34 + 10 * version.0), NOW)
                .await
                .expect("a touch")
        );
        assert!(store.load(&key(1), NOW).await.expect("a load").is_some());
    }
    assert_eq!(changed(), before);
    assert_eq!(files(&scratch.path().join("due")), marks);
    assert_eq!(listed(&store, ADA).await, [1]);
}

#[tokio::test]
async fn a_record_whose_age_is_another_by_a_commit_is_listed_once_and_in_its_place() {
    let scratch = scratch();
    let store = open(scratch.path());
    for n in 1..4 {
        create(&store, n, draft(ADA, n.into())).await;
    }
    let moved = store.commit(&key(1), Some(Version::FIRST), draft(ADA, 9), NOW).await.expect("a commit");
    assert_eq!(moved, Commit::Committed(Version(2)));
    assert_eq!(listed(&store, ADA).await, [2, 3, 1]);
    // Its old entry, as a crash may leave it.
    let index = scratch.path().join(of(ADA));
    let old = index.join(format!("{:016x}-{}", minutes(1).as_millis(), name(1)));
    assert!(!old.exists());
    fs::write(&old, "").expect("an entry");
    assert_eq!(store.list(&ADA, 1, NOW).await.expect("a list")[0].0, key(2));
    assert_eq!(listed(&store, ADA).await, [2, 3, 1]);
    assert!(!old.exists(), "it leads to another one");
}

#[tokio::test]
async fn a_commit_that_fails_leaves_the_old_owner_and_no_entry_for_good() {
    let scratch = scratch();
    let store = open(scratch.path());
    create(&store, 1, draft(ADA, 0)).await;
    let new = scratch.path().join(record(1)).with_extension("new");
    fs::create_dir(&new).expect("a folder");
    let refused = store.commit(&key(1), Some(Version::FIRST), draft(BOB, 0), NOW).await;
    assert_eq!(refused.expect_err("it cannot be written").kind(), StoreErrorKind::Corrupt);
    // It was told before the record, and is dropped by whoever finds that it leads nowhere.
    assert!(scratch.path().join(of(BOB)).join(entry(1)).exists());
    assert_eq!((listed(&store, ADA).await, listed(&store, BOB).await), (vec![1], vec![]));
    assert!(!scratch.path().join(of(BOB)).exists());
    let refused = store.commit(&key(1), Some(Version::FIRST), draft(BOB, 0), NOW).await;
    refused.expect_err("it cannot be written");
    fs::remove_dir(&new).expect("a folder");
    assert_eq!(store.sweep_once(minutes(31), 100).await.expect("a sweep"), 1);
    assert_eq!(files(scratch.path()), Vec::<PathBuf>::new(), "nobody asked for Bob's, and nothing is left");
    assert!(!scratch.path().join(of(BOB)).exists());
}

#[tokio::test]
async fn records_of_a_version_without_an_index_are_found_when_the_directory_is_opened() {
    let scratch = scratch();
    let store = open(scratch.path());
    for (n, subject) in [(1, Some(ADA)), (2, Some(ADA)), (3, Some(BOB)), (4, None), (5, Some(BOB))] {
        create(&store, n, draft(subject, n.into())).await;
    }
    fs::remove_dir_all(scratch.path().join("subjects")).expect("the indexes");
    // Damaged, and none of its business.
    fs::write(scratch.path().join(record(5)), "no record").expect("a file");
    fs::write(scratch.path().join("01/notes"), "no record").expect("a file");
    symlink("/dev/zero", scratch.path().join(record(6))).expect("a link");
    let store = open(scratch.path());
    assert_eq!((listed(&store, ADA).await, listed(&store, BOB).await), (vec![1, 2], vec![3]));
    for n in 1..5 {
        store.remove(&key(n), NOW).await.expect("a removal");
    }
    assert_eq!((listed(&store, ADA).await, listed(&store, BOB).await), (vec![], vec![]));
    // It is looked for once: what is wrong afterwards was made wrong by somebody else.
    create(&store, 1, draft(ADA, 0)).await;
    without_index(scratch.path(), 1, ADA);
    assert_eq!(listed(&open(scratch.path()), ADA).await, Vec::<u8>::new());
}

#[tokio::test]
async fn what_a_version_without_an_index_writes_meanwhile_is_entered_when_it_is_swept() {
    let scratch = scratch();
    let store = open(scratch.path());
    create(&store, 1, draft(ADA, 0)).await;
    without_index(scratch.path(), 1, ADA);
    assert!(store.touch(&key(1), minutes(20), minutes(50), NOW).await.expect("a touch"));
    for (minute, swept) in [(20, 0), (31, 0), (51, 1)] {
        let expected: &[u8] = if minute == 31 { &[1] } else { &[] };
        assert_eq!(store.sweep_once(minutes(minute), 100).await.expect("a sweep"), swept);
        assert_eq!(listed(&store, ADA).await, expected, "after {minute} minutes");
    }
    assert_eq!(files(scratch.path()), Vec::<PathBuf>::new(), "nothing is left");
}

#[tokio::test]
async fn what_a_version_without_an_index_has_written_is_entered_with_its_next_commit() {
    let scratch = scratch();
    let store = open(scratch.path());
    create(&store, 1, draft(ADA, 0)).await;
    without_index(scratch.path(), 1, ADA);
    let outcome = store.commit(&key(1), Some(Version::FIRST), draft(ADA, 0), NOW).await.expect("a commit");
    assert_eq!(outcome, Commit::Committed(Version(2)));
    assert_eq!(listed(&store, ADA).await, [1]);
    assert_eq!(store.sweep_once(minutes(31), 100).await.expect("a sweep"), 1);
    assert_eq!(files(scratch.path()), Vec::<PathBuf>::new(), "nothing is left");
}

#[tokio::test]
async fn a_damaged_record_hides_no_other_and_can_be_ended_where_it_says_whose_it_is() {
    let scratch = scratch();
    let store = open(scratch.path());
    for n in 1..5 {
        create(&store, n, draft(ADA, n.into())).await;
    }
    // Its head, its payload.
    for (n, at) in [(2, 16), (1, 123)] {
        let file = fs::OpenOptions::new().write(true).open(scratch.path().join(record(n))).expect("the file");
        file.write_all_at(&[0xAA], at).expect("a write");
        assert_eq!(store.load(&key(n), NOW).await.expect_err("damaged").kind(), StoreErrorKind::Corrupt);
    }
    let found = store.list(&ADA, 100, NOW).await.expect("a list");
    let payloads: Vec<_> =
        found.iter().map(|(key, record)| (key.as_bytes()[0], &record.payload[..])).collect();
    assert_eq!(payloads, [(1, &b""[..]), (3, b"hers"), (4, b"hers")]);
    let outcome = store.admit(&key(9), None, draft(ADA, 9), cap(3), NOW).await.expect("an admission");
    let Admission::Committed { ended, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(ended, found[..1]);
    assert_eq!(listed(&store, ADA).await, [3, 4, 9]);
}

#[tokio::test]
async fn what_is_no_entry_is_left_alone_and_no_link_is_followed() {
    let scratch = scratch();
    let store = open(scratch.path());
    create(&store, 1, draft(ADA, 0)).await;
    let (index, precious) = (scratch.path().join(of(ADA)), scratch.path().join("precious"));
    fs::write(&precious, "precious").expect("a file");
    fs::write(index.join("notes"), "text").expect("a file");
    fs::create_dir(index.join(entry(2))).expect("a folder");
    symlink(&precious, index.join(entry(3))).expect("a link");
    assert_eq!(listed(&store, ADA).await, [1]);
    symlink(&precious, index.join(entry(3))).expect("the link had led nowhere, and was dropped");
    for n in [2, 3] {
        create(&store, n, draft(ADA, 0)).await;
    }
    assert_eq!(listed(&store, ADA).await, [1, 2, 3]);
    for n in 1..4 {
        assert!(store.remove(&key(n), NOW).await.expect("a removal"));
    }
    assert_eq!(listed(&store, ADA).await, Vec::<u8>::new());
    assert_eq!(fs::read_to_string(&precious).expect("the file"), "precious");
    assert!(index.join("notes").exists() && index.join(entry(2)).exists());
    // Somewhere else, named as the folder of a subject: nothing of his is known, and the others' is.
    fs::create_dir(scratch.path().join("elsewhere")).expect("a folder");
    symlink(scratch.path().join("elsewhere"), scratch.path().join(of(BOB))).expect("a link");
    let refused = store.commit(&key(4), None, draft(BOB, 0), NOW).await.expect_err("a link");
    assert_eq!(refused.kind(), StoreErrorKind::Unavailable);
    assert_eq!(store.list(&BOB, 9, NOW).await.expect_err("a link").kind(), StoreErrorKind::Unavailable);
    create(&store, 5, draft(ADA, 0)).await;
    assert_eq!(listed(&store, ADA).await, [5]);
    assert_eq!(fs::read_dir(scratch.path().join("elsewhere")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn an_admission_that_fails_half_way_ends_nobody() {
    let scratch = scratch();
    let store = open(scratch.path());
    for n in 1..4 {
        create(&store, n, draft(ADA, n.into())).await;
    }
    // The second of those who have to go cannot be taken away.
    let aside = scratch.path().join(record(2)).with_extension("new");
    fs::create_dir(&aside).expect("a folder");
    let before = store.list(&ADA, 100, NOW).await.expect("a list");
    store.admit(&key(9), None, draft(ADA, 9), cap(2), NOW).await.expect_err("it cannot be exchanged");
    assert_eq!(store.list(&ADA, 100, NOW).await.expect("a list"), before);
    assert!(store.load(&key(9), NOW).await.expect("a load").is_none());
    assert!(!scratch.path().join(record(9)).with_extension("new").exists());
    fs::remove_dir(&aside).expect("a folder");
    let outcome = store.admit(&key(9), None, draft(ADA, 9), cap(2), NOW).await.expect("an admission");
    assert_eq!(outcome, Admission::Committed { version: Version::FIRST, ended: before[..2].to_vec() });
    assert_eq!(listed(&store, ADA).await, [3, 9]);
    for n in 1..3 {
        assert!(
            !scratch.path().join(record(n)).exists()
                && !scratch.path().join(record(n)).with_extension("new").exists()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_has_signed_in_is_listed_whatever_others_sign_out_or_sweep() {
    const ROUNDS: usize = 40;
    let scratch = scratch();
    let stores = [open(scratch.path()), open(scratch.path())];
    let is_over = Arc::new(AtomicBool::new(false));
    // The index comes and goes with those who stay for a minute.
    let sweeper = {
        let (store, is_over) = (stores[0].clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            while !is_over.load(Ordering::SeqCst) {
                let mut brief = draft(ADA, 0);
                brief.header.expires = minutes(1);
                store.commit(&key(0), None, brief, NOW).await.expect("a commit");
                store.sweep_once(minutes(10), 100).await.expect("a sweep");
            }
        })
    };
    let tasks: Vec<_> = (1..7)
        .map(|n| {
            let (one, other) = (stores[usize::from(n % 2)].clone(), stores[usize::from(n % 3 % 2)].clone());
            tokio::spawn(async move {
                for _ in 0..ROUNDS {
                    create(&one, n, draft(ADA, 0)).await;
                    let found = other.list(&ADA, 100, NOW).await.expect("a list");
                    assert!(found.iter().any(|(found, _)| *found == key(n)), "{n} is missing");
                    assert!(other.remove(&key(n), NOW).await.expect("a logout"));
                    let found = one.list(&ADA, 100, NOW).await.expect("a list");
                    assert!(found.iter().all(|(found, _)| *found != key(n)), "{n} is listed");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no failure");
    }
    is_over.store(true, Ordering::SeqCst);
    sweeper.await.expect("no failure");
    stores[1].sweep_once(minutes(31), 100).await.expect("a sweep");
    assert_eq!(files(scratch.path()), Vec::<PathBuf>::new(), "nothing is left");
}

#[test]
fn one_thread_for_blocking_work_is_enough() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let works = async {
        let scratch = scratch();
        let stores = [open(scratch.path()), open(scratch.path())];
        let tasks = (0..8_u8).map(|n| {
            let store = stores[usize::from(n % 2)].clone();
            tokio::spawn(async move {
                for round in 0..5 {
                    let mut brief = draft(ADA, 0);
                    brief.header.expires = minutes(1);
                    // All in one folder.
                    let [one, other] = [0, 1].map(|kind| {
                        let mut bytes = [n; 16];
                        (bytes[0], bytes[1], bytes[2]) = (0, round, kind);
                        RecordKey::from_bytes(bytes)
                    });
                    store.admit(&one, None, brief.clone(), cap(2), NOW).await.expect("an admission");
                    store.commit(&other, None, brief, NOW).await.expect("a commit");
                    store.sweep_once(minutes(10), 1).await.expect("a sweep");
                }
            })
        });
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("no failure");
        }
        stores[0].sweep_once(minutes(10), 100).await.expect("a sweep");
        assert_eq!(stores[1].count(&ADA, NOW).await.expect("a number"), 0);
    };
    let is_done =
        runtime.block_on(async { tokio::time::timeout(Duration::from_mins(2), works).await.is_ok() });
    // Not waiting for a thread that waits for ever.
    runtime.shutdown_background();
    assert!(is_done, "they wait for each other");
}
