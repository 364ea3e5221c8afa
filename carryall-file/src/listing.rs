//! The records of a subject: what the index names and the records confirm.

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Record, StoreError, StoreErrorKind, SubjectHash};
use rustix::fs::OFlags;

use crate::change::forget;
use crate::disk::Disk;
use crate::failure::while_doing;
use crate::index::Index;
use crate::shard::{Found, Shard};

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
            let found = self.owned(&key, subject)?.filter(|found| found.is_live(now));
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
            match self.owned(&key, &index.subject) {
                Ok(Some(found)) if found.is_live(now) => live.push((found.head.header.created, key)),
                // By another clock it may be live: it keeps its entry until it is swept.
                Ok(Some(_)) => {}
                Ok(None) => self.drop_entry(&index.subject, &key)?,
                // Nobody can load it, so it is no session. It says nothing of its owner.
                Err(error) if error.kind() == StoreErrorKind::Corrupt => {}
                Err(error) => return Err(error),
            }
        }
        live.sort_unstable();
        Ok(live)
    }

    /// The record, if it is there and the subject's.
    pub(crate) fn owned(&self, key: &RecordKey, subject: &SubjectHash) -> Result<Option<Found>, StoreError> {
        let found = Shard::open(&self.root, key)?.find(OFlags::RDONLY)?;
        Ok(found.filter(|found| found.head.header.subject == Some(*subject)))
    }

    /// Drops an entry unless its record is about to be there, or is by now.
    fn drop_entry(&self, subject: &SubjectHash, key: &RecordKey) -> Result<(), StoreError> {
        let shard = Shard::locked(&self.root, key)?;
        match self.owned(key, subject) {
            Ok(None) => forget(&self.root, subject, &shard),
            Ok(Some(_)) => {}
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
