//! The records of subjects in any store that finds them.

use std::sync::Arc;

use super::Reply;
use crate::clock::Timestamp;
use crate::id::RecordKey;
use crate::store::{Admission, Cap, Draft, ListSubjects, Record, StoreError, SubjectHash, Version};

/// The records of subjects in the store it came from; cheap to clone. See [`ListSubjects`].
#[derive(Clone, Debug)]
pub struct Subjects(Arc<dyn ErasedSubjects>);

impl Subjects {
    pub(in crate::store) fn of(store: Arc<dyn ErasedSubjects>) -> Self {
        Self(store)
    }

    /// The live records of a subject, the oldest first, at most `limit`; see [`ListSubjects::list`].
    pub async fn list(
        &self,
        subject: &SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        self.0.list(subject, limit, now).await
    }

    /// How many live records a subject has; see [`ListSubjects::count`].
    pub async fn count(&self, subject: &SubjectHash, now: Timestamp) -> Result<usize, StoreError> {
        self.0.count(subject, now).await
    }

    /// A commit that keeps within a cap; see [`ListSubjects::admit`].
    pub async fn admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.0.admit(key, expected, draft, cap, now).await
    }
}

/// The object-safe twin of [`ListSubjects`].
pub(in crate::store) trait ErasedSubjects: std::fmt::Debug + Send + Sync {
    fn list<'a>(
        &'a self,
        subject: &'a SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Reply<'a, Vec<(RecordKey, Record)>>;
    fn count<'a>(&'a self, subject: &'a SubjectHash, now: Timestamp) -> Reply<'a, usize>;
    fn admit<'a>(
        &'a self,
        key: &'a RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Reply<'a, Admission>;
}

impl<S: ListSubjects> ErasedSubjects for S {
    fn list<'a>(
        &'a self,
        subject: &'a SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Reply<'a, Vec<(RecordKey, Record)>> {
        Box::pin(ListSubjects::list(self, subject, limit, now))
    }

    fn count<'a>(&'a self, subject: &'a SubjectHash, now: Timestamp) -> Reply<'a, usize> {
        Box::pin(ListSubjects::count(self, subject, now))
    }

    fn admit<'a>(
        &'a self,
        key: &'a RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Reply<'a, Admission> {
        Box::pin(ListSubjects::admit(self, key, expected, draft, cap, now))
    }
}
