//! A store that takes its time and fails, as it is told beforehand.

use std::collections::VecDeque;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Commit, Draft, Durability, ListSubjects, MemoryStore, Record, Store, StoreError,
    StoreErrorKind, SubjectHash, Version,
};

/// What becomes of one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Works,
    /// It answers with an outage and has done nothing.
    FailsBefore,
    /// It has done it, and answers with an outage.
    FailsAfter,
}

/// A store in memory whose next operations take so many milliseconds before and after, and end like this.
#[derive(Clone, Debug, Default)]
pub struct Fickle {
    pub inner: MemoryStore,
    fates: Arc<Mutex<VecDeque<(u64, u64, Fate)>>>,
}

impl Fickle {
    /// From now on this becomes of operations, in the order in which they begin; then all work at once.
    pub fn set(&self, fates: &[(u64, u64, Fate)]) {
        *self.fates.lock().unwrap() = fates.iter().copied().collect();
    }

    async fn run<R>(&self, work: impl Future<Output = Result<R, StoreError>>) -> Result<R, StoreError> {
        let (before, after, fate) = self.fates.lock().unwrap().pop_front().unwrap_or((0, 0, Fate::Works));
        wait(before).await;
        if fate == Fate::FailsBefore {
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        let done = work.await;
        wait(after).await;
        if fate == Fate::FailsAfter { Err(StoreError::new(StoreErrorKind::Unavailable)) } else { done }
    }
}

async fn wait(millis: u64) {
    if millis > 0 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}

impl Store for Fickle {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.run(self.inner.load(key, now)).await
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.run(self.inner.commit(key, expected, draft, now)).await
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.run(self.inner.touch(key, seen, expires, now)).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        self.run(self.inner.remove(key, now)).await
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }
}

impl ListSubjects for Fickle {
    async fn list(
        &self,
        subject: &SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        self.run(self.inner.list(subject, limit, now)).await
    }

    async fn count(&self, subject: &SubjectHash, now: Timestamp) -> Result<usize, StoreError> {
        self.run(self.inner.count(subject, now)).await
    }

    async fn admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.run(self.inner.admit(key, expected, draft, cap, now)).await
    }
}
