//! What of a session decides whether it is revoked.

use super::scope::TenantHash;
use crate::clock::Timestamp;
use crate::store::SubjectHash;

/// What of a session decides whether it is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Facts {
    /// Who is signed in.
    pub(crate) subject: Option<SubjectHash>,
    /// Whose users the session is for.
    pub(crate) tenant: Option<TenantHash>,
    /// When the user signed in.
    pub(crate) auth_time: Option<Timestamp>,
    /// When the session began.
    pub(crate) created: Timestamp,
    /// The id of the key that its token was made with.
    pub(crate) key: Option<[u8; 8]>,
}

impl Facts {
    /// The instant that is compared: of the login, or of the beginning if nobody is signed in.
    ///
    /// Never when the token was minted, or the next refresh by a node that lags behind would undo a revocation.
    pub(super) fn began(&self) -> Timestamp {
        self.auth_time.unwrap_or(self.created)
    }
}
