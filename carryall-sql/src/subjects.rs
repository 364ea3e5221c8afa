//! The records of a subject, and admitting one more.

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Commit, Draft, ListSubjects, Record, Store as _, StoreError, StoreErrorKind, SubjectHash,
    Version,
};

use crate::admission::{Admitted, Entrant, admit};
use crate::dialect::Dialect;
use crate::row::{Columns, millis, number};
use crate::store::SqlStore;

impl<D: Dialect> ListSubjects for SqlStore<D> {
    async fn list(
        &self,
        subject: &SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        let (limit, now) = (i64::try_from(limit).unwrap_or(i64::MAX), millis(now));
        self.read(|mut lease| async move {
            let result = D::list(lease.connection(), &subject.0, limit, now).await;
            lease.end(result)
        })
        .await
    }

    async fn count(&self, subject: &SubjectHash, now: Timestamp) -> Result<usize, StoreError> {
        let now = millis(now);
        let count = self.read(|mut lease| async move {
            let result = D::count(lease.connection(), &subject.0, now).await;
            lease.end(result)
        });
        Ok(usize::try_from(count.await?).unwrap_or_default())
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
        self.check_size(&draft)?;
        let columns = Columns::of(&draft);
        let entrant = Entrant {
            id: key.as_bytes(),
            version: expected.map(number),
            columns: &columns,
            subject: &subject.0,
        };
        loop {
            let admitted = self.write(|mut lease| async move {
                let result = admit::<D>(lease.connection(), entrant, cap, millis(now), self.patience()).await;
                lease.end(result)
            });
            match admitted.await? {
                Admitted::Done(ended) => {
                    let version = expected.map_or(Version::FIRST, Version::next);
                    return Ok(Admission::Committed { version, ended });
                }
                Admitted::Full => return Ok(Admission::Full),
                Admitted::Busy => return Err(StoreError::new(StoreErrorKind::TimedOut)),
                Admitted::Unexpected => {
                    if let Some(refused) = self.refused(key, expected, now).await? {
                        return Ok(refused.into());
                    }
                }
            }
        }
    }
}

impl<D: Dialect> SqlStore<D> {
    /// Why a commit found nothing to write to; `None` if it would by now.
    ///
    /// A statement of its own, so that it sees what made the first one fail.
    pub(crate) async fn refused(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        now: Timestamp,
    ) -> Result<Option<Commit>, StoreError> {
        Ok(match (self.load(key, now).await?, expected) {
            (Some(fresh), _) if Some(fresh.version) != expected => Some(Commit::Conflict(fresh)),
            (None, Some(_)) => Some(Commit::Gone),
            // Removed or created between the two statements: what was refused is possible now.
            _ => None,
        })
    }
}
