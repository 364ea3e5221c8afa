use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;

use super::super::{Admission, Cap, Header, MemoryStore, SubjectHash, Subjects, WhenFull};
use super::*;
use crate::error::{Error, ErrorKind};
use crate::key::Key;

const NOW: Timestamp = Timestamp::from_secs(1_893_456_000);
const KEY: RecordKey = RecordKey::from_bytes([7; 16]);
const CANARY: &[u8] = b"canary-5f3a";

/// Gives the same nonce every time, as a broken generator would.
#[derive(Debug)]
struct Repeating;

impl Random for Repeating {
    fn secret(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(9);
        Ok(())
    }

    fn nonce(&self, out: &mut [u8]) {
        out.fill(9);
    }
}

fn key(first: u8) -> Key {
    let mut bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
    bytes[0] = first;
    Key::unchecked(&bytes)
}

fn header() -> Header {
    let (expires, latest) = (NOW.plus(Duration::from_mins(30)), NOW.plus(Duration::from_hours(12)));
    Header { created: NOW, seen: NOW, expires, latest, subject: Some(SubjectHash([3; 16])) }
}

fn draft(payload: &'static [u8]) -> Draft {
    Draft { header: header(), payload: Bytes::from_static(payload) }
}

/// An encrypted store under this ring, and the store inside it.
fn over(inner: &MemoryStore, ring: &KeyRing) -> Encrypted {
    Encrypted::new(inner.clone(), ring).unwrap().random(Repeating)
}

fn ring() -> KeyRing {
    KeyRing::new(key(0)).build().unwrap()
}

/// A store that holds one record, and that record as the store inside has it.
async fn one_record() -> (MemoryStore, Encrypted, Record) {
    let inner = MemoryStore::new();
    let store = over(&inner, &ring());
    assert_eq!(
        store.commit(&KEY, None, draft(CANARY), NOW).await.unwrap(),
        Commit::Committed(Version::FIRST)
    );
    let kept = inner.load(&KEY, NOW).await.unwrap().unwrap();
    (inner, store, kept)
}

/// What a load says of a record that somebody wrote into the store inside, as the first under this key.
async fn read(key: &RecordKey, header: Header, payload: Bytes) -> Result<Option<Record>, StoreError> {
    let inner = MemoryStore::new();
    inner.commit(key, None, Draft { header, payload }, NOW).await.unwrap();
    over(&inner, &ring()).load(key, NOW).await
}

#[track_caller]
fn assert_kind<T: fmt::Debug>(result: Result<T, StoreError>, kind: StoreErrorKind, what: &str) {
    let error = result.expect_err(what);
    assert_eq!(error.kind(), kind, "{what}: {error:?}");
    assert_eq!(Error::from(error).kind(), ErrorKind::Outage, "{what}: a visitor would lose the cookie");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[cfg(feature = "conformance")]
async fn an_encrypted_store_keeps_the_laws() {
    crate::conformance::store(async || Encrypted::new(MemoryStore::new(), &ring()).unwrap()).await;
    crate::conformance::store(async || AnyStore::from(over(&MemoryStore::new(), &ring()))).await;
    crate::conformance::subjects(async || over(&MemoryStore::new(), &ring())).await;
}

#[tokio::test]
async fn version_1_at_rest_is_opened_and_made_the_same() {
    let (_, _, kept) = one_record().await;
    let hex = kept.payload.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(
        hex,
        concat!(
            "31",
            "2abc05baae8cd9c2",
            "090909090909090909090909",
            "1cff6a607ed44ae60551e923884f21b7",
            "81a6dbaaaf9be6565d5acb",
        )
    );
    let record = read(&KEY, header(), kept.payload).await.unwrap().unwrap();
    assert_eq!(record, Record { version: Version::FIRST, header: header(), payload: CANARY.into() });
}

#[tokio::test]
async fn the_store_inside_holds_nothing_of_the_payload() {
    let (_, _, kept) = one_record().await;
    assert_eq!(kept.payload.len(), CANARY.len() + Encrypted::OVERHEAD);
    for part in CANARY.windows(4) {
        assert!(!kept.payload.windows(4).any(|window| window == part), "it shows {part:?}");
    }
}

#[tokio::test]
async fn a_record_with_any_byte_changed_or_cut_off_is_refused() {
    let (_, _, kept) = one_record().await;
    for at in 0..kept.payload.len() {
        for flip in [1, 0x80, 0xff] {
            let mut payload = kept.payload.to_vec();
            payload[at] ^= flip;
            let kind =
                if (1..9).contains(&at) { StoreErrorKind::UnknownKey } else { StoreErrorKind::Corrupt };
            assert_kind(read(&KEY, header(), payload.into()).await, kind, &format!("byte {at} ^ {flip}"));
        }
        let cut = kept.payload.slice(..at);
        assert_kind(read(&KEY, header(), cut).await, StoreErrorKind::Corrupt, &format!("cut at {at}"));
    }
    let longer = Bytes::from([&kept.payload[..], &[0]].concat());
    assert_kind(read(&KEY, header(), longer).await, StoreErrorKind::Corrupt, "a byte more");
    assert_kind(read(&KEY, header(), CANARY.into()).await, StoreErrorKind::Corrupt, "not encrypted");
}

#[tokio::test]
async fn swapped_payloads_are_refused() {
    let (inner, store, kept) = one_record().await;
    let other = RecordKey::from_bytes([8; 16]);
    store.commit(&other, None, draft(b"another one"), NOW).await.unwrap();
    let others = inner.load(&other, NOW).await.unwrap().unwrap();
    for (key, payload) in [(&KEY, others.payload), (&other, kept.payload)] {
        assert_kind(read(key, header(), payload).await, StoreErrorKind::Corrupt, "of another record");
    }
}

#[tokio::test]
async fn an_older_payload_under_the_present_version_is_refused() {
    let (inner, store, first) = one_record().await;
    store.commit(&KEY, Some(Version::FIRST), draft(b"second"), NOW).await.unwrap();
    let back = Draft { header: header(), payload: first.payload };
    inner.commit(&KEY, Some(Version(2)), back, NOW).await.unwrap();
    assert_kind(store.load(&KEY, NOW).await, StoreErrorKind::Corrupt, "rolled back");
    let commit = store.commit(&KEY, Some(Version(2)), draft(b"third"), NOW).await;
    assert_kind(commit, StoreErrorKind::Corrupt, "a conflict with one that was rolled back");
}

#[tokio::test]
async fn a_row_put_back_with_its_version_is_taken_for_the_record_and_fails_only_commits_under_way() {
    let (inner, store, first) = one_record().await;
    store.commit(&KEY, Some(Version::FIRST), draft(b"second"), NOW).await.unwrap();
    inner.remove(&KEY, NOW).await.unwrap();
    inner.commit(&KEY, None, Draft { header: header(), payload: first.payload }, NOW).await.unwrap();
    let record = store.load(&KEY, NOW).await.unwrap().unwrap();
    assert_eq!(record.payload, CANARY);
    let late = store.commit(&KEY, Some(Version(2)), draft(b"third"), NOW).await.unwrap();
    assert_eq!(late, Commit::Conflict(record));
}

#[tokio::test]
async fn another_owner_beginning_or_absolute_deadline_is_refused_and_a_touch_is_not() {
    let (_, store, kept) = one_record().await;
    let good = header();
    for changed in [
        Header { subject: None, ..good },
        Header { subject: Some(SubjectHash([0; 16])), ..good },
        Header { created: NOW.plus(Duration::from_millis(1)), ..good },
        Header { latest: good.latest.plus(Duration::from_millis(1)), ..good },
    ] {
        let read = read(&KEY, changed, kept.payload.clone()).await;
        assert_kind(read, StoreErrorKind::Corrupt, &format!("{changed:?}"));
    }
    let (seen, expires) = (NOW.plus(Duration::from_mins(1)), NOW.plus(Duration::from_mins(31)));
    assert!(store.touch(&KEY, seen, expires, seen).await.unwrap());
    let touched = store.load(&KEY, seen).await.unwrap().unwrap();
    assert_eq!((touched.payload, touched.header), (CANARY.into(), Header { seen, expires, ..good }));
}

#[tokio::test]
async fn nobodys_record_is_not_that_of_the_user_whose_hash_is_zero() {
    let inner = MemoryStore::new();
    let nobody = Header { subject: None, ..header() };
    let draft = Draft { header: nobody, payload: CANARY.into() };
    over(&inner, &ring()).commit(&KEY, None, draft, NOW).await.unwrap();
    let kept = inner.load(&KEY, NOW).await.unwrap().unwrap().payload;
    let zero = Header { subject: Some(SubjectHash([0; 16])), ..nobody };
    assert!(read(&KEY, nobody, kept.clone()).await.is_ok());
    assert_kind(read(&KEY, zero, kept).await, StoreErrorKind::Corrupt, "given to a user");
}

#[tokio::test]
async fn a_record_moves_to_the_active_key_when_it_is_written() {
    let (inner, _, _) = one_record().await;
    let id = async || inner.load(&KEY, NOW).await.unwrap().unwrap().payload.slice(1..9);
    let store = over(&inner, &KeyRing::new(key(1)).accept(key(0)).build().unwrap());
    assert_eq!(store.load(&KEY, NOW).await.unwrap().unwrap().payload, CANARY);
    assert!(store.touch(&KEY, NOW, NOW, NOW).await.unwrap());
    assert_eq!(id().await, key(0).id().as_bytes()[..]);
    store.commit(&KEY, Some(Version::FIRST), draft(b"second"), NOW).await.unwrap();
    assert_eq!(id().await, key(1).id().as_bytes()[..]);
    let lagging = over(&inner, &KeyRing::new(key(0)).announce(key(1)).build().unwrap());
    assert_eq!(lagging.load(&KEY, NOW).await.unwrap().unwrap().payload, &b"second"[..]);
}

#[tokio::test]
async fn a_key_that_left_the_ring_is_an_outage_and_not_an_absence() {
    let (inner, _, kept) = one_record().await;
    let store = over(&inner, &KeyRing::new(key(1)).build().unwrap());
    assert_kind(store.load(&KEY, NOW).await, StoreErrorKind::UnknownKey, "load");
    assert_kind(
        store.commit(&KEY, None, draft(b"new"), NOW).await,
        StoreErrorKind::UnknownKey,
        "the record of a conflict",
    );
    let error = store.load(&KEY, NOW).await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains(&key(0).id().to_string()), "{cause}");
    assert_eq!(inner.load(&KEY, NOW).await.unwrap(), Some(kept), "it stays as it was");
    assert!(store.remove(&KEY, NOW).await.unwrap(), "an end needs no key");
}

#[tokio::test]
async fn the_limits_of_the_store_inside_count_what_encryption_adds() {
    let inner = MemoryStore::builder().max_record(CANARY.len() + Encrypted::OVERHEAD).build();
    let store = over(&inner, &ring());
    store.commit(&KEY, None, draft(CANARY), NOW).await.unwrap();
    let error = store.commit(&KEY, Some(Version::FIRST), draft(b"canary-5f3a!"), NOW).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert_eq!(store.load(&KEY, NOW).await.unwrap().unwrap().payload, CANARY);
}

#[tokio::test]
async fn what_the_store_inside_can_do_is_handed_on() {
    let inner = MemoryStore::new();
    let store = AnyStore::from(over(&inner, &ring()));
    store.commit(&KEY, None, draft(CANARY), NOW).await.unwrap();
    assert_eq!(store.durability(), Durability::Volatile);
    let sweeper = store.sweeper().unwrap();
    assert_eq!(sweeper.sweep_once(header().expires, 10).await.unwrap(), 1);
    assert!(inner.is_empty());
    let undeclared = Encrypted::new(AnyStore::of(inner), &ring()).unwrap();
    assert!(AnyStore::from(undeclared).sweeper().is_none());
}

#[tokio::test]
async fn a_conflict_hands_back_the_record_decrypted() {
    let (_, store, _) = one_record().await;
    let outcome = store.commit(&KEY, None, draft(b"other"), NOW).await.unwrap();
    let record = Record { version: Version::FIRST, header: header(), payload: CANARY.into() };
    assert_eq!(outcome, Commit::Conflict(record));
}

#[test]
fn debug_shows_no_key() {
    let shown = format!("{:?}", over(&MemoryStore::new(), &ring()));
    assert_eq!(shown.matches("Encrypted").count(), 1);
    assert!(!shown.contains(&key(0).to_base64url()[..6]), "{shown}");
}

const SUBJECT: SubjectHash = SubjectHash([3; 16]);

/// What finds records by subject in the encrypted store over this one.
fn subjects_over(inner: &MemoryStore, ring: &KeyRing) -> Subjects {
    AnyStore::from(over(inner, ring)).subjects().unwrap().clone()
}

fn one(when_full: WhenFull) -> Cap {
    Cap { most: NonZeroUsize::MIN, when_full }
}

#[tokio::test]
async fn what_a_store_cannot_do_an_encrypted_one_does_not_claim() {
    let plain: AnyStore = AnyStore::of(MemoryStore::new()).into();
    assert!(AnyStore::from(Encrypted::new(plain, &ring()).unwrap()).subjects().is_none());
}

#[tokio::test]
async fn an_admitted_record_is_sealed_and_bound_to_its_key_and_version() {
    let inner = MemoryStore::new();
    let subjects = subjects_over(&inner, &ring());
    let other = RecordKey::from_bytes([8; 16]);
    let admit =
        async |key| subjects.admit(key, None, draft(CANARY), one(WhenFull::EndOldest), NOW).await.unwrap();
    admit(&KEY).await;
    let kept = inner.load(&KEY, NOW).await.unwrap().unwrap();
    assert!(!kept.payload.windows(CANARY.len()).any(|part| part == CANARY), "in clear");
    let listed = subjects.list(&SUBJECT, 9, NOW).await.unwrap();
    assert_eq!(listed, [(KEY, Record { payload: CANARY.into(), ..kept.clone() })]);
    let Admission::Committed { ended, .. } = admit(&other).await else { panic!("it was not admitted") };
    assert_eq!(ended, listed, "the ended one is opened too");
    assert_kind(read(&other, header(), kept.payload).await, StoreErrorKind::Corrupt, "under another key");
}

#[tokio::test]
async fn an_ended_record_that_cannot_be_opened_does_not_fail_the_login_that_ended_it() {
    let inner = MemoryStore::new();
    inner.commit(&KEY, None, draft(b"from before"), NOW).await.unwrap();
    let subjects = subjects_over(&inner, &ring());
    let listed = subjects.list(&SUBJECT, 9, NOW).await.unwrap();
    let named: Vec<_> = listed.iter().map(|(key, record)| (*key, record.payload.len())).collect();
    assert_eq!(named, [(KEY, 0)], "a list leaves nothing out, and shows nothing of it");
    let other = RecordKey::from_bytes([8; 16]);
    let admission = subjects.admit(&other, None, draft(CANARY), one(WhenFull::EndOldest), NOW).await.unwrap();
    assert_eq!(admission, Admission::Committed { version: Version::FIRST, ended: Vec::new() });
    assert_eq!(subjects.count(&SUBJECT, NOW).await.unwrap(), 1);
}
