//! A store with one fault, each of a kind that real stores have had.

mod subjects;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::task::yield_now;

use crate::clock::Timestamp;
use crate::id::RecordKey;
use crate::store::{
    Commit, Draft, Durability, Header, Record, Store, StoreError, StoreErrorKind, Sweep, Version,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    None,
    CountsFromZero,
    CreationOverwrites,
    CommitCreates,
    IgnoresAKeyBit,
    NeverCounts,
    IgnoresVersions,
    ConflictIsStale,
    LoadExtends,
    PayloadEndsAtZero,
    InstantsInSeconds,
    DeadlinesOnlyGrow,
    OwnerStays,
    TouchForgetsSeen,
    TouchMovesBack,
    TouchIsUncapped,
    TouchCounts,
    TouchCreates,
    TouchWritesAll,
    LivesOneMoment,
    NeverExpires,
    RemoveAlwaysSaysYes,
    ChecksThenWrites,
    WritesInTwoSteps,
    RemovesThenInserts,
    SweepsEverything,
    SweepsNothing,
    SweepIgnoresItsLimit,
    SweepOnlyCounts,
    SweepsByFirstDeadline,
    ListsEverybody,
    ListsTheNewestFirst,
    ListsTiesBackwards,
    ListIgnoresItsLimit,
    ListsFirstVersions,
    ListsTheRemoved,
    ListsTheExpired,
    ListsByFirstSubject,
    CountsOneTooMany,
    AdmitForgetsThePayload,
    AdmitLooksAtTheCapFirst,
    AdmitIgnoresTheCap,
    AdmitEndsTheNewest,
    AdmitEndsOne,
    AdmitCountsTheRecordItself,
    AdmitCountsTheExpired,
    AdmitNeedsASubject,
    AdmitChecksThenWrites,
    Outage,
    Panic,
}

#[derive(Debug)]
pub(super) struct Faulty {
    fault: Fault,
    records: Mutex<BTreeMap<RecordKey, Kept>>,
    /// What an index has that never forgets.
    removed: Mutex<Vec<(RecordKey, Record)>>,
}

#[derive(Clone, Debug)]
struct Kept {
    record: Record,
    first: Record,
}

impl Faulty {
    pub(super) fn with(fault: Fault) -> Self {
        Self { fault, records: Mutex::default(), removed: Mutex::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RecordKey, Kept>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, key: &RecordKey) -> RecordKey {
        let mut bytes = *key.as_bytes();
        if self.has(Fault::IgnoresAKeyBit) {
            bytes[15] &= 0xFE;
        }
        RecordKey::from_bytes(bytes)
    }

    fn find(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Kept>, StoreError> {
        match self.fault {
            Fault::Outage => return Err(StoreError::new(StoreErrorKind::Unavailable)),
            Fault::Panic => panic!("a bug of the store"),
            _ => {}
        }
        let is_over = |end: Timestamp| match self.fault {
            Fault::NeverExpires => false,
            Fault::LivesOneMoment => now.as_secs() >= end.as_secs(),
            _ => now >= end,
        };
        Ok(self.lock().get(&self.key(key)).filter(|kept| !is_over(kept.record.header.expires)).cloned())
    }

    fn put(&self, key: &RecordKey, record: Record) {
        let first = self.lock().get(&self.key(key)).map_or_else(|| record.clone(), |kept| kept.first.clone());
        let first = if record.version == Version::FIRST { record.clone() } else { first };
        if record.version == Version::FIRST {
            self.bury(key);
        }
        self.lock().insert(self.key(key), Kept { record, first });
    }

    fn bury(&self, key: &RecordKey) {
        let old = self.lock().remove(&self.key(key));
        self.removed().extend(old.map(|kept| (*key, kept.record)));
    }

    fn removed(&self) -> MutexGuard<'_, Vec<(RecordKey, Record)>> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is written of a draft.
    fn written(&self, mut draft: Draft, old: Option<&Header>) -> Draft {
        let header = &mut draft.header;
        match (self.fault, old) {
            (Fault::InstantsInSeconds, _) => {
                header.expires = Timestamp::from_secs(header.expires.as_secs());
            }
            (Fault::DeadlinesOnlyGrow, Some(old)) => header.expires = header.expires.max(old.expires),
            (Fault::OwnerStays, Some(old)) => header.subject = old.subject.or(header.subject),
            (Fault::PayloadEndsAtZero, _) => {
                let end = draft.payload.iter().position(|byte| *byte == 0).unwrap_or(draft.payload.len());
                draft.payload.truncate(end);
            }
            _ => {}
        }
        draft
    }

    fn next(&self, found: Option<&Kept>) -> Version {
        match found {
            None if self.has(Fault::CountsFromZero) => Version(0),
            None => Version::FIRST,
            Some(kept) if self.has(Fault::NeverCounts) => kept.record.version,
            Some(kept) => kept.record.version.next(),
        }
    }

    async fn write(&self, key: &RecordKey, record: Record, old: Option<Kept>) {
        match (self.fault, old) {
            (Fault::ChecksThenWrites, _) => yield_now().await,
            (Fault::WritesInTwoSteps, Some(mut kept)) => {
                kept.record.header = record.header;
                self.put(key, kept.record);
                yield_now().await;
            }
            (Fault::RemovesThenInserts, _) => {
                self.lock().remove(key);
                yield_now().await;
            }
            _ => {}
        }
        self.put(key, record);
    }
}

impl Store for Faulty {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let found = self.find(key, now)?;
        if let Some(kept) = &found
            && self.has(Fault::LoadExtends)
        {
            let mut record = kept.record.clone();
            record.header.expires = record.header.expires.max(now.plus(Duration::from_mins(30)));
            self.put(key, record);
        }
        Ok(found.map(|kept| kept.record))
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        let found = self.find(key, now)?;
        match (&found, expected) {
            (None, None) => {}
            (None, Some(_)) if self.has(Fault::CommitCreates) => {}
            (None, Some(_)) => return Ok(Commit::Gone),
            (Some(_), None) if self.has(Fault::CreationOverwrites) => {}
            (Some(_), Some(_)) if self.has(Fault::IgnoresVersions) => {}
            (Some(kept), Some(version)) if kept.record.version == version => {}
            (Some(kept), _) if self.has(Fault::ConflictIsStale) => {
                return Ok(Commit::Conflict(Record { version: kept.record.version, ..kept.first.clone() }));
            }
            (Some(kept), _) => return Ok(Commit::Conflict(kept.record.clone())),
        }
        let version = if expected.is_none() { self.next(None) } else { self.next(found.as_ref()) };
        let Draft { header, payload } = self.written(draft, found.as_ref().map(|kept| &kept.record.header));
        self.write(key, Record { version, header, payload }, found).await;
        Ok(Commit::Committed(version))
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some(Kept { mut record, .. }) = self.find(key, now)? else {
            if self.has(Fault::TouchCreates) {
                let header = Header { created: seen, seen, expires, latest: expires, subject: None };
                self.put(key, Record { version: Version::FIRST, header, payload: Bytes::new() });
            }
            return Ok(false);
        };
        let Header { seen: was_seen, expires: would_expire, latest, .. } = record.header;
        record.header.seen = was_seen.max(seen);
        record.header.expires = would_expire.max(expires.min(latest));
        match self.fault {
            Fault::TouchForgetsSeen => record.header.seen = was_seen,
            Fault::TouchMovesBack => record.header.expires = expires.min(latest),
            Fault::TouchIsUncapped => record.header.expires = would_expire.max(expires),
            Fault::TouchCounts => record.version = record.version.next(),
            Fault::TouchWritesAll => yield_now().await,
            _ => {}
        }
        self.put(key, record);
        Ok(true)
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let was_live = self.find(key, now)?.is_some();
        self.bury(key);
        Ok(was_live || self.has(Fault::RemoveAlwaysSaysYes))
    }

    fn durability(&self) -> Durability {
        Durability::Volatile
    }
}

impl Sweep for Faulty {
    async fn sweep_once(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let is_due = |kept: &Kept| match self.fault {
            Fault::SweepsEverything => true,
            Fault::SweepsNothing => false,
            Fault::SweepsByFirstDeadline => now >= kept.first.header.expires,
            _ => now >= kept.record.header.expires,
        };
        let limit = if self.has(Fault::SweepIgnoresItsLimit) { usize::MAX } else { limit };
        let mut records = self.lock();
        let due: Vec<_> =
            records.iter().filter(|(_, kept)| is_due(kept)).map(|(key, _)| *key).take(limit).collect();
        if !self.has(Fault::SweepOnlyCounts) {
            records.retain(|key, _| !due.contains(key));
        }
        Ok(due.len())
    }
}
