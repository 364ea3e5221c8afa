//! The records of a subject: what the index names and the records confirm.

use std::collections::BTreeSet;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Record, StoreError, SubjectHash};
use rustix::fs::OFlags;

use crate::change::forget;
use crate::disk::Disk;
use crate::entry::Entry;
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
        let mut listed = Vec::new();
        if limit == 0 {
            return Ok(listed);
        }
        let index = Index::locked(&self.root, subject)?;
        self.visit(&index, now, |entry, found| {
            listed.push((entry.key, found.read_or_empty(self.max_record)?));
            Ok(listed.len() < limit)
        })?;
        listed.sort_unstable_by_key(|(key, record)| (record.header.created, *key));
        Ok(listed)
    }

    pub(crate) fn count(&self, subject: &SubjectHash, now: Timestamp) -> Result<usize, StoreError> {
        let index = Index::locked(&self.root, subject)?;
        let mut count = 0;
        self.visit(&index, now, |_, _| {
            count += 1;
            Ok(true)
        })?;
        Ok(count)
    }

    /// Opens the subject's live records, the oldest first, for as long as more are asked for. Entries that lead nowhere
    /// are dropped on the way.
    pub(crate) fn visit(
        &self,
        index: &Index,
        now: Timestamp,
        mut wants_more: impl FnMut(Entry, Found) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let entries = index.sorted().map_err(while_doing("reading an index"))?;
        let mut visited = BTreeSet::new();
        for entry in &entries {
            let found = match self.follow(&entry.key, &index.subject)? {
                Lead::Owned(found) => found,
                Lead::Nowhere => {
                    self.drop_entry(&index.subject, entry)?;
                    continue;
                }
                Lead::Unreadable => continue,
            };
            let current = Entry::of(&found.head.header, &entry.key);
            if current != *entry {
                self.drop_entry(&index.subject, entry)?;
                // It has its turn, unless it becomes another meanwhile.
                if current > *entry && entries.binary_search(&current).is_ok() {
                    continue;
                }
            }
            // One that is over by this clock may be live by another: it keeps its entry until it is swept.
            if found.is_live(now) && visited.insert(entry.key) && !wants_more(current, found)? {
                break;
            }
        }
        Ok(())
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

    /// Drops an entry unless its record is about to be as it says, or is by now.
    fn drop_entry(&self, subject: &SubjectHash, entry: &Entry) -> Result<(), StoreError> {
        let shard = Shard::locked(&self.root, &entry.key)?;
        let is_right = match self.follow(&entry.key, subject)? {
            Lead::Owned(found) => Entry::of(&found.head.header, &entry.key) == *entry,
            Lead::Nowhere => false,
            Lead::Unreadable => true,
        };
        if !is_right {
            forget(&self.root, subject, entry);
        }
        drop(shard);
        Ok(())
    }
}
