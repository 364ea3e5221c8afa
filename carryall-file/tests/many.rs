//! A user with many sessions.

use std::fs::{self, File};
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Draft, Header, ListSubjects, Record, Store, SubjectHash, Version, WhenFull,
};
use carryall_file::FileStore;
use carryall_testbed::scratch;
use rustix::fs::{FlockOperation, flock};

const ADA: SubjectHash = SubjectHash([0xAD; 16]);
const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

fn minutes(minutes: u8) -> Timestamp {
    NOW.plus(Duration::from_mins(minutes.into()))
}

/// The record of this number, which is in the folder of this number.
fn key(n: u8) -> RecordKey {
    RecordKey::from_bytes([n; 16])
}

/// The higher the number, the younger.
fn draft(n: u8) -> Draft {
    let (created, expires) = (minutes(n), minutes(255));
    let header = Header { created, seen: NOW, expires, latest: expires, subject: Some(ADA) };
    Draft { header, payload: Bytes::from(vec![n]) }
}

fn kept(n: u8) -> (RecordKey, Record) {
    let Draft { header, payload } = draft(n);
    (key(n), Record { version: Version::FIRST, header, payload })
}

async fn with(sessions: u8, directory: &Path) -> FileStore {
    let store = FileStore::open(directory).expect("a store");
    for n in 0..sessions {
        store.commit(&key(n), None, draft(n), NOW).await.expect("a commit");
    }
    store
}

fn cap(most: usize) -> Cap {
    Cap { most: NonZeroUsize::new(most).expect("a place"), when_full: WhenFull::EndOldest }
}

#[tokio::test]
async fn a_list_looks_at_no_more_records_than_it_answers() {
    let scratch = scratch();
    let store = with(50, scratch.path()).await;
    let hex = format!("{:032x}", u128::from_be_bytes(ADA.0));
    let index = scratch.path().join("subjects").join(&hex[..2]).join(&hex);
    // Whose entries are dropped by whoever looks for them.
    for n in 10..50_u8 {
        let name = format!("{n:02x}");
        fs::remove_file(scratch.path().join(&name).join(name.repeat(16))).expect("a record");
    }
    for (limit, entries) in [(0, 50), (3, 50), (10, 50), (11, 10)] {
        let listed = store.list(&ADA, limit, NOW).await.expect("a list");
        assert_eq!(listed, (0..10).take(limit).map(kept).collect::<Vec<_>>());
        let left = fs::read_dir(&index).expect("an index").count();
        assert_eq!(left, entries, "after a list of {limit}");
    }
}

#[tokio::test]
async fn the_largest_cap_lets_everybody_in() {
    let scratch = scratch();
    let store = with(3, scratch.path()).await;
    let outcome = store.admit(&key(3), None, draft(3), cap(usize::MAX), NOW).await.expect("an admission");
    assert_eq!(outcome, Admission::Committed { version: Version::FIRST, ended: Vec::new() });
    assert_eq!(store.count(&ADA, NOW).await.expect("a number"), 4);
}

#[tokio::test]
async fn a_cap_that_was_lowered_ends_all_that_are_too_many_holding_up_one_folder_at_a_time() {
    let scratch = scratch();
    let store = with(100, scratch.path()).await;
    let refused = store.admit(&key(200), Some(Version::FIRST), draft(200), cap(3), NOW).await;
    assert_eq!(refused.expect("an answer"), Admission::Gone);
    let refused = store.admit(&key(0), None, draft(0), cap(3), NOW).await;
    assert_eq!(refused.expect("an answer"), Admission::Conflict(kept(0).1));
    assert_eq!(store.count(&ADA, NOW).await.expect("a number"), 100, "who is refused ends nobody");
    // Somebody is busy in the folder of one that has to go.
    let busy = File::open(scratch.path().join(format!("{:02x}", 7))).expect("a folder");
    flock(&busy, FlockOperation::LockExclusive).expect("its lock");
    let admitting = store.clone();
    let admitting =
        tokio::spawn(async move { admitting.admit(&key(200), None, draft(200), cap(3), NOW).await });
    let others_work = async {
        while store.load(&key(200), NOW).await.expect("a load").is_none() {}
        for n in [8, 99, 150, 200] {
            store.touch(&key(n), minutes(1), minutes(255), NOW).await.expect("a touch");
        }
    };
    tokio::time::timeout(Duration::from_mins(1), others_work).await.expect("others work meanwhile");
    drop(busy);
    let outcome = admitting.await.expect("no panic").expect("an admission");
    let Admission::Committed { version: Version::FIRST, ended } = outcome else { panic!("{outcome:?}") };
    assert_eq!(ended.len(), 98);
    for (n, (key, record)) in (0..).zip(ended) {
        assert_eq!((key, record.header.created, &record.payload[..]), (self::key(n), minutes(n), &[n][..]));
        assert!(store.load(&key, NOW).await.expect("a load").is_none(), "{n} is gone");
    }
    let left = store.list(&ADA, 100, NOW).await.expect("a list");
    assert_eq!(left.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), [key(98), key(99), key(200)]);
}
