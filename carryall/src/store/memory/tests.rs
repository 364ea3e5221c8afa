use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::*;
use crate::store::{Admission, Cap, Header, SubjectHash, WhenFull};

const T: fn(u64) -> Timestamp = Timestamp::from_millis;
const NOW: Timestamp = Timestamp::from_secs(1000);

fn key(n: u64) -> RecordKey {
    let mut bytes = [0; RecordKey::LEN];
    // Spread as the hashes are that keys are made of.
    bytes[..8].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes());
    bytes[8..].copy_from_slice(&n.wrapping_mul(0xD6E8_FEB8_6659_FD93).to_le_bytes());
    RecordKey::from_bytes(bytes)
}

fn draft(expires: Timestamp, owned: bool, size: usize) -> Draft {
    let subject = owned.then_some(SubjectHash([1; 16]));
    let header = Header { created: NOW, seen: NOW, expires, latest: T(u64::MAX), subject };
    Draft { header, payload: Bytes::from(vec![7; size]) }
}

fn create(store: &MemoryStore, n: u64, draft: Draft) -> Result<Commit, StoreError> {
    store.0.commit(&key(n), None, draft, NOW)
}

fn holds(store: &MemoryStore, n: u64) -> bool {
    store.0.slot(&key(n)).lock().live(&key(n), NOW).is_some()
}

fn is_full(outcome: Result<Commit, StoreError>) -> bool {
    matches!(outcome, Err(error) if error.kind() == StoreErrorKind::Full)
}

#[test]
fn a_full_store_drops_expired_records_before_live_ones() {
    let store = MemoryStore::builder().max_entries(3).build();
    create(&store, 1, draft(NOW.plus(Duration::from_secs(1)), false, 1)).unwrap();
    create(&store, 2, draft(NOW, true, 1)).unwrap();
    create(&store, 3, draft(NOW.plus(Duration::from_secs(2)), true, 1)).unwrap();
    create(&store, 4, draft(NOW.plus(Duration::from_secs(3)), true, 1)).unwrap();
    assert!(holds(&store, 1) && holds(&store, 3) && holds(&store, 4));
    assert_eq!(store.len(), 3);
}

#[test]
fn a_full_store_evicts_the_anonymous_record_that_expires_first() {
    let store = MemoryStore::builder().max_entries(50).build();
    for n in 0..50 {
        // Deadlines in an order of their own, ten seconds apart.
        create(&store, n, draft(NOW.plus(Duration::from_secs(10 * (1 + n * 7 % 50))), false, 1)).unwrap();
    }
    let mut order: Vec<u64> = (0..50).collect();
    order.sort_by_key(|n| n * 7 % 50);
    for (count, gone) in order.iter().enumerate() {
        assert!(holds(&store, *gone));
        create(&store, 1000 + count as u64, draft(NOW.plus(Duration::from_secs(100_000)), true, 1)).unwrap();
        assert!(!holds(&store, *gone), "{gone} expires first");
        assert_eq!(store.len(), 50);
    }
}

#[test]
fn a_touched_record_is_evicted_after_those_that_expire_before_it() {
    let store = MemoryStore::builder().max_entries(2).build();
    create(&store, 1, draft(NOW.plus(Duration::from_secs(10)), false, 1)).unwrap();
    create(&store, 2, draft(NOW.plus(Duration::from_secs(20)), false, 1)).unwrap();
    assert!(store.0.slot(&key(1)).lock().touch(&key(1), NOW, NOW.plus(Duration::from_secs(30)), NOW));
    create(&store, 3, draft(NOW.plus(Duration::from_secs(40)), true, 1)).unwrap();
    assert!(holds(&store, 1) && !holds(&store, 2));
}

#[test]
fn sessions_of_users_are_never_evicted_but_the_commit_is_refused() {
    let store = MemoryStore::builder().max_entries(2).build();
    let later = NOW.plus(Duration::from_secs(10));
    create(&store, 1, draft(later, true, 1)).unwrap();
    create(&store, 2, draft(later, true, 1)).unwrap();
    assert!(is_full(create(&store, 3, draft(later, true, 1))));
    assert!(holds(&store, 1) && holds(&store, 2) && !holds(&store, 3));
    assert_eq!(store.len(), 2);
}

#[test]
fn a_record_becomes_safe_from_eviction_when_its_visitor_signs_in() {
    let store = MemoryStore::builder().max_entries(1).build();
    let later = NOW.plus(Duration::from_secs(10));
    create(&store, 1, draft(later, false, 1)).unwrap();
    store.0.commit(&key(1), Some(Version::FIRST), draft(later, true, 1), NOW).unwrap();
    assert!(is_full(create(&store, 2, draft(later, false, 1))));
    store.0.commit(&key(1), Some(Version(2)), draft(later, false, 1), NOW).unwrap();
    create(&store, 2, draft(later, false, 1)).unwrap();
    assert!(!holds(&store, 1) && holds(&store, 2));
}

#[test]
fn a_growing_record_never_evicts_itself() {
    let store = MemoryStore::builder().max_bytes(2 * OVERHEAD + 100).build();
    let later = NOW.plus(Duration::from_secs(10));
    create(&store, 1, draft(later, false, 40)).unwrap();
    create(&store, 2, draft(later.plus(Duration::from_mins(1)), false, 60)).unwrap();
    let grown = store.0.commit(&key(1), Some(Version::FIRST), draft(later, false, 80), NOW);
    assert_eq!(grown.unwrap(), Commit::Committed(Version(2)));
    assert!(holds(&store, 1) && !holds(&store, 2));
    assert_eq!(store.bytes(), OVERHEAD + 80);
}

#[test]
fn a_record_over_its_limit_is_too_large_and_nothing_is_evicted_for_it() {
    let store = MemoryStore::builder().max_bytes(1000).max_record(600).build();
    let later = NOW.plus(Duration::from_secs(10));
    create(&store, 1, draft(later, false, 600)).unwrap();
    for size in [601, 745, 5000] {
        let error = create(&store, 2, draft(later, false, size)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    }
    assert!(holds(&store, 1));
    let tiny = MemoryStore::builder().max_bytes(1000).build();
    assert_eq!(
        create(&tiny, 1, draft(later, false, 745)).unwrap_err().kind(),
        StoreErrorKind::TooLarge,
        "it can never fit, so no room is made for it"
    );
    create(&tiny, 1, draft(later, false, 744)).unwrap();
}

#[test]
fn records_that_all_fall_into_one_shard_may_fill_the_whole_store() {
    let store = MemoryStore::builder().max_entries(1000).build();
    let later = NOW.plus(Duration::from_secs(10));
    for n in 0..1000_u64 {
        let mut bytes = [0; RecordKey::LEN];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        store.0.commit(&RecordKey::from_bytes(bytes), None, draft(later, true, 1), NOW).unwrap();
    }
    assert_eq!(store.len(), 1000);
    assert!(is_full(create(&store, 5, draft(later, true, 1))));
}

#[test]
fn a_refused_commit_leaves_no_room_taken() {
    let store = MemoryStore::builder().max_entries(2).build();
    let later = NOW.plus(Duration::from_secs(10));
    create(&store, 1, draft(later, true, 10)).unwrap();
    let before = (store.len(), store.bytes());
    assert!(matches!(create(&store, 1, draft(later, true, 99)), Ok(Commit::Conflict(_))));
    assert_eq!(
        store.0.commit(&key(2), Some(Version::FIRST), draft(later, true, 9), NOW).unwrap(),
        Commit::Gone
    );
    assert_eq!((store.len(), store.bytes()), before);
}

#[test]
fn writes_alone_remove_what_expired() {
    let store = MemoryStore::new();
    let soon = NOW.plus(Duration::from_secs(1));
    for n in 0..1000 {
        create(&store, n, draft(soon, true, 1)).unwrap();
    }
    let later = soon.plus(Duration::from_mins(10));
    for n in 1000..3000 {
        store.0.commit(&key(n), None, draft(later, true, 1), soon).unwrap();
    }
    assert_eq!(store.len(), 2000, "every write removes up to two from its shard");
}

#[test]
fn a_sweep_gives_the_memory_of_the_map_back() {
    let store = MemoryStore::new();
    for n in 0..20_000 {
        create(&store, n, draft(NOW.plus(Duration::from_secs(1)), false, 1)).unwrap();
    }
    assert_eq!(store.0.sweep(NOW.plus(Duration::from_secs(1)), usize::MAX), 20_000);
    assert_eq!((store.len(), store.bytes()), (0, 0));
    let capacity: usize = store.0.shards.iter().map(|slot| slot.lock().capacity()).sum();
    assert!(capacity < 20_000, "{capacity}");
}

#[test]
fn a_subject_without_records_takes_no_memory_of_the_index() {
    let store = MemoryStore::new();
    for n in 0..20_000 {
        let mut draft = draft(NOW.plus(Duration::from_secs(1)), true, 1);
        draft.header.subject = Some(SubjectHash(*key(n / 2).as_bytes()));
        create(&store, n, draft).unwrap();
    }
    assert_eq!(store.0.index.sizes(), (10_000, 20_000));
    store.0.sweep(NOW.plus(Duration::from_secs(1)), usize::MAX);
    assert_eq!(store.0.index.sizes(), (0, 0));
    assert!(store.0.index.capacity() < 10_000, "{}", store.0.index.capacity());
}

#[test]
fn a_full_store_makes_room_for_an_admission_and_leaves_none_taken() {
    let store = MemoryStore::builder().max_entries(3).build();
    let later = NOW.plus(Duration::from_secs(10));
    let cap = Cap { most: 2.try_into().unwrap(), when_full: WhenFull::EndOldest };
    create(&store, 1, draft(later, false, 10)).unwrap();
    for n in 2..6 {
        let own = draft(later, true, 10);
        let subject = own.header.subject.unwrap();
        let admission = store.0.admit(&key(n), None, own, (subject, cap), NOW).unwrap();
        assert!(matches!(admission, Admission::Committed { .. }), "{admission:?}");
        create(&store, 10 + n, draft(later, false, 10)).unwrap();
        assert!(store.len() <= 3 && store.bytes() == store.len() * (OVERHEAD + 10), "{store:?}");
    }
    assert_eq!(store.0.index.sizes(), (1, 2));
}

#[test]
fn a_small_sweep_gets_to_every_shard_in_time() {
    let store = MemoryStore::new();
    for n in 0..1000 {
        create(&store, n, draft(NOW.plus(Duration::from_millis(1 + n % 3)), n % 2 == 0, 1)).unwrap();
    }
    let mut total = 0;
    for _ in 0..200 {
        let removed = store.0.sweep(NOW.plus(Duration::from_millis(3)), 7);
        assert!(removed <= 7);
        total += removed;
    }
    assert_eq!(total + store.len(), 1000);
    assert!(store.is_empty(), "{store:?}");
}

#[test]
fn debug_shows_counts_and_never_contents() {
    let store = MemoryStore::new();
    create(&store, 1, draft(NOW.plus(Duration::from_secs(1)), true, 5)).unwrap();
    assert_eq!(format!("{store:?}"), "MemoryStore { len: 1, bytes: 261, .. }");
}

#[test]
fn a_poisoned_lock_is_recovered() {
    let store = MemoryStore::new();
    create(&store, 1, draft(NOW.plus(Duration::from_secs(1)), true, 5)).unwrap();
    let poisoner = store.clone();
    let panicked = std::thread::spawn(move || {
        let _guard = poisoner.0.slot(&key(1)).lock();
        panic!("while the lock is held");
    });
    assert!(panicked.join().is_err());
    assert!(holds(&store, 1));
}

#[test]
fn limits_hold_while_many_threads_write() {
    let store = MemoryStore::builder().max_entries(100).max_bytes(40_000).build();
    std::thread::scope(|scope| {
        for thread in 0..4_u64 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..2000 {
                    let size = usize::try_from(n * 31 % 300).unwrap();
                    let later = NOW.plus(Duration::from_millis(1 + n));
                    create(store, thread * 10_000 + n, draft(later, n % 7 == 0 && n < 90, size)).unwrap();
                    assert!(store.len() <= 100 && store.bytes() <= 40_000);
                }
            });
        }
    });
    let (mut entries, mut bytes) = (0, 0);
    for slot in &store.0.shards {
        let held = slot.lock().held();
        entries += held.entries;
        bytes += held.bytes;
    }
    assert_eq!((store.len(), store.bytes()), (entries, bytes), "what is counted is what is there");
}

#[derive(Clone, Debug)]
enum Step {
    Commit { key: u64, expected: Option<u64>, expires: u64, owned: bool, size: usize },
    Touch { key: u64, expires: u64 },
    Remove { key: u64 },
    Sweep { limit: usize },
    Wait { millis: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let commit = (0..4_u64, proptest::option::of(1..4_u64), 0..4000_u64, any::<bool>(), 0..9_usize);
    prop_oneof![
        4 => commit.prop_map(|(key, expected, expires, owned, size)| Step::Commit {
            key, expected, expires, owned, size
        }),
        2 => (0..4_u64, 0..6000_u64).prop_map(|(key, expires)| Step::Touch { key, expires }),
        1 => (0..4_u64).prop_map(|key| Step::Remove { key }),
        1 => (0..3_usize).prop_map(|limit| Step::Sweep { limit }),
        2 => (0..1500_u64).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// The contract in its plainest form: a map, and a look at the deadline before everything.
#[derive(Default)]
struct Model(BTreeMap<RecordKey, Record>);

impl Model {
    fn live(&mut self, key: RecordKey, now: Timestamp) -> Option<&mut Record> {
        self.0.retain(|_, record| now < record.header.expires);
        self.0.get_mut(&key)
    }

    fn commit(&mut self, key: RecordKey, expected: Option<Version>, draft: Draft, now: Timestamp) -> Commit {
        let version = match (self.live(key, now), expected) {
            (Some(found), Some(version)) if found.version == version => version.next(),
            (Some(found), _) => return Commit::Conflict(found.clone()),
            (None, Some(_)) => return Commit::Gone,
            (None, None) => Version::FIRST,
        };
        self.0.insert(key, Record { version, header: draft.header, payload: draft.payload });
        Commit::Committed(version)
    }
}

proptest! {
    #[test]
    fn it_does_what_a_map_that_always_looks_at_the_deadline_does(steps in proptest::collection::vec(step(), 1..60)) {
        let (store, mut model, mut now) = (MemoryStore::new(), Model::default(), NOW);
        for step in steps {
            match step {
                Step::Commit { key: n, expected, expires, owned, size } => {
                    let draft = draft(now.plus(Duration::from_millis(expires)), owned, size);
                    let expected = expected.map(Version);
                    let outcome = store.0.commit(&key(n), expected, draft.clone(), now).unwrap();
                    prop_assert_eq!(outcome, model.commit(key(n), expected, draft, now));
                }
                Step::Touch { key: n, expires } => {
                    let expires = now.plus(Duration::from_millis(expires));
                    let touched = store.0.slot(&key(n)).lock().touch(&key(n), now, expires, now);
                    let found = model.live(key(n), now);
                    prop_assert_eq!(touched, found.is_some());
                    if let Some(record) = found {
                        record.header.seen = now.max(record.header.seen);
                        record.header.expires = expires.max(record.header.expires);
                    }
                }
                Step::Remove { key: n } => {
                    let was_live = model.live(key(n), now).is_some();
                    model.0.remove(&key(n));
                    let taken = store.0.slot(&key(n)).lock().take(&key(n));
                    if let Some(record) = &taken {
                        store.0.budget.give(shard::room_of(record));
                    }
                    prop_assert_eq!(taken.is_some_and(|record| now < record.header.expires), was_live);
                }
                Step::Sweep { limit } => prop_assert!(store.0.sweep(now, limit) <= limit),
                Step::Wait { millis } => now = now.plus(Duration::from_millis(millis)),
            }
            for n in 0..4 {
                let found = store.0.slot(&key(n)).lock().live(&key(n), now).cloned();
                prop_assert_eq!(found, model.live(key(n), now).cloned());
            }
        }
        store.0.sweep(now, usize::MAX);
        prop_assert_eq!(store.len(), model.0.len(), "no expired record is overlooked");
        let owned = model.0.values().filter(|record| record.header.subject.is_some()).count();
        prop_assert_eq!(store.0.index.sizes().1, owned, "what is indexed is what is there");
        let bytes: usize = model.0.values().map(|record| record.payload.len() + OVERHEAD).sum();
        prop_assert_eq!(store.bytes(), bytes);
    }
}
