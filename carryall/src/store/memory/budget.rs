//! How much a store may hold, counted over all its shards.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Room for records: how many, and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

impl Room {
    pub(super) const NONE: Self = Self { entries: 0, bytes: 0 };

    pub(super) fn covers(self, other: Self) -> bool {
        self.entries >= other.entries && self.bytes >= other.bytes
    }
}

impl std::ops::AddAssign for Room {
    fn add_assign(&mut self, other: Self) {
        self.entries += other.entries;
        self.bytes += other.bytes;
    }
}

/// The room that is taken, never more than the limits.
///
/// Relaxed: the counters guard no other memory.
#[derive(Debug)]
pub(super) struct Budget {
    limit: Room,
    entries: AtomicUsize,
    bytes: AtomicUsize,
}

impl Budget {
    pub(super) fn new(limit: Room) -> Self {
        Self { limit, entries: AtomicUsize::new(0), bytes: AtomicUsize::new(0) }
    }

    pub(super) fn limit(&self) -> Room {
        self.limit
    }

    pub(super) fn taken(&self) -> Room {
        Room { entries: self.entries.load(Relaxed), bytes: self.bytes.load(Relaxed) }
    }

    /// Takes this much, or nothing.
    pub(super) fn try_take(&self, room: Room) -> bool {
        if !take(&self.bytes, room.bytes, self.limit.bytes) {
            return false;
        }
        if !take(&self.entries, room.entries, self.limit.entries) {
            self.give(Room { entries: 0, bytes: room.bytes });
            return false;
        }
        true
    }

    /// Gives back what was taken.
    pub(super) fn give(&self, room: Room) {
        // Most commits change no count, and shared counters are what threads would contend for.
        if room.bytes > 0 {
            self.bytes.fetch_sub(room.bytes, Relaxed);
        }
        if room.entries > 0 {
            self.entries.fetch_sub(room.entries, Relaxed);
        }
    }
}

fn take(counter: &AtomicUsize, amount: usize, limit: usize) -> bool {
    if amount == 0 {
        return true;
    }
    let within = |taken: usize| taken.checked_add(amount).filter(|sum| *sum <= limit);
    counter.fetch_update(Relaxed, Relaxed, within).is_ok()
}
