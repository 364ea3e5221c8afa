//! The limits of a store in memory.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::budget::{Budget, Room};
use super::index::Index;
use super::{Inner, MemoryStore, Slot};

/// The limits of a [`MemoryStore`].
#[derive(Clone, Copy, Debug)]
#[must_use = "call `build()`"]
pub struct MemoryStoreBuilder {
    limit: Room,
    max_record: usize,
}

impl MemoryStoreBuilder {
    pub(super) fn new() -> Self {
        Self { limit: Room { entries: 1_000_000, bytes: 256 << 20 }, max_record: 1 << 20 }
    }

    /// How many bytes all records together may count for, [`OVERHEAD`](crate::store::memory::OVERHEAD) included. Default 256 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.limit.bytes = bytes;
        self
    }

    /// How many records it may hold. Default 1 000 000.
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.limit.entries = entries;
        self
    }

    /// How many bytes one payload may have. Default 1 MiB.
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// The store with these limits.
    pub fn build(self) -> MemoryStore {
        let index = Arc::new(Index::default());
        MemoryStore(Arc::new(Inner {
            shards: std::array::from_fn(|_| Slot::new(Arc::clone(&index))),
            index,
            budget: Budget::new(self.limit),
            max_record: self.max_record,
            next_swept: AtomicUsize::new(0),
        }))
    }
}
