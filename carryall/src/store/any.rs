//! Any store behind one type.

mod subjects;

use std::pin::Pin;
use std::sync::Arc;

pub(super) use subjects::ErasedSubjects;
pub use subjects::Subjects;

use super::{
    Commit, Draft, Durability, Encrypted, ListSubjects, MemoryStore, Record, Store, StoreError, Sweep,
    Version, encrypted,
};
use crate::clock::Timestamp;
use crate::id::RecordKey;

/// Any [`Store`], its type erased; cheap to clone. Each call allocates once, for its future; loading from a
/// [`MemoryStore`] that was turned into one directly does not.
///
/// What else a store can do is declared while it is wrapped, and asked for here:
///
/// ```
/// use carryall::store::{AnyStore, MemoryStore};
/// let store: AnyStore = AnyStore::of(MemoryStore::new()).sweeps().lists_subjects().into();
/// assert!(store.sweeper().is_some() && store.subjects().is_some());
/// let undeclared: AnyStore = AnyStore::of(MemoryStore::new()).into();
/// assert!(undeclared.sweeper().is_none() && undeclared.subjects().is_none());
/// ```
#[derive(Clone, Debug)]
pub struct AnyStore {
    store: Arc<dyn ErasedStore>,
    sweeper: Option<Sweeper>,
    subjects: Option<Subjects>,
    /// The same store, if it is one that answers at once.
    memory: Option<MemoryStore>,
}

impl AnyStore {
    /// Begins to wrap a store. Declare what else it can do, then turn it `into` an [`AnyStore`].
    pub fn of<S: Store>(store: S) -> Wrapped<S> {
        Wrapped { store: Arc::new(store), sweeper: None, subjects: None }
    }

    /// Removes expired records, if that was declared.
    pub fn sweeper(&self) -> Option<&Sweeper> {
        self.sweeper.as_ref()
    }

    /// Finds the records of a subject, if that was declared.
    pub fn subjects(&self) -> Option<&Subjects> {
        self.subjects.as_ref()
    }

    /// The same store, if it is one that answers at once.
    pub(crate) fn memory(&self) -> Option<&MemoryStore> {
        self.memory.as_ref()
    }
}

impl Store for AnyStore {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        match &self.memory {
            Some(memory) => Store::load(memory, key, now).await,
            None => self.store.load(key, now).await,
        }
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.store.commit(key, expected, draft, now).await
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.store.touch(key, seen, expires, now).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        self.store.remove(key, now).await
    }

    fn durability(&self) -> Durability {
        self.store.durability()
    }
}

/// A store on its way into an [`AnyStore`], with its type still known.
#[derive(Debug)]
#[must_use = "turn it `into()` an `AnyStore`"]
pub struct Wrapped<S> {
    store: Arc<S>,
    sweeper: Option<Sweeper>,
    subjects: Option<Subjects>,
}

impl<S: Sweep> Wrapped<S> {
    /// Declares that its expired records are to be removed with [`Sweep::sweep_once`].
    pub fn sweeps(mut self) -> Self {
        self.sweeper = Some(Sweeper(Arc::clone(&self.store) as Arc<dyn ErasedSweep>));
        self
    }
}

impl<S: ListSubjects> Wrapped<S> {
    /// Declares that it finds the records of a subject.
    pub fn lists_subjects(mut self) -> Self {
        self.subjects = Some(Subjects::of(Arc::clone(&self.store) as Arc<dyn ErasedSubjects>));
        self
    }
}

impl<S: Store> From<Wrapped<S>> for AnyStore {
    fn from(wrapped: Wrapped<S>) -> Self {
        let Wrapped { store, sweeper, subjects } = wrapped;
        Self { store, sweeper, subjects, memory: None }
    }
}

impl From<MemoryStore> for AnyStore {
    fn from(store: MemoryStore) -> Self {
        let memory = Some(store.clone());
        Self { memory, ..Self::of(store).sweeps().lists_subjects().into() }
    }
}

/// What the store inside can do besides, the encrypted one can.
impl From<Encrypted> for AnyStore {
    fn from(store: Encrypted) -> Self {
        let store = Arc::new(store);
        let sweeper = store.inner().sweeper().cloned();
        let subjects = encrypted::subjects(&store);
        Self { store, sweeper, subjects, memory: None }
    }
}

/// Removes the expired records of the store it came from; cheap to clone.
#[derive(Clone, Debug)]
pub struct Sweeper(Arc<dyn ErasedSweep>);

impl Sweeper {
    /// Removes at most `limit` records that are expired at `now`; see [`Sweep::sweep_once`].
    pub async fn sweep_once(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.0.sweep_once(now, limit).await
    }
}

pub(super) type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The object-safe twin of [`Store`].
trait ErasedStore: std::fmt::Debug + Send + Sync {
    fn load<'a>(&'a self, key: &'a RecordKey, now: Timestamp) -> Reply<'a, Option<Record>>;
    fn commit<'a>(
        &'a self,
        key: &'a RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Reply<'a, Commit>;
    fn touch<'a>(
        &'a self,
        key: &'a RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Reply<'a, bool>;
    fn remove<'a>(&'a self, key: &'a RecordKey, now: Timestamp) -> Reply<'a, bool>;
    fn durability(&self) -> Durability;
}

impl<S: Store> ErasedStore for S {
    fn load<'a>(&'a self, key: &'a RecordKey, now: Timestamp) -> Reply<'a, Option<Record>> {
        Box::pin(Store::load(self, key, now))
    }

    fn commit<'a>(
        &'a self,
        key: &'a RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Reply<'a, Commit> {
        Box::pin(Store::commit(self, key, expected, draft, now))
    }

    fn touch<'a>(
        &'a self,
        key: &'a RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Reply<'a, bool> {
        Box::pin(Store::touch(self, key, seen, expires, now))
    }

    fn remove<'a>(&'a self, key: &'a RecordKey, now: Timestamp) -> Reply<'a, bool> {
        Box::pin(Store::remove(self, key, now))
    }

    fn durability(&self) -> Durability {
        Store::durability(self)
    }
}

/// The object-safe twin of [`Sweep`].
trait ErasedSweep: std::fmt::Debug + Send + Sync {
    fn sweep_once(&self, now: Timestamp, limit: usize) -> Reply<'_, usize>;
}

impl<S: Sweep> ErasedSweep for S {
    fn sweep_once(&self, now: Timestamp, limit: usize) -> Reply<'_, usize> {
        Box::pin(Sweep::sweep_once(self, now, limit))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::store::Header;

    #[tokio::test]
    async fn a_store_in_memory_is_one_store_whichever_way_it_is_asked() {
        let now = Timestamp::from_secs(1_000);
        let expires = Timestamp::from_secs(2_000);
        let header = Header { created: now, seen: now, expires, latest: expires, subject: None };
        let draft = |payload: &'static [u8]| Draft { header, payload: Bytes::from_static(payload) };
        let any = AnyStore::from(MemoryStore::new());
        let key = RecordKey::from_bytes([7; 16]);
        let memory = any.memory().expect("it is one in memory");
        let at_once = |expected, payload| memory.commit_at_once(&key, expected, draft(payload), now).unwrap();
        assert_eq!(at_once(None, b"one"), Commit::Committed(Version::FIRST));
        let replaced = Store::commit(&any, &key, Some(Version::FIRST), draft(b"two"), now).await;
        assert_eq!(replaced.unwrap(), Commit::Committed(Version::FIRST.next()));
        assert_eq!(Store::load(&any, &key, now).await.unwrap().unwrap().payload, b"two"[..]);
        assert!(Store::remove(&any, &key, now).await.unwrap());
        assert_eq!(at_once(Some(Version::FIRST.next()), b"three"), Commit::Gone);
    }
}
