//! A store of one's own, a map behind a lock, keeps all the laws, and proves it:
//! `cargo run -p carryall --features conformance --example strangers_store`

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use carryall::clock::Timestamp;
use carryall::conformance;
use carryall::id::RecordKey;
use carryall::store::{Commit, Draft, Durability, Record, Store, StoreError, Sweep, Version};

#[derive(Debug, Default)]
struct MapStore(Mutex<BTreeMap<RecordKey, Record>>);

impl MapStore {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<RecordKey, Record>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The map without the record of this key if that one is over.
    fn at(&self, key: &RecordKey, now: Timestamp) -> MutexGuard<'_, BTreeMap<RecordKey, Record>> {
        let mut records = self.lock();
        if records.get(key).is_some_and(|record| now >= record.header.expires) {
            records.remove(key);
        }
        records
    }
}

impl Store for MapStore {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        Ok(self.lock().get(key).filter(|record| now < record.header.expires).cloned())
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        let mut records = self.at(key, now);
        let version = match (records.get(key), expected) {
            (None, None) => Version::FIRST,
            (None, Some(_)) => return Ok(Commit::Gone),
            (Some(record), Some(version)) if record.version == version => version.next(),
            (Some(record), _) => return Ok(Commit::Conflict(record.clone())),
        };
        records.insert(*key, Record { version, header: draft.header, payload: draft.payload });
        Ok(Commit::Committed(version))
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut records = self.at(key, now);
        let Some(Record { header, .. }) = records.get_mut(key) else { return Ok(false) };
        header.seen = header.seen.max(seen);
        header.expires = header.expires.max(expires.min(header.latest));
        Ok(true)
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        Ok(self.at(key, now).remove(key).is_some())
    }

    fn durability(&self) -> Durability {
        Durability::Volatile
    }
}

impl Sweep for MapStore {
    async fn sweep_once(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut records = self.lock();
        let mut removed = 0;
        records.retain(|_, record| {
            let goes = removed < limit && now >= record.header.expires;
            removed += usize::from(goes);
            !goes
        });
        Ok(removed)
    }
}

#[tokio::main]
async fn main() {
    conformance::store(async || MapStore::default()).await;
    conformance::sweep(async || MapStore::default()).await;
    println!("it keeps the laws");
}

#[test]
fn a_strangers_store_keeps_the_laws() {
    main();
}
