//! The capability to find the records of one subject, and to keep their number within a cap.

use std::num::NonZeroUsize;

use super::{Commit, Draft, Record, Store, StoreError, SubjectHash, Version};
use crate::clock::Timestamp;
use crate::id::RecordKey;

/// What became of a [`ListSubjects::admit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Written, as by a commit.
    Committed {
        /// The record's version now.
        version: Version,
        /// The records that were removed to make a place, the oldest first.
        ended: Vec<(RecordKey, Record)>,
    },
    /// The record has another version than expected; here it is. Nothing was written and nobody was ended.
    Conflict(Record),
    /// There is no such record. Nothing was written and nobody was ended.
    Gone,
    /// The subject has as many other records as it may, and nobody is to be ended. Nothing was written.
    Full,
}

/// Of a commit that ended nobody.
impl From<Commit> for Admission {
    fn from(commit: Commit) -> Self {
        match commit {
            Commit::Committed(version) => Self::Committed { version, ended: Vec::new() },
            Commit::Conflict(record) => Self::Conflict(record),
            Commit::Gone => Self::Gone,
        }
    }
}

/// How many records a subject may have at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cap {
    /// At most so many live ones.
    pub most: NonZeroUsize,
    /// What to do about one more.
    pub when_full: WhenFull,
}

/// What to do about a record for which a subject has no place left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WhenFull {
    /// The subject's oldest records go, by [`Header::created`](super::Header::created).
    EndOldest,
    /// The new one is refused.
    Refuse,
}

/// A [`Store`] that finds the records of a subject.
///
/// Declared with [`Wrapped::lists_subjects`](super::Wrapped::lists_subjects). A record is its subject's from the answer
/// to the commit that wrote the subject into its header, until the answer to the one that wrote another, or to its
/// removal, or until it expires.
///
/// How the store finds them is its own affair. An index may name records that are gone or somebody else's by now, as
/// one has to that lies on another server than the records and is written before them: what is answered is looked up in
/// the records themselves. What an index must not do is to miss a live record.
///
/// The laws are checked by [`conformance::subjects`](crate::conformance) (feature `conformance`).
pub trait ListSubjects: Store {
    /// The live records of the subject, as `load` would answer them: those with the earliest `created` first, and
    /// of those with the same one the one with the lower key; at most `limit`.
    ///
    /// A store that encrypts answers one that it cannot open with an empty payload, so that it can be removed.
    ///
    /// None is missing, none is there twice, none is expired, removed or another subject's. What commits, touches and
    /// removals that are under way make of it may be in it or not. Costs as much as the subject has records, never a
    /// scan of everything.
    fn list(
        &self,
        subject: &SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> impl Future<Output = Result<Vec<(RecordKey, Record)>, StoreError>> + Send;

    /// How many live records the subject has.
    fn count(
        &self,
        subject: &SubjectHash,
        now: Timestamp,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;

    /// A [`commit`](Store::commit) that makes the record one of `draft.header.subject`'s, if the subject has fewer than
    /// `cap.most` other live records; without a subject, a plain commit.
    ///
    /// * `Conflict` and `Gone` are as for a commit and come before anything else: whoever lost a race is told so, however
    ///   many records there are, and ends nobody.
    /// * With [`WhenFull::Refuse`], `Full` if there are `cap.most` others or more.
    /// * With [`WhenFull::EndOldest`], as many of the others are removed, in the order of [`list`](Self::list), as
    ///   leaves `cap.most - 1`. They are gone as by [`remove`](Store::remove).
    /// * The record itself takes no place twice: admitting what is the subject's already ends nobody while the cap holds.
    ///
    /// Exact against every other admission of the subject, on every node: at no instant do admissions leave the subject
    /// more than `cap.most` live records. Plain commits are not held up and not counted beforehand: only who calls
    /// this for every record that becomes a subject's has a cap.
    ///
    /// After an error, or when the future is dropped, it is done or not done, and never a record written that passes the
    /// cap. A store whose records lie on several servers may then, or when another commit wins at the last instant,
    /// have ended records for an admission that did not come about, and one whose records are files when its process ends;
    /// where a lowered cap makes many go, that one may then have admitted before all of them went. Others do both or
    /// nothing.
    fn admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> impl Future<Output = Result<Admission, StoreError>> + Send;
}
