//! The verbs of a store, done at once and in the calling thread.

use std::os::fd::OwnedFd;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Commit, Draft, Record, StoreError, StoreErrorKind, Version};
use rustix::fs::OFlags;
use rustix::io::Errno;

use crate::due::{Due, Slot};
use crate::failure::while_doing;
use crate::layout;
use crate::shard::{Found, Shard};

#[derive(Debug)]
pub(crate) struct Disk {
    root: OwnedFd,
    max_record: usize,
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
        let too_large = || StoreError::new(StoreErrorKind::TooLarge);
        if draft.payload.len() > self.max_record {
            return Err(too_large());
        }
        let shard = Shard::locked(&self.root, key)?;
        let found = shard.find(OFlags::RDONLY)?.filter(|found| found.is_live(now));
        let (version, swept_at) = match (found, expected) {
            (None, Some(_)) => return Ok(Commit::Gone),
            (None, None) => (Version::FIRST, None),
            (Some(found), Some(version)) if found.head.version == version => {
                (version.next(), Some(Slot::of(found.head.header.expires)))
            }
            (Some(found), _) => return found.read(self.max_record).map(Commit::Conflict),
        };
        let file = layout::file(key, version, draft).ok_or_else(too_large)?;
        let slot = Slot::of(draft.header.expires);
        let mark = if swept_at.is_none_or(|marked| slot < marked) {
            Some(self.mark(key, slot).map_err(while_doing("noting a deadline"))?)
        } else {
            None
        };
        shard.replace(&file)?;
        // Most file systems have the mark by now, as it came before the record.
        mark.map_or(Ok(()), |mark| Due::settle(&mark)).map_err(while_doing("noting a deadline"))?;
        Ok(Commit::Committed(version))
    }

    fn mark(&self, key: &RecordKey, slot: Slot) -> Result<OwnedFd, Errno> {
        Due::open(&self.root)?.mark(key, slot)
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

    /// Removes a damaged file too: a logout must not fail for it.
    pub(crate) fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let shard = Shard::locked(&self.root, key)?;
        let was_live = match shard.find(OFlags::RDONLY) {
            Ok(None) => return Ok(false),
            Ok(Some(found)) => found.is_live(now),
            Err(error) if error.kind() == StoreErrorKind::Corrupt => false,
            Err(error) => return Err(error),
        };
        shard.remove(true)?;
        Ok(was_live)
    }

    /// The records that are to be looked at now, slot by slot.
    pub(crate) fn due(&self, now: Timestamp) -> Result<(Due, Vec<Slot>), StoreError> {
        let due = Due::open(&self.root).map_err(while_doing("looking for deadlines"))?;
        let slots = due.begun(now).map_err(while_doing("looking for deadlines"))?;
        Ok((due, slots))
    }

    /// Looks at a record that is marked in this slot; answers whether it was over and is removed.
    pub(crate) fn expire(
        &self,
        due: &Due,
        slot: Slot,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let shard = Shard::locked(&self.root, key)?;
        let failed = while_doing("noting a deadline");
        let live = |found: &Found| found.is_live(now).then(|| Slot::of(found.head.header.expires));
        match shard.find(OFlags::RDONLY) {
            Ok(Some(found)) => match live(&found) {
                Some(later) if later > slot => due.postpone(key, slot, later).map_err(failed).map(|()| false),
                Some(_) => Ok(false),
                None => {
                    shard.remove(false)?;
                    due.unmark(key, slot).map_err(failed).map(|()| true)
                }
            },
            Ok(None) => {
                shard.remove(false)?;
                due.unmark(key, slot).map_err(failed).map(|()| false)
            }
            // Left to whoever looks after the machine: it says nothing of its deadline.
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                due.unmark(key, slot).map_err(failed).map(|()| false)
            }
            Err(error) => Err(error),
        }
    }
}
