//! The records of subjects in a store that is encrypted.

use std::sync::Arc;

use bytes::Bytes;

use super::Encrypted;
use crate::clock::Timestamp;
use crate::id::RecordKey;
use crate::store::any::{ErasedSubjects, Reply, Subjects};
use crate::store::{Admission, Cap, Draft, Record, SubjectHash, Version};

/// Finds records in the store inside, and opens and seals them on the way.
#[derive(Debug)]
struct Within {
    store: Arc<Encrypted>,
    inner: Subjects,
}

/// The capability, if the store inside has it.
pub(in crate::store) fn subjects(store: &Arc<Encrypted>) -> Option<Subjects> {
    let inner = store.inner().subjects()?.clone();
    Some(Subjects::of(Arc::new(Within { store: Arc::clone(store), inner })))
}

impl ErasedSubjects for Within {
    fn list<'a>(
        &'a self,
        subject: &'a SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Reply<'a, Vec<(RecordKey, Record)>> {
        Box::pin(async move {
            let found = self.inner.list(subject, limit, now).await?;
            let opened = found.into_iter().map(|(key, record)| {
                // One that cannot be opened is no reason to hide the others: it is named, and empty.
                let closed = Record { payload: Bytes::new(), ..record.clone() };
                let record = self.store.open(&key, record).unwrap_or(closed);
                (key, record)
            });
            Ok(opened.collect())
        })
    }

    fn count<'a>(&'a self, subject: &'a SubjectHash, now: Timestamp) -> Reply<'a, usize> {
        Box::pin(self.inner.count(subject, now))
    }

    fn admit<'a>(
        &'a self,
        key: &'a RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Reply<'a, Admission> {
        Box::pin(async move {
            let (next, draft) = self.store.sealed(key, expected, draft)?;
            match self.inner.admit(key, expected, draft, cap, now).await? {
                Admission::Committed { version, ended } => {
                    Encrypted::check_count(next, version)?;
                    // The login stands, so one that cannot be opened is no reason to fail it.
                    let opened = |(key, record)| Some((key, self.store.open(&key, record).ok()?));
                    Ok(Admission::Committed {
                        version,
                        ended: ended.into_iter().filter_map(opened).collect(),
                    })
                }
                Admission::Conflict(record) => self.store.open(key, record).map(Admission::Conflict),
                outcome => Ok(outcome),
            }
        })
    }
}
