//! Whom a revocation covers.

use std::fmt;

use crate::id::Family;
use crate::store::SubjectHash;

/// Whom a revocation covers.
///
/// A session began when its user signed in; one of an anonymous visitor when it was created. Signing in again, or
/// coming anew, is always possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One session, whatever happens to it later.
    Family(Family),
    /// All sessions of one user that began until now.
    Subject(SubjectHash),
    /// All sessions of one tenant that began until now.
    Tenant(TenantHash),
    /// All sessions under one key, by its id, that began until now.
    ///
    /// For sessions that an honest node minted. Whoever holds a stolen key can write any instant into a session, so
    /// take a stolen key out of the ring as well.
    Key([u8; 8]),
    /// All sessions that began until now.
    Everyone,
}

/// A hash of a tenant's name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantHash(pub [u8; 16]);

impl fmt::Debug for TenantHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TenantHash(redacted)")
    }
}
