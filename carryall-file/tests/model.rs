//! Whatever is done to a few records of a few subjects, on two nodes, the lists say what a map would say; and once all
//! of it has expired, nothing is left.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Commit, Draft, Header, ListSubjects, Record, Store, SubjectHash, Sweep, Version, WhenFull,
};
use carryall_file::FileStore;
use carryall_testbed::{dump, rounds, scratch};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

const BEGIN: Timestamp = Timestamp::from_secs(1_900_000_000);
const SUBJECTS: u8 = 2;

#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Whose it becomes, and for how many minutes.
    Commit(Option<u8>, u64),
    /// The same, within this cap.
    Admit(Option<u8>, u64, usize, WhenFull),
    Touch(u64),
    Remove,
    Sweep(usize),
    /// So many minutes pass.
    Wait(u64),
}

#[derive(Clone, Copy, Debug)]
struct Step {
    node: usize,
    key: u8,
    /// Whether it knows the record's version.
    is_current: bool,
    deed: Deed,
}

fn any_step() -> impl Strategy<Value = Step> {
    let subject = || proptest::option::weighted(0.8, 0..SUBJECTS);
    let when_full = prop_oneof![Just(WhenFull::EndOldest), Just(WhenFull::Refuse)];
    let deed = prop_oneof![
        4 => (subject(), 1..40_u64).prop_map(|(subject, minutes)| Deed::Commit(subject, minutes)),
        4 => (subject(), 1..40_u64, 1..3_usize, when_full)
            .prop_map(|(subject, minutes, most, when_full)| Deed::Admit(subject, minutes, most, when_full)),
        1 => (1..40_u64).prop_map(Deed::Touch),
        1 => Just(Deed::Remove),
        1 => (1..4_usize).prop_map(Deed::Sweep),
        1 => (1..20_u64).prop_map(Deed::Wait),
    ];
    // Three records share a folder, and one has its own.
    (0..2_usize, 0..4_u8, proptest::bool::weighted(0.9), deed)
        .prop_map(|(node, key, is_current, deed)| Step { node, key, is_current, deed })
}

fn key(n: u8) -> RecordKey {
    let mut bytes = [n; 16];
    bytes[0] = n / 3;
    RecordKey::from_bytes(bytes)
}

fn subject(n: u8) -> SubjectHash {
    SubjectHash([n; 16])
}

/// What should be there.
#[derive(Debug)]
struct Model {
    now: Timestamp,
    records: BTreeMap<RecordKey, Record>,
}

impl Model {
    fn live(&self) -> impl Iterator<Item = (RecordKey, &Record)> {
        let live = self.records.iter().filter(|(_, record)| self.now < record.header.expires);
        live.map(|(key, record)| (*key, record))
    }

    fn of(&self, subject: SubjectHash) -> Vec<(RecordKey, Record)> {
        let of = self.live().filter(|(_, record)| record.header.subject == Some(subject));
        let mut of: Vec<_> = of.map(|(key, record)| (key, record.clone())).collect();
        of.sort_by_key(|(key, record)| (record.header.created, *key));
        of
    }

    fn draft(&self, key: &RecordKey, owner: Option<u8>, minutes: u64) -> Draft {
        let created = self.live().find(|(found, _)| found == key).map_or(self.now, |(_, r)| r.header.created);
        let expires = self.now.plus(Duration::from_mins(minutes));
        let latest = BEGIN.plus(Duration::from_hours(24));
        let header = Header { created, seen: self.now, expires, latest, subject: owner.map(subject) };
        Draft { header, payload: Bytes::from(vec![7; usize::try_from(minutes).expect("few")]) }
    }

    fn admit(
        &mut self,
        key: RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Option<Cap>,
    ) -> Admission {
        let found = self.live().find(|(found, _)| *found == key).map(|(_, record)| record.clone());
        let version = match (&found, expected) {
            (None, Some(_)) => return Admission::Gone,
            (None, None) => Version::FIRST,
            (Some(record), Some(version)) if record.version == version => version.next(),
            (Some(record), _) => return Admission::Conflict(record.clone()),
        };
        let mut ended = Vec::new();
        if let (Some(cap), Some(subject)) = (cap, draft.header.subject) {
            ended = self.of(subject);
            ended.retain(|(other, _)| *other != key);
            ended.truncate((ended.len() + 1).saturating_sub(cap.most.get()));
            if !ended.is_empty() && cap.when_full == WhenFull::Refuse {
                return Admission::Full;
            }
        }
        for (key, _) in &ended {
            self.records.remove(key);
        }
        self.records.insert(key, Record { version, header: draft.header, payload: draft.payload });
        Admission::Committed { version, ended }
    }
}

async fn play(directory: &Path, steps: &[Step]) -> Result<(), TestCaseError> {
    let nodes = [FileStore::open(directory).expect("a store"), FileStore::open(directory).expect("a store")];
    let mut model = Model { now: BEGIN, records: BTreeMap::new() };
    for step in steps {
        take(&nodes[step.node], &mut model, *step).await?;
        for n in 0..SUBJECTS {
            let store = &nodes[usize::from(n)];
            let expected = model.of(subject(n));
            prop_assert_eq!(store.count(&subject(n), model.now).await.expect("a number"), expected.len());
            prop_assert_eq!(
                store.list(&subject(n), 9, model.now).await.expect("a list"),
                expected,
                "{:?}",
                step
            );
        }
    }
    let end = BEGIN.plus(Duration::from_hours(25));
    nodes[0].sweep_once(end, 100).await.expect("a sweep");
    let names = String::from_utf8(dump::files(directory)).expect("names, as the files left are empty");
    let left = (0..4_u8).find(|n| names.contains(&format!("{n:02x}").repeat(15)));
    prop_assert!(left.is_none(), "{:?} is left in {}", left, names);
    Ok(())
}

async fn take(store: &FileStore, model: &mut Model, step: Step) -> Result<(), TestCaseError> {
    let (key, now) = (key(step.key), model.now);
    let current = model.live().find(|(found, _)| *found == key).map(|(_, record)| record.version);
    let expected = if step.is_current { current } else { Some(Version(99)) };
    match step.deed {
        Deed::Commit(owner, minutes) => {
            let draft = model.draft(&key, owner, minutes);
            let outcome: Commit = store.commit(&key, expected, draft.clone(), now).await.expect("an answer");
            prop_assert_eq!(Admission::from(outcome), model.admit(key, expected, draft, None), "{:?}", step);
        }
        Deed::Admit(owner, minutes, most, when_full) => {
            let cap = Cap { most: NonZeroUsize::new(most).expect("a place"), when_full };
            let draft = model.draft(&key, owner, minutes);
            let outcome = store.admit(&key, expected, draft.clone(), cap, now).await.expect("an answer");
            prop_assert_eq!(outcome, model.admit(key, expected, draft, Some(cap)), "{:?}", step);
        }
        Deed::Touch(minutes) => {
            let expires = now.plus(Duration::from_mins(minutes));
            let found = store.touch(&key, now, expires, now).await.expect("an answer");
            prop_assert_eq!(found, current.is_some(), "{:?}", step);
            if let Some(record) = model.records.get_mut(&key).filter(|_| found) {
                record.header.seen = record.header.seen.max(now);
                record.header.expires = record.header.expires.max(expires);
            }
        }
        Deed::Remove => {
            prop_assert_eq!(
                store.remove(&key, now).await.expect("an answer"),
                current.is_some(),
                "{:?}",
                step
            );
            model.records.remove(&key);
        }
        Deed::Sweep(limit) => {
            store.sweep_once(now, limit).await.expect("a sweep");
        }
        Deed::Wait(minutes) => model.now = now.plus(Duration::from_mins(minutes)),
    }
    Ok(())
}

#[test]
fn two_nodes_list_what_a_map_would_list_and_leave_nothing_behind() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let cases = u32::try_from(rounds(12)).expect("not so many");
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let held = TestRunner::new(config).run(&proptest::collection::vec(any_step(), 1..40), |steps| {
        let scratch = scratch();
        runtime.block_on(play(scratch.path(), &steps))
    });
    if let Err(error) = held {
        panic!("{error}");
    }
}
