//! The records of a subject: what the index names and the records confirm.

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Record, StoreError, SubjectHash};
use rustix::fs::OFlags;

use crate::change::forget;
use crate::disk::Disk;
use crate::failure::{is_unreadable, while_doing};
use crate::index::Index;
use crate::shard::{Found, Shard};

/// What is found where an entry leads.
pub(crate) enum Lead {
    /// The subject's record.
    Owned(Found),
    /// None, or another subject's.
    Nowhere,
    /// A file that nobody can load, so that it is no session. It says nothing of its owner.
    Unreadable,
}

impl Lead {
    /// The subject's record, if it is not over.
    pub(crate) fn live(self, now: Timestamp) -> Option<Found> {
        match self {
            Self::Owned(found) => Some(found).filter(|found| found.is_live(now)),
            Self::Nowhere | Self::Unreadable => None,
        }
    }
}

impl Disk {
    /// The subject's live records, the oldest first, while nobody is admitted.
    pub(crate) fn list(
        &self,
        subject: &SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        let index = Index::locked(&self.root, subject)?;
        let mut listed = Vec::new();
        for (_, key) in self.live(&index, now)? {
            if listed.len() == limit {
                break;
            }
            let found = self.follow(&key, subject)?.live(now);
            let record = found.map(|found| found.read_or_empty(self.max_record)).transpose()?;
            listed.extend(record.map(|record| (key, record)));
        }
        listed.sort_unstable_by_key(|(key, record)| (record.header.created, *key));
        Ok(listed)
    }

    pub(crate) fn count(&self, subject: &SubjectHash, now: Timestamp) -> Result<usize, StoreError> {
        let index = Index::locked(&self.root, subject)?;
        self.live(&index, now).map(|live| live.len())
    }

    /// The subject's live records, the oldest first. Entries that lead nowhere are dropped.
    pub(crate) fn live(
        &self,
        index: &Index,
        now: Timestamp,
    ) -> Result<Vec<(Timestamp, RecordKey)>, StoreError> {
        let mut live = Vec::new();
        for key in index.keys().map_err(while_doing("reading an index"))? {
            match self.follow(&key, &index.subject)? {
                Lead::Owned(found) if found.is_live(now) => live.push((found.head.header.created, key)),
                // By another clock it may be live: it keeps its entry until it is swept.
                Lead::Owned(_) | Lead::Unreadable => {}
                Lead::Nowhere => self.drop_entry(&index.subject, &key)?,
            }
        }
        live.sort_unstable();
        Ok(live)
    }

    /// Looks at the record of an entry.
    pub(crate) fn follow(&self, key: &RecordKey, subject: &SubjectHash) -> Result<Lead, StoreError> {
        match Shard::open(&self.root, key)?.find(OFlags::RDONLY) {
            Ok(Some(found)) if found.head.header.subject == Some(*subject) => Ok(Lead::Owned(found)),
            Ok(_) => Ok(Lead::Nowhere),
            Err(error) if is_unreadable(&error) => Ok(Lead::Unreadable),
            Err(error) => Err(error),
        }
    }

    /// Drops an entry unless its record is about to be there, or is by now.
    fn drop_entry(&self, subject: &SubjectHash, key: &RecordKey) -> Result<(), StoreError> {
        let shard = Shard::locked(&self.root, key)?;
        if matches!(self.follow(key, subject)?, Lead::Nowhere) {
            forget(&self.root, subject, &shard);
        }
        Ok(())
    }
}
