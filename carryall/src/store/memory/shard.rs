//! One of the parts that a store in memory is divided into, each behind its own lock.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

use bytes::Bytes;

use super::OVERHEAD;
use super::budget::Room;
use super::expiry::Expiry;
use super::hasher::KeyHasher;
use super::index::Index;
use crate::clock::Timestamp;
use crate::id::RecordKey;
use crate::store::{Commit, Draft, Header, Record, Version};

/// Records and the queue of their deadlines.
#[derive(Debug)]
pub(super) struct Shard {
    entries: HashMap<RecordKey, Entry, BuildHasherDefault<KeyHasher>>,
    expiry: Expiry,
    index: Arc<Index>,
}

#[derive(Debug)]
struct Entry {
    record: Record,
    /// Where the expiry queue has it.
    queued: Timestamp,
}

/// How far a commit came.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It is decided, and this room became free. If it was written, the draft holds the payload that was replaced, to
    /// be dropped after the lock.
    Done { outcome: Commit, freed: Room },
    /// It would be written if there were this much room. Nothing was changed.
    NeedsRoom(Room),
}

impl Attempt {
    fn refused(outcome: Commit) -> Self {
        Self::Done { outcome, freed: Room::NONE }
    }
}

impl Shard {
    /// An empty one that notes whose records it has in this index.
    pub(super) fn new(index: Arc<Index>) -> Self {
        Self { entries: HashMap::default(), expiry: Expiry::default(), index }
    }

    /// The record, unless it is expired.
    pub(super) fn live(&self, key: &RecordKey, now: Timestamp) -> Option<&Record> {
        self.entries.get(key).map(|entry| &entry.record).filter(|record| is_live(record, now))
    }

    /// Decides a commit and writes it if `take` can take the room that it needs.
    pub(super) fn commit(
        &mut self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: &mut Draft,
        now: Timestamp,
        take: impl FnOnce(Room) -> bool,
    ) -> Attempt {
        let Self { entries, expiry, index } = self;
        let found = entries.get_mut(key).filter(|entry| is_live(&entry.record, now));
        match (found, expected) {
            (Some(entry), Some(version)) if entry.record.version == version => {
                replace(key, entry, (expiry, index), draft, take)
            }
            (Some(entry), _) => Attempt::refused(Commit::Conflict(entry.record.clone())),
            (None, Some(_)) => Attempt::refused(Commit::Gone),
            (None, None) => self.create(key, draft, take),
        }
    }

    fn create(&mut self, key: &RecordKey, draft: &mut Draft, take: impl FnOnce(Room) -> bool) -> Attempt {
        let needed = Room { entries: 1, bytes: cost(&draft.payload) };
        if !take(needed) {
            return Attempt::NeedsRoom(needed);
        }
        // An expired record may still have the key.
        let old = self.take(key);
        let freed = old.as_ref().map_or(Room::NONE, room_of);
        let queued = self.expiry.insert(*key, &draft.header);
        self.index.change(key, None, draft.header.subject);
        let replaced = old.map(|record| record.payload).unwrap_or_default();
        let payload = std::mem::replace(&mut draft.payload, replaced);
        let record = Record { version: Version::FIRST, header: draft.header, payload };
        self.entries.insert(*key, Entry { record, queued });
        Attempt::Done { outcome: Commit::Committed(Version::FIRST), freed }
    }

    /// Moves a live record's instants forward, never back. Answers whether there was one.
    pub(super) fn touch(
        &mut self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> bool {
        let Some(entry) = self.entries.get_mut(key).filter(|entry| is_live(&entry.record, now)) else {
            return false;
        };
        let old = entry.record.header;
        let new =
            Header { seen: old.seen.max(seen), expires: old.expires.max(expires.min(old.latest)), ..old };
        entry.queued = self.expiry.change(key, &old, entry.queued, &new);
        entry.record.header = new;
        true
    }

    /// Takes a record out, expired or not.
    pub(super) fn take(&mut self, key: &RecordKey) -> Option<Record> {
        let entry = self.entries.remove(key)?;
        self.expiry.remove(key, &entry.record.header, entry.queued);
        self.index.change(key, entry.record.header.subject, None);
        Some(entry.record)
    }

    /// Removes expired records in at most `steps` steps; a step removes one or finds that it was given more time.
    /// Answers what became free.
    pub(super) fn expire(&mut self, now: Timestamp, steps: usize) -> Room {
        let mut freed = Room::NONE;
        for _ in 0..steps {
            let Some(key) = self.expiry.due(now) else { break };
            match self.entries.get_mut(&key) {
                Some(entry) if is_live(&entry.record, now) => {
                    let header = entry.record.header;
                    self.expiry.remove(&key, &header, entry.queued);
                    entry.queued = self.expiry.insert(key, &header);
                }
                _ => {
                    if let Some(record) = self.take(&key) {
                        freed += room_of(&record);
                    }
                }
            }
        }
        freed
    }

    /// Whether a step of [`expire`](Self::expire) has something to do.
    pub(super) fn has_due(&self, now: Timestamp) -> bool {
        self.expiry.due(now).is_some()
    }

    /// The deadline of the anonymous record that expires first, other than `sparing`.
    pub(super) fn first_anonymous(&self, sparing: &RecordKey) -> Option<Timestamp> {
        self.expiry.first_anonymous(sparing).map(|(at, _)| at)
    }

    /// Evicts anonymous records by deadline until `needed` is free, at most `most`. Answers what became free.
    pub(super) fn evict(&mut self, needed: Room, most: usize, sparing: &RecordKey) -> Room {
        let mut freed = Room::NONE;
        for _ in 0..most {
            let Some((_, key)) = self.expiry.first_anonymous(sparing) else { break };
            if let Some(record) = self.take(&key) {
                freed += room_of(&record);
            }
            if freed.covers(needed) {
                break;
            }
        }
        freed
    }

    /// Gives memory back after many records went.
    pub(super) fn shrink(&mut self) {
        const SPARE: usize = 64;
        if self.entries.capacity() / 4 > self.entries.len() + SPARE {
            self.entries.shrink_to(self.entries.len() * 2);
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// What the records here count for, added up anew.
    #[cfg(test)]
    pub(super) fn held(&self) -> Room {
        let mut held = Room::NONE;
        self.entries.values().for_each(|entry| held += room_of(&entry.record));
        held
    }
}

fn replace(
    key: &RecordKey,
    entry: &mut Entry,
    (expiry, index): (&mut Expiry, &Index),
    draft: &mut Draft,
    take: impl FnOnce(Room) -> bool,
) -> Attempt {
    let record = &mut entry.record;
    let (old, new) = (record.payload.len(), draft.payload.len());
    let needed = Room { entries: 0, bytes: new.saturating_sub(old) };
    if !take(needed) {
        return Attempt::NeedsRoom(needed);
    }
    entry.queued = expiry.change(key, &record.header, entry.queued, &draft.header);
    index.change(key, record.header.subject, draft.header.subject);
    record.version = record.version.next();
    record.header = draft.header;
    std::mem::swap(&mut record.payload, &mut draft.payload);
    let freed = Room { entries: 0, bytes: old.saturating_sub(new) };
    Attempt::Done { outcome: Commit::Committed(record.version), freed }
}

fn is_live(record: &Record, now: Timestamp) -> bool {
    now < record.header.expires
}

/// What a payload counts for.
pub(super) fn cost(payload: &Bytes) -> usize {
    payload.len() + OVERHEAD
}

/// What a record counts for.
pub(super) fn room_of(record: &Record) -> Room {
    Room { entries: 1, bytes: cost(&record.payload) }
}
