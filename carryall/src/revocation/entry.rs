//! One entry of the log: what is revoked, and how long that has to be remembered.

use super::groups::Group;
use super::scope::Scope;
use crate::clock::Timestamp;
use crate::generation::Generations;
use crate::id::Family;

/// One entry of a [`RevocationLog`](super::RevocationLog).
///
/// Entries can be applied in any order and more than once: the outcome is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub(super) what: What,
    pub(super) expires: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The state of one family; the newer of two states wins.
    Family(Family, Generations),
    /// Refuses sessions of the group that began at this instant or before; the later of two instants wins.
    NotBefore(Group, Timestamp),
}

impl Entry {
    /// Ends what the scope covers at `now`. Can be forgotten at `expires`.
    pub(super) fn revoke(scope: Scope, now: Timestamp, expires: Timestamp) -> Self {
        let group = match scope {
            Scope::Family(family) => {
                let ended = Generations { dead: Some(now), ..Generations::default() };
                return Self::family(family, ended, expires);
            }
            Scope::Subject(subject) => Group::Subject(subject),
            Scope::Tenant(tenant) => Group::Tenant(tenant),
            Scope::Key(key) => Group::Key(key),
            Scope::Everyone => Group::Everyone,
        };
        Self { what: What::NotBefore(group, now), expires }
    }

    /// What is known of a family.
    pub(super) fn family(family: Family, generations: Generations, expires: Timestamp) -> Self {
        Self { what: What::Family(family, generations), expires }
    }

    /// Whom it covers.
    pub fn scope(&self) -> Scope {
        match self.what {
            What::Family(family, _) => Scope::Family(family),
            What::NotBefore(Group::Subject(subject), _) => Scope::Subject(subject),
            What::NotBefore(Group::Tenant(tenant), _) => Scope::Tenant(tenant),
            What::NotBefore(Group::Key(key), _) => Scope::Key(key),
            What::NotBefore(Group::Everyone, _) => Scope::Everyone,
        }
    }

    /// From this instant on a log may drop it: every session that it covers is past its absolute deadline.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }
}
