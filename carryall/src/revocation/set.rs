//! Everything that is revoked, as far as this node knows.

use std::fmt;
use std::sync::Arc;

use super::entry::{Entry, What};
use super::facts::Facts;
use super::families::{Families, joined};
use super::groups::Groups;
use crate::clock::Timestamp;
use crate::generation::Generations;
use crate::id::Family;
use crate::store::SubjectHash;

const SHARDS: usize = 64;

/// Everything that is revoked, as far as this node knows; exact, in memory. Cheap to clone, all clones share it.
///
/// Entries go when they expire, a few with every change, and not because there are many. The exception are sessions in
/// which nobody ever signed in: past a million ended ones, those that began first go, and with them every session of
/// that age in which nobody signed in. Asking costs one atomic
/// load while nothing is revoked, else a short read lock and at most four lookups.
#[derive(Clone, Default)]
pub struct RevocationSet(Arc<Inner>);

struct Inner {
    families: [Families; SHARDS],
    groups: Groups,
}

impl Default for Inner {
    fn default() -> Self {
        Self { families: std::array::from_fn(|_| Families::default()), groups: Groups::default() }
    }
}

impl RevocationSet {
    /// Takes an entry of the log into account. In any order, and as often as one likes. One that is expired at
    /// `now` changes nothing.
    pub fn apply(&self, entry: &Entry, now: Timestamp) {
        if entry.expires <= now {
            return;
        }
        match entry.what {
            What::Family(family, told) => {
                // The default state comes before every other, so joined with it they stay as they are.
                let start = Generations::default();
                self.families(&family).change(&family, now, entry.expires, start, |known| {
                    *known = joined(*known, told);
                });
            }
            What::NotBefore(group, at) => {
                self.0.groups.refuse(group, at, entry.expires, now);
                self.0.families.iter().for_each(|families| families.changed.notify_waiters());
            }
        }
    }

    /// What is known of a family; `None` if its identity never changed and it was not ended.
    pub(crate) fn generations(&self, family: &Family) -> Option<Generations> {
        self.families(family).generations(family)
    }

    /// Changes what is known of a family, atomically: nobody sees or changes it meanwhile. If nothing is known,
    /// `f` starts from the generation that the client presented. Forgotten at `expires`, the latest instant at
    /// which a cookie of the family could be good.
    ///
    /// `f` runs under the lock of some of the families. It may ask [`is_revoked`](Self::is_revoked), and must not
    /// ask for families.
    pub(crate) fn change<R>(
        &self,
        family: &Family,
        now: Timestamp,
        expires: Timestamp,
        presented: u64,
        f: impl FnOnce(&mut Generations) -> R,
    ) -> R {
        self.families(family).change(family, now, expires, Generations::at(presented), f)
    }

    /// Whether a session that began then may be revoked with its user, tenant, key or with everyone. `false` is
    /// final and costs one atomic load.
    pub(crate) fn reaches(&self, began: Timestamp) -> bool {
        self.0.groups.reach(began)
    }

    /// Whether what was known of a session may have been forgotten by a clock that was ahead. Two atomic loads.
    pub(crate) fn has_forgotten(&self, family: &Family, created: Timestamp, latest: Timestamp) -> bool {
        self.families(family).forgotten.may_cover(created, latest)
            || self.0.groups.forgotten.may_cover(created, latest)
    }

    /// Lets go of an ended session before it expires, should there be too many such: one in which nobody ever signed
    /// in, and whose last generation was this.
    pub(crate) fn make_evictable(&self, family: &Family, generation: u64) {
        self.families(family).make_evictable(family, generation);
    }

    /// Whether a session in which nobody ever signed in may have been let go of. One atomic load.
    pub(crate) fn has_evicted(&self, family: &Family, latest: Timestamp) -> bool {
        self.families(family).has_evicted(latest)
    }

    /// Whether a session is revoked with its user, tenant, key or with everyone.
    ///
    /// What is compared is when the user signed in, and of an anonymous session when it began.
    pub(crate) fn is_revoked(&self, facts: &Facts) -> bool {
        self.0.groups.cover(facts)
    }

    /// The authentication time of a login at `now`: `now`, or one millisecond after the latest instant up to which
    /// sessions of this user are refused, so that no login is born dead.
    pub(crate) fn earliest_auth_time(&self, subject: &SubjectHash, now: Timestamp) -> Timestamp {
        self.0.groups.earliest(Some(subject), now)
    }

    /// The same for a session in which nobody is signed in.
    pub(crate) fn earliest_start(&self, now: Timestamp) -> Timestamp {
        self.0.groups.earliest(None, now)
    }

    /// Resolves at the next change that may end a session of this family.
    ///
    /// Counts from the call, not from the first poll: call, look, then wait, and nothing is missed.
    pub(crate) fn changed(&self, family: &Family) -> impl Future<Output = ()> + Send + use<'_> {
        self.families(family).changed.notified()
    }

    /// Forgets everything that is expired at `now`; answers how much. Changes do this by themselves bit by bit.
    pub fn trim(&self, now: Timestamp) -> usize {
        /// So few that nobody waits long for the lock.
        const BATCH: usize = 64;
        let until_done = |trim: &dyn Fn() -> usize| {
            let mut total = 0;
            loop {
                let trimmed = trim();
                total += trimmed;
                if trimmed < BATCH {
                    return total;
                }
            }
        };
        let families: usize =
            self.0.families.iter().map(|families| until_done(&|| families.trim(now, BATCH))).sum();
        families + until_done(&|| self.0.groups.trim(now, BATCH))
    }

    fn families(&self, family: &Family) -> &Families {
        &self.0.families[usize::from(family.as_bytes()[Family::LEN - 1]) % SHARDS]
    }
}

impl fmt::Debug for RevocationSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let families: usize = self.0.families.iter().map(Families::len).sum();
        f.debug_struct("RevocationSet")
            .field("families", &families)
            .field("groups", &self.0.groups.len())
            .finish_non_exhaustive()
    }
}
