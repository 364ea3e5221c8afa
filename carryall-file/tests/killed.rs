//! Several processes sign in and out in one directory, and are killed: whoever is in is listed.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::num::NonZeroUsize;
use std::process::Child;
use std::time::Duration;

use carryall::id::RecordKey;
use carryall::random::{Random as _, SystemRandom};
use carryall::store::{Admission, Cap, Draft, ListSubjects, Store, SubjectHash, Sweep, WhenFull};
use carryall_file::FileStore;
use carryall_testbed::crash::{NOW, directory, draft, start};
use carryall_testbed::{dump, rounds, scratch};

const ADA: SubjectHash = SubjectHash([0xAD; 16]);
const BOB: SubjectHash = SubjectHash([0xB0; 16]);
/// Has no more than three sessions.
const EVE: SubjectHash = SubjectHash([0xEE; 16]);
const RECORDS: u8 = 6;

fn key(n: u8) -> RecordKey {
    RecordKey::from_bytes([n; 16])
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom.nonce(&mut bytes);
    bytes
}

fn of(subject: impl Into<Option<SubjectHash>>) -> Draft {
    let mut draft = draft(1);
    draft.header.subject = subject.into();
    draft
}

fn cap(most: usize, when_full: WhenFull) -> Cap {
    Cap { most: NonZeroUsize::new(most).expect("a place"), when_full }
}

fn open() -> FileStore {
    FileStore::open(directory()).expect("a store")
}

#[tokio::test]
#[ignore = "the child of `killed_at_any_point_nobody_is_in_without_being_listed`"]
async fn signs_in_and_out_for_ever() {
    let store = open();
    loop {
        let [n, deed] = random();
        let key = key(n % RECORDS);
        let version = store.load(&key, NOW).await.expect("a load").map(|record| record.version);
        let eves = store.list(&EVE, 9, NOW).await.expect("a list").iter().any(|(found, _)| *found == key);
        match deed % 8 {
            0 => _ = store.remove(&key, NOW).await.expect("a removal"),
            // She is let in within her cap, and stays who she is.
            1..4 => {
                let cap = cap(3, WhenFull::EndOldest);
                store.admit(&key, version, of(EVE), cap, NOW).await.expect("an admission");
            }
            _ if eves => {}
            other => {
                let subject = [None, Some(ADA), Some(BOB), Some(ADA)][usize::from(other) % 4];
                store.commit(&key, version, of(subject), NOW).await.expect("a commit");
            }
        }
        println!("\ndone");
    }
}

/// Waits for some of its deeds and kills it somewhere in one of the next.
fn kill(mut child: Child) {
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let [deeds, a, b] = random();
    let done = lines.map_while(Result::ok).filter(|line| line == "done").take(usize::from(deeds % 16) + 1);
    assert!(done.count() > usize::from(deeds % 16), "it works");
    std::thread::sleep(Duration::from_micros(u64::from(u16::from_le_bytes([a, b])) / 16));
    child.kill().expect("a child");
    child.wait().expect("its end");
}

#[tokio::test]
async fn killed_at_any_point_nobody_is_in_without_being_listed() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).expect("a store");
    for _ in 0..rounds(60) {
        kill(start("signs_in_and_out_for_ever", scratch.path()));
        let mut inside = BTreeSet::new();
        for n in 0..RECORDS {
            let record = store.load(&key(n), NOW).await.expect("a load");
            inside.extend(record.and_then(|record| record.header.subject).map(|subject| (subject, key(n))));
        }
        let mut listed = BTreeSet::new();
        for subject in [ADA, BOB, EVE] {
            let found = store.list(&subject, 9, NOW).await.expect("a list");
            listed.extend(found.into_iter().map(|(key, _)| (subject, key)));
        }
        assert_eq!(inside, listed);
        assert!(store.count(&EVE, NOW).await.expect("a number") <= 3, "{listed:?}");
    }
    store.sweep_once(NOW.plus(Duration::from_hours(1)), 100).await.expect("a sweep");
    let names = dump::files(scratch.path());
    let names = String::from_utf8(names).expect("names, as the files left are empty");
    let left = (0..RECORDS).find(|n| names.contains(&format!("{n:02x}").repeat(16)));
    assert_eq!(left, None, "it is left in {names}");
    assert!(!names.contains("adadadad") && !names.contains("eeeeeeee"), "an index is left in {names}");
}

#[tokio::test]
#[ignore = "the child of `processes_that_admit_at_once_never_pass_the_cap`"]
async fn admits_for_a_while() {
    let store = open();
    let mut inside = 0;
    for _ in 0..40 {
        let key = || RecordKey::from_bytes(random());
        let ending = cap(3, WhenFull::EndOldest);
        let outcome = store.admit(&key(), None, of(EVE), ending, NOW).await.expect("an admission");
        assert!(matches!(outcome, Admission::Committed { .. }), "{outcome:?}");
        let outcome =
            store.admit(&key(), None, of(ADA), cap(20, WhenFull::Refuse), NOW).await.expect("an answer");
        inside += usize::from(outcome != Admission::Full);
    }
    println!("\ninside {inside}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_admit_at_once_never_pass_the_cap() {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).expect("a store");
    let children = [(); 3].map(|()| start("admits_for_a_while", scratch.path()));
    let waiting = children.map(|mut child| {
        std::thread::spawn(move || {
            let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
            let inside =
                lines.map_while(Result::ok).filter_map(|line| line.strip_prefix("inside ")?.parse().ok());
            let inside = inside.last().unwrap_or(0);
            (child.wait().expect("its end").success(), inside)
        })
    });
    while waiting.iter().any(|child| !child.is_finished()) {
        for (subject, most) in [(EVE, 3), (ADA, 20)] {
            let count = store.count(&subject, NOW).await.expect("a number");
            assert!(count <= most, "at one time there were {count} of {most}");
        }
    }
    let ends = waiting.map(|child| child.join().expect("a thread"));
    assert!(ends.iter().all(|(is_good, _)| *is_good), "a child has failed");
    assert_eq!(ends.iter().map(|(_, inside): &(bool, usize)| inside).sum::<usize>(), 20);
    assert_eq!(store.count(&EVE, NOW).await.expect("a number"), 3);
    assert_eq!(store.count(&ADA, NOW).await.expect("a number"), 20);
}
