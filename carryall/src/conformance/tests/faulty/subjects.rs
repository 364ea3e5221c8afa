use bytes::Bytes;
use tokio::task::yield_now;

use super::{Fault, Faulty};
use crate::clock::Timestamp;
use crate::id::RecordKey;
use crate::store::{
    Admission, Cap, Commit, Draft, ListSubjects, Record, Store, StoreError, StoreErrorKind, SubjectHash,
    Version, WhenFull,
};

type Listed = (RecordKey, Record);

impl Faulty {
    /// All records of a subject, the oldest first.
    fn of(&self, subject: &SubjectHash, now: Timestamp, with_expired: bool) -> Vec<Listed> {
        let records = self.lock();
        let mut found: Vec<Listed> = Vec::new();
        for (key, kept) in records.iter() {
            let by = if self.has(Fault::ListsByFirstSubject) { &kept.first } else { &kept.record };
            let is_theirs = by.header.subject == Some(*subject) || self.has(Fault::ListsEverybody);
            if is_theirs && (with_expired || now < kept.record.header.expires) {
                let shown = if self.has(Fault::ListsFirstVersions) { &kept.first } else { &kept.record };
                found.push((*key, shown.clone()));
            }
        }
        if self.has(Fault::ListsTheRemoved) {
            let removed = self.removed();
            found.extend(
                removed.iter().filter(|(_, record)| record.header.subject == Some(*subject)).cloned(),
            );
        }
        if self.has(Fault::ListsTiesBackwards) {
            found.reverse();
        }
        found.sort_by_key(|(_, record)| record.header.created);
        if self.has(Fault::ListsTheNewestFirst) {
            found.reverse();
        }
        found
    }

    /// Which of the others have to go.
    fn leaving(&self, subject: &SubjectHash, key: &RecordKey, cap: Cap, now: Timestamp) -> Vec<Listed> {
        let mut others = self.of(subject, now, self.has(Fault::AdmitCountsTheExpired));
        if !self.has(Fault::AdmitCountsTheRecordItself) {
            others.retain(|(other, _)| other != key);
        }
        let surplus = (others.len() + 1).saturating_sub(cap.most.get());
        if self.has(Fault::AdmitEndsTheNewest) {
            others.reverse();
        }
        others.truncate(match self.fault {
            Fault::AdmitIgnoresTheCap => 0,
            Fault::AdmitEndsOne => surplus.min(1),
            _ => surplus,
        });
        others
    }
}

impl ListSubjects for Faulty {
    async fn list(
        &self,
        subject: &SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        match self.fault {
            Fault::Outage => return Err(StoreError::new(StoreErrorKind::Unavailable)),
            Fault::Panic => panic!("a bug of the store"),
            _ => {}
        }
        let mut found = self.of(subject, now, self.has(Fault::ListsTheExpired));
        if !self.has(Fault::ListIgnoresItsLimit) {
            found.truncate(limit);
        }
        Ok(found)
    }

    async fn count(&self, subject: &SubjectHash, now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.of(subject, now, false).len() + usize::from(self.has(Fault::CountsOneTooMany)))
    }

    async fn admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        mut draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let Some(subject) = draft.header.subject else {
            if self.has(Fault::AdmitNeedsASubject) {
                return Ok(Admission::Full);
            }
            return self.commit(key, expected, draft, now).await.map(Admission::from);
        };
        if self.has(Fault::AdmitForgetsThePayload) {
            draft.payload = Bytes::new();
        }
        let leaving = self.leaving(&subject, key, cap, now);
        let found = self.find(key, now)?.map(|kept| kept.record.version);
        let is_current = found == expected || self.has(Fault::AdmitLooksAtTheCapFirst);
        if is_current && !leaving.is_empty() && cap.when_full == WhenFull::Refuse {
            return Ok(Admission::Full);
        }
        if self.has(Fault::AdmitChecksThenWrites) {
            yield_now().await;
        }
        match self.commit(key, expected, draft, now).await? {
            Commit::Committed(version) => {
                leaving.iter().filter(|(other, _)| other != key).for_each(|(key, _)| self.bury(key));
                Ok(Admission::Committed { version, ended: leaving })
            }
            outcome => Ok(outcome.into()),
        }
    }
}
