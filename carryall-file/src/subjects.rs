//! The store as one that finds the records of a subject.

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Draft, ListSubjects, Record, Store as _, StoreError, SubjectHash, Version,
};

use crate::store::FileStore;

/// Takes a lock of its own, one of 256, so that no list shows half of an admission.
impl ListSubjects for FileStore {
    async fn list(
        &self,
        subject: &SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        let name = *subject;
        self.in_turn(self.subject_turn(subject), move |disk| disk.list(&name, limit, now)).await
    }

    async fn count(&self, subject: &SubjectHash, now: Timestamp) -> Result<usize, StoreError> {
        let name = *subject;
        self.in_turn(self.subject_turn(subject), move |disk| disk.count(&name, now)).await
    }

    async fn admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let Some(subject) = draft.header.subject else {
            return self.commit(key, expected, draft, now).await.map(Admission::from);
        };
        let name = *key;
        let admit =
            move |disk: &crate::disk::Disk| disk.admit((&name, expected, &draft), (&subject, cap), now);
        self.in_turn(self.subject_turn(&subject), admit).await
    }
}
