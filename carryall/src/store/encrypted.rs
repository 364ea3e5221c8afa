//! Any store, with the payloads of its records encrypted.

mod sealing;
mod subjects;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use sealing::Sealing;
pub(super) use subjects::subjects;

use super::{AnyStore, Commit, Draft, Durability, Record, Store, StoreError, StoreErrorKind, Version};
use crate::clock::Timestamp;
use crate::error::ConfigError;
use crate::id::RecordKey;
use crate::key::KeyRing;
use crate::random::{Random, SystemRandom};

/// Any store, with the payloads of its records encrypted and authenticated (AES-256-GCM-SIV, RFC 8452).
///
/// ```
/// use carryall::store::{Encrypted, MemoryStore};
/// use carryall::{KeyRing, Sessions};
///
/// let ring = KeyRing::random()?; // in production: KeyRing::from_env("CARRYALL_KEYS")?
/// let store = MemoryStore::new();
/// let sessions = Sessions::builder(ring.clone()).store(Encrypted::new(store, &ring)?).build()?;
/// # Ok::<(), carryall::Error>(())
/// ```
///
/// **Bound** to its ciphertext are the record's key and version, when the session began, its absolute deadline, and
/// whose it is. A payload under another key, at another version, or beside another owner is
/// [`Corrupt`](StoreErrorKind::Corrupt), as is any change of its bytes. A whole row that is put back as it once stood,
/// with the version it had then, is authentic and is not noticed here.
///
/// **Readable** stay the [`Header`](super::Header) (instants and the hash of the user's id), the version, the id of the
/// key, and the payload's length. `seen` and `expires` can be changed by whoever writes to the store, as a touch does.
///
/// **Keys**: what is written is encrypted under the active key; announced and accepted ones are read. A record moves to
/// the active key when it is next written, which a mere touch is not. Under a key that the ring does not hold it is
/// [`UnknownKey`](StoreErrorKind::UnknownKey): an outage, so no cookie is removed because of it.
///
/// **Records from before** are not readable: begin with an empty store. Every node has to encrypt.
///
/// **Cost**: [`OVERHEAD`](Self::OVERHEAD) bytes a record, counted by the limits of the store inside, and one
/// encryption or decryption a load or commit. A touch and a removal cost nothing.
///
/// What the store inside can do besides, sweeping and finding the sessions of a user, is handed on.
pub struct Encrypted {
    inner: AnyStore,
    sealing: Sealing,
    random: Arc<dyn Random>,
}

impl Encrypted {
    /// How many bytes longer a payload is inside.
    pub const OVERHEAD: usize = sealing::BODY;

    /// Encrypts what is kept in `store` under keys derived from the ring.
    ///
    /// # Errors
    /// A [`ConfigError`] if the cipher is missing from this build.
    pub fn new(store: impl Into<AnyStore>, ring: &KeyRing) -> Result<Self, ConfigError> {
        Ok(Self { inner: store.into(), sealing: Sealing::new(ring)?, random: Arc::new(SystemRandom) })
    }

    /// Where nonces come from. Default: a `ChaCha` generator.
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    pub(super) fn inner(&self) -> &AnyStore {
        &self.inner
    }

    fn open(&self, key: &RecordKey, record: Record) -> Result<Record, StoreError> {
        let payload = self.sealing.open(key, record.version, &record.header, record.payload)?;
        Ok(Record { payload, ..record })
    }

    /// The draft as it is kept, and the version that it is bound to.
    fn sealed(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
    ) -> Result<(Version, Draft), StoreError> {
        let version = expected.map_or(Version::FIRST, Version::next);
        let Draft { header, payload } = draft;
        let payload = self.sealing.seal(key, version, &header, &payload, &*self.random)?;
        Ok((version, Draft { header, payload }))
    }

    fn check_count(bound: Version, counted: Version) -> Result<(), StoreError> {
        if counted == bound {
            return Ok(());
        }
        Err(StoreError::new(StoreErrorKind::Corrupt)
            .because("the store counts versions in a way of its own, to which nothing can be bound"))
    }
}

impl Store for Encrypted {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let found = self.inner.load(key, now).await?;
        found.map(|record| self.open(key, record)).transpose()
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        let (next, draft) = self.sealed(key, expected, draft)?;
        match self.inner.commit(key, expected, draft, now).await? {
            Commit::Committed(version) => {
                Self::check_count(next, version).map(|()| Commit::Committed(version))
            }
            Commit::Conflict(record) => self.open(key, record).map(Commit::Conflict),
            Commit::Gone => Ok(Commit::Gone),
        }
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.touch(key, seen, expires, now).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.remove(key, now).await
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encrypted").field("inner", &self.inner).finish_non_exhaustive()
    }
}
