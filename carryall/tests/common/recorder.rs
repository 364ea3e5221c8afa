//! A store that notes what it is asked, and that can be made to fail.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    Commit, Draft, Durability, MemoryStore, Record, Store, StoreError, StoreErrorKind, Version,
};

/// A store in memory that notes each operation by one letter: `L`, `C`, `T`, `X`.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    pub inner: MemoryStore,
    operations: Arc<Mutex<String>>,
    keys: Arc<Mutex<Vec<RecordKey>>>,
    is_down: Arc<AtomicBool>,
    is_silent: Arc<AtomicBool>,
    failing: Arc<Mutex<&'static str>>,
    delay: Arc<Mutex<Duration>>,
}

impl Recorder {
    /// The operations since the last call.
    pub fn take(&self) -> String {
        std::mem::take(&mut self.operations.lock().unwrap())
    }

    /// The keys of all records ever created.
    pub fn keys(&self) -> Vec<RecordKey> {
        self.keys.lock().unwrap().clone()
    }

    /// How many of the records ever created can still be found.
    pub async fn records(&self) -> usize {
        let mut found = 0;
        for key in self.keys() {
            found += usize::from(self.inner.load(&key, Timestamp::default()).await.unwrap().is_some());
        }
        found
    }

    /// Every operation fails from now on, or works again.
    pub fn set_down(&self, down: bool) {
        self.is_down.store(down, Ordering::SeqCst);
    }

    /// The operations with these letters fail from now on, the others work.
    pub fn set_failing(&self, letters: &'static str) {
        *self.failing.lock().unwrap() = letters;
    }

    /// Every operation takes so long from now on.
    pub fn set_slow(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// No operation answers from now on, or all do again.
    pub fn set_silent(&self, silent: bool) {
        self.is_silent.store(silent, Ordering::SeqCst);
    }

    async fn note(&self, letter: char) -> Result<(), StoreError> {
        self.operations.lock().unwrap().push(letter);
        let delay = *self.delay.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        if self.is_silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.is_down.load(Ordering::SeqCst) || self.failing.lock().unwrap().contains(letter) {
            return Err(StoreError::new(StoreErrorKind::Unavailable));
        }
        Ok(())
    }
}

impl Store for Recorder {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.note('L').await?;
        self.inner.load(key, now).await
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.note('C').await?;
        if expected.is_none() {
            self.keys.lock().unwrap().push(*key);
        }
        self.inner.commit(key, expected, draft, now).await
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.note('T').await?;
        self.inner.touch(key, seen, expires, now).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        self.note('X').await?;
        self.inner.remove(key, now).await
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }
}
