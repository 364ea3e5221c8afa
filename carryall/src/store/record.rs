//! One session as a store sees it: deadlines and an owner in clear, the rest opaque.

use bytes::Bytes;

use crate::clock::Timestamp;

/// The count of a record's commits; the subject of compare-and-swap. Starts at 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u64);

impl Version {
    /// The version a record gets when it is created.
    pub const FIRST: Self = Self(1);

    /// The version after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

/// A hash of tenant and user id, by which a store can find a user's sessions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SubjectHash(pub [u8; 16]);

impl std::fmt::Debug for SubjectHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SubjectHash(redacted)")
    }
}

/// What a store may read of a session, to expire it and to find it by user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// When the session began.
    pub created: Timestamp,
    /// When the session was last seen, to within the refresh threshold.
    pub seen: Timestamp,
    /// From this instant on the record is absent (the earlier of idle and absolute deadline).
    pub expires: Timestamp,
    /// The absolute deadline; no touch moves `expires` past it.
    pub latest: Timestamp,
    /// Whose session it is; `None` for an anonymous visitor, whose record may be evicted first.
    pub subject: Option<SubjectHash>,
}

/// A record to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What the store may read.
    pub header: Header,
    /// What it may not.
    pub payload: Bytes,
}

/// A record as it stands in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How often it was committed.
    pub version: Version,
    /// What the store may read.
    pub header: Header,
    /// What it may not.
    pub payload: Bytes,
}
