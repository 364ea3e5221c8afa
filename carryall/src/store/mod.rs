//! Where server-kept records live: the contract, its laws, and the store in memory.
//!
//! ```
//! use bytes::Bytes;
//! use carryall::clock::Timestamp;
//! use carryall::id::RecordKey;
//! use carryall::store::{Commit, Draft, Header, MemoryStore, Store, Version};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let (store, key, now) = (MemoryStore::new(), RecordKey::from_bytes([7; 16]), Timestamp::from_secs(1_000));
//! let (expires, latest) = (Timestamp::from_secs(2_800), Timestamp::from_secs(44_200));
//! let header = Header { created: now, seen: now, expires, latest, subject: None };
//! let draft = Draft { header, payload: Bytes::from_static(b"cart") };
//!
//! assert_eq!(store.commit(&key, None, draft.clone(), now).await?, Commit::Committed(Version::FIRST));
//! assert!(store.load(&key, now).await?.is_some());
//! assert!(store.load(&key, expires).await?.is_none(), "from its deadline on it is absent");
//! assert!(store.remove(&key, now).await?);
//! assert_eq!(store.commit(&key, Some(Version::FIRST), draft, now).await?, Commit::Gone);
//! # Ok::<(), carryall::store::StoreError>(()) }).unwrap();
//! ```

mod any;
mod encrypted;
mod error;
pub mod memory;
mod record;
mod subjects;
mod sweep;

use std::fmt::Debug;

pub use any::{AnyStore, Subjects, Sweeper, Wrapped};
pub use encrypted::Encrypted;
pub use error::{StoreError, StoreErrorKind};
pub use memory::MemoryStore;
pub use record::{Draft, Header, Record, SubjectHash, Version};
pub use subjects::{Admission, Cap, ListSubjects, WhenFull};
pub use sweep::Sweep;

use crate::clock::Timestamp;
use crate::id::RecordKey;

/// What became of a [`Store::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// Written; this is the record's version now.
    Committed(Version),
    /// The record has another version than expected; here it is. Nothing was written.
    Conflict(Record),
    /// There is no such record, so it was removed or has expired. Nothing was written, and never will be.
    Gone,
}

/// What an acknowledged write is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Durability {
    /// Survives a crash of the store.
    Durable,
    /// May be lost when a replica takes over.
    AsyncReplicated,
    /// Lost when the process ends.
    Volatile,
}

/// Keeps records. Moves opaque bytes with a version and deadlines; knows nothing of sessions.
///
/// Absence is a value, an outage is an error. A record whose `expires` has come is absent for every verb, whether or
/// not it still takes room. Instants are kept to the millisecond, payloads to the byte. Time is a parameter and never
/// runs backwards by more than clocks differ. A call whose future is dropped leaves the record as it was or as it
/// would have been, whole; so does one that fails. The laws are checked by
/// [`conformance`](crate::conformance) (feature `conformance`), which every implementation runs.
pub trait Store: Debug + Send + Sync + 'static {
    /// The record, or `None` if there is none or `now >= expires`. Never changes anything.
    fn load(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<Record>, StoreError>> + Send;

    /// Writes a record, all of it or nothing.
    ///
    /// * `expected: None` creates: `Committed(Version::FIRST)`, or `Conflict` if a live record has the key.
    /// * `expected: Some(v)` replaces a live record of version `v` and answers `Committed(v.next())`;
    ///   `Conflict` if its version is another; `Gone` if there is none. It never creates.
    fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> impl Future<Output = Result<Commit, StoreError>> + Send;

    /// Notes that the session was seen: moves `seen` and `expires` forward, never back, `expires` at most to
    /// `latest`. Keeps version and payload. Answers whether there was a live record; never creates one.
    fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes the record. From the answer on every `commit(Some(_))` is `Gone` and every `touch` is `false`.
    /// Answers whether there was a live record.
    fn remove(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// What an acknowledged write is worth.
    fn durability(&self) -> Durability;
}
