//! The verbs of a store, done at once and in the calling thread.

use std::os::fd::OwnedFd;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Commit, Draft, Record, StoreError, Version};
use rustix::fs::OFlags;

use crate::change::{Change, forget, too_large};
use crate::entry::Owner;
use crate::failure::is_unreadable;
use crate::shard::Shard;

#[derive(Debug)]
pub(crate) struct Disk {
    pub(crate) root: OwnedFd,
    pub(crate) max_record: usize,
}

impl Disk {
    pub(crate) fn new(root: OwnedFd, max_record: usize) -> Self {
        Self { root, max_record }
    }

    /// Reads without a lock: a file that was found stays whole, even when another takes its place.
    pub(crate) fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let found = Shard::open(&self.root, key)?.find(OFlags::RDONLY)?;
        found.filter(|found| found.is_live(now)).map(|found| found.read(self.max_record)).transpose()
    }

    pub(crate) fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.check_size(draft)?;
        let shard = Shard::locked(&self.root, key)?;
        let change = match Change::of(&self.root, shard, expected, draft, (now, self.max_record))? {
            Ok(change) => change,
            Err(outcome) => return Ok(outcome),
        };
        change.write()?;
        change.place()?;
        change.settle().map(Commit::Committed)
    }

    pub(crate) fn check_size(&self, draft: &Draft) -> Result<(), StoreError> {
        if draft.payload.len() > self.max_record { Err(too_large()) } else { Ok(()) }
    }

    pub(crate) fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let shard = Shard::locked(&self.root, key)?;
        let Some(found) = shard.find(OFlags::RDWR)?.filter(|found| found.is_live(now)) else {
            return Ok(false);
        };
        let header = found.head.header;
        let (seen, expires) = (header.seen.max(seen), header.expires.max(expires.min(header.latest)));
        if (seen, expires) != (header.seen, header.expires) {
            found.touch(seen, expires)?;
        }
        Ok(true)
    }

    /// Removes a file that cannot be read too: a logout must not fail for it.
    pub(crate) fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let shard = Shard::locked(&self.root, key)?;
        let (was_live, owner) = match shard.find(OFlags::RDONLY) {
            Ok(None) => return Ok(false),
            Ok(Some(found)) => (found.is_live(now), Owner::of(&found.head.header)),
            Err(error) if is_unreadable(&error) => (false, None),
            Err(error) => return Err(error),
        };
        shard.remove()?;
        shard.sync()?;
        if let Some(owner) = owner {
            forget(&self.root, &owner.subject, &owner.entry(key));
        }
        Ok(was_live)
    }
}
