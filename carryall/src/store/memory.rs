//! Records in the memory of this process.
//!
//! For one node, for tests, and wherever sessions may end with the process. Bounded in bytes and in records;
//! expired records go by themselves, a few with every write, or in batches with
//! [`sweep_once`](crate::store::Sweep::sweep_once).
//!
//! ```
//! use carryall::store::MemoryStore;
//! let store = MemoryStore::builder().max_bytes(64 << 20).max_record(64 << 10).build();
//! assert!(store.is_empty());
//! ```

mod budget;
mod builder;
mod expiry;
mod hasher;
mod index;
mod shard;
mod subjects;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use budget::{Budget, Room};
pub use builder::MemoryStoreBuilder;
use index::Index;
use shard::{Attempt, Shard};

use super::{Commit, Draft, Durability, Record, Store, StoreError, StoreErrorKind, Sweep, Version};
use crate::clock::Timestamp;
use crate::id::RecordKey;

/// What a record counts for beside its payload, in bytes: its key, header, places in map and queue, and the
/// allocator's share.
pub const OVERHEAD: usize = 256;

const SHARDS: usize = 64;

/// Records in the memory of this process; cheap to clone, all clones share the records.
///
/// Lost when the process ends ([`Durability::Volatile`]).
///
/// **Limits** hold for the whole store, however unevenly its records are spread. A record counts for its payload
/// plus [`OVERHEAD`]. When a commit needs room, records go in this order:
/// 1. expired ones;
/// 2. live anonymous ones ([`Header::subject`](super::Header::subject) is `None`), the one that expires first
///    before the others, exact to one second. If one is not enough, up to 16 are taken from the same of 64 shards
///    at a time;
/// 3. sessions of signed-in users never: the commit fails with [`StoreErrorKind::Full`] and the record stays as it was.
///
/// Errors: [`StoreErrorKind::TooLarge`] for a payload over `max_record` or one that alone exceeds `max_bytes`.
///
/// **Cost**: one short lock of one of 64 shards and no allocation but the record's own; payloads are shared, not
/// copied. A payload that is a slice of a larger buffer keeps all of that buffer alive.
#[derive(Clone)]
pub struct MemoryStore(Arc<Inner>);

struct Inner {
    shards: [Slot; SHARDS],
    index: Arc<Index>,
    budget: Budget,
    max_record: usize,
    /// The shard where the next sweep begins, so that a small limit gets to all of them.
    next_swept: AtomicUsize,
}

/// Two cache lines, so that locks of neighbours do not disturb each other.
#[repr(align(128))]
struct Slot(Mutex<Shard>);

impl Slot {
    fn new(index: Arc<Index>) -> Self {
        Self(Mutex::new(Shard::new(index)))
    }

    fn lock(&self) -> MutexGuard<'_, Shard> {
        // No panic leaves a shard half-changed, so a poisoned lock is as good as any.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryStore {
    /// A store with the default limits: 256 MiB, 1 000 000 records, 1 MiB a record.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A store with other limits.
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::new()
    }

    /// How many records it holds, including expired ones that were not removed yet.
    pub fn len(&self) -> usize {
        self.0.budget.taken().entries
    }

    /// Whether it holds no record at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes its records count for, [`OVERHEAD`] included.
    pub fn bytes(&self) -> usize {
        self.0.budget.taken().bytes
    }

    /// [`Store::load`], for callers that know that it does not wait.
    pub(crate) fn load_at_once(&self, key: &RecordKey, now: Timestamp) -> Option<Record> {
        self.0.slot(key).lock().live(key, now).cloned()
    }

    /// [`Store::commit`], for callers that know that it does not wait.
    pub(crate) fn commit_at_once(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.0.commit(key, expected, draft, now)
    }

    /// [`Store::touch`], for callers that know that it does not wait.
    pub(crate) fn touch_at_once(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> bool {
        self.0.slot(key).lock().touch(key, seen, expires, now)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("bytes", &self.bytes())
            .finish_non_exhaustive()
    }
}

impl Store for MemoryStore {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        Ok(self.load_at_once(key, now))
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.0.commit(key, expected, draft, now)
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        Ok(self.touch_at_once(key, seen, expires, now))
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let taken = self.0.slot(key).lock().take(key);
        Ok(taken.is_some_and(|record| {
            self.0.budget.give(shard::room_of(&record));
            now < record.header.expires
        }))
    }

    fn durability(&self) -> Durability {
        Durability::Volatile
    }
}

impl Sweep for MemoryStore {
    async fn sweep_once(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        Ok(self.0.sweep(now, limit))
    }
}

impl Inner {
    fn slot(&self, key: &RecordKey) -> &Slot {
        &self.shards[Self::position(key)]
    }

    fn position(key: &RecordKey) -> usize {
        usize::from(key.as_bytes()[RecordKey::LEN - 1]) % SHARDS
    }

    fn check_size(&self, draft: &Draft) -> Result<(), StoreError> {
        let size = draft.payload.len();
        if size > self.max_record || shard::cost(&draft.payload) > self.budget.limit().bytes {
            return Err(StoreError::new(StoreErrorKind::TooLarge));
        }
        Ok(())
    }

    fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        mut draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.check_size(&draft)?;
        let mut reserved = Room::NONE;
        loop {
            let attempt = self.attempt(key, expected, &mut draft, now, &mut reserved);
            self.budget.give(reserved);
            match attempt {
                Attempt::Done { outcome, freed } => {
                    self.budget.give(freed);
                    return Ok(outcome);
                }
                Attempt::NeedsRoom(needed) => {
                    if !self.make_room(needed, now, key) {
                        return Err(StoreError::new(StoreErrorKind::Full));
                    }
                    reserved = needed;
                }
            }
        }
    }

    /// One attempt under the shard's lock. What it leaves in `reserved` was not needed.
    fn attempt(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: &mut Draft,
        now: Timestamp,
        reserved: &mut Room,
    ) -> Attempt {
        /// How many expired records a write removes: more than one, so that they never pile up.
        const STEPS: usize = 2;
        let mut shard = self.slot(key).lock();
        let attempt = shard.commit(key, expected, draft, now, |needed| {
            if *reserved == needed {
                *reserved = Room::NONE;
                return true;
            }
            self.budget.try_take(needed)
        });
        let expired = shard.expire(now, STEPS);
        drop(shard);
        self.budget.give(expired);
        attempt
    }

    /// Takes this much room, after removing what may go. Holds one lock at a time.
    fn make_room(&self, needed: Room, now: Timestamp, sparing: &RecordKey) -> bool {
        loop {
            if self.budget.try_take(needed) {
                return true;
            }
            if !self.free(needed, now, sparing) {
                return false;
            }
        }
    }

    /// Removes some expired records, else the anonymous ones that expire first. Answers whether there were any.
    fn free(&self, needed: Room, now: Timestamp, sparing: &RecordKey) -> bool {
        const MOST: usize = 16;
        let mut first: Option<(Timestamp, &Slot)> = None;
        for slot in &self.shards {
            let mut shard = slot.lock();
            let freed = shard.expire(now, MOST);
            if freed.entries > 0 {
                drop(shard);
                self.budget.give(freed);
                return true;
            }
            if let Some(at) = shard.first_anonymous(sparing)
                && first.is_none_or(|(earliest, _)| at < earliest)
            {
                first = Some((at, slot));
            }
        }
        let Some((_, slot)) = first else { return false };
        let freed = slot.lock().evict(needed, MOST, sparing);
        self.budget.give(freed);
        // Had another commit evicted them meanwhile, there would be room as well: look again.
        true
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> usize {
        /// So few that nobody waits long for the lock.
        const STEPS: usize = 64;
        let begin = self.next_swept.fetch_add(1, Relaxed);
        let mut removed = 0;
        for offset in 0..SHARDS {
            let slot = &self.shards[begin.wrapping_add(offset) % SHARDS];
            loop {
                let mut shard = slot.lock();
                let freed = shard.expire(now, STEPS.min(limit - removed));
                let done = !shard.has_due(now);
                if done {
                    shard.shrink();
                }
                drop(shard);
                self.budget.give(freed);
                removed += freed.entries;
                if removed == limit {
                    return removed;
                }
                if done {
                    break;
                }
            }
        }
        removed
    }
}
