//! The set and its log: what sessions ask and tell.

use std::sync::Arc;
use std::time::Duration;

use super::entry::Entry;
use super::facts::Facts;
use super::log::{AnyLog, RevocationLog};
use super::scope::Scope;
use super::set::RevocationSet;
use crate::clock::Timestamp;
use crate::generation::Generations;
use crate::id::Family;
use crate::store::{StoreError, SubjectHash};

/// Who may no longer come in, and the log through which other nodes learn of it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Revocations {
    set: RevocationSet,
    log: Arc<dyn AnyLog>,
}

impl Revocations {
    /// Revocations that are written to this log.
    pub fn new(log: impl RevocationLog) -> Self {
        let set = RevocationSet::default();
        log.attach(&set);
        Self { set, log: Arc::new(log) }
    }

    /// Revokes everything that the scope covers: one session, or all sessions of a group that began until `now`.
    /// `expires` is the latest instant at which one of them could still be good.
    ///
    /// **The promise.** When this returns `Ok` at t, the calling node refuses every covered session from then on,
    /// at load and before minting. Every other node does so once it has applied the entry, and no later than the
    /// log's lease after t, because a node that cannot prove its freshness treats no session as authenticated.
    /// Requests already loaded finish; nothing they mint outlives the revocation.
    ///
    /// # Errors
    ///
    /// An error means "unknown", and repeating is harmless. This node refuses the sessions all the same: the set is
    /// told before the log, so that neither an outage nor a dropped future leaves them in here.
    pub async fn revoke(&self, scope: Scope, now: Timestamp, expires: Timestamp) -> Result<(), StoreError> {
        // Another node may have signed somebody in by a clock that is ahead, and judges by one that is behind.
        let ahead = match scope {
            Scope::Family(_) => Duration::ZERO,
            _ => self.log.skew().saturating_mul(2),
        };
        let entry = Entry::revoke(scope, now.plus(ahead), expires.plus(ahead));
        self.set.apply(&entry, now);
        self.log.append(&entry).await
    }

    /// Ends one session: [`revoke`](Self::revoke) of its family.
    pub(crate) async fn end_family(
        &self,
        family: &Family,
        now: Timestamp,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.revoke(Scope::Family(*family), now, expires).await
    }

    /// Writes down a state that [`change`](RevocationSet::change) led to.
    pub(crate) async fn publish(
        &self,
        family: &Family,
        generations: Generations,
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        self.log.append(&Entry::family(*family, generations, expires)).await
    }

    /// Whether this node knows all it has to know; if not, it must treat no session as authenticated.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        self.log.is_fresh(now)
    }
}

/// What sessions ask and tell the set.
impl Revocations {
    /// See [`RevocationSet::generations`].
    pub(crate) fn generations(&self, family: &Family) -> Option<Generations> {
        self.set.generations(family)
    }

    /// See [`RevocationSet::change`].
    pub(crate) fn change<R>(
        &self,
        family: &Family,
        now: Timestamp,
        expires: Timestamp,
        presented: u64,
        f: impl FnOnce(&mut Generations) -> R,
    ) -> R {
        self.set.change(family, now, expires, presented, f)
    }

    /// See [`RevocationSet::reaches`].
    pub(crate) fn reaches(&self, began: Timestamp) -> bool {
        self.set.reaches(began)
    }

    /// See [`RevocationSet::has_forgotten`].
    pub(crate) fn has_forgotten(&self, family: &Family, created: Timestamp, latest: Timestamp) -> bool {
        self.set.has_forgotten(family, created, latest)
    }

    /// See [`RevocationSet::make_evictable`].
    pub(crate) fn make_evictable(&self, family: &Family, generation: u64) {
        self.set.make_evictable(family, generation);
    }

    /// See [`RevocationSet::has_evicted`].
    pub(crate) fn has_evicted(&self, family: &Family, latest: Timestamp) -> bool {
        self.set.has_evicted(family, latest)
    }

    /// See [`RevocationSet::is_revoked`].
    pub(crate) fn is_revoked(&self, facts: &Facts) -> bool {
        self.set.is_revoked(facts)
    }

    /// See [`RevocationSet::earliest_auth_time`].
    pub(crate) fn earliest_auth_time(&self, subject: &SubjectHash, now: Timestamp) -> Timestamp {
        self.set.earliest_auth_time(subject, now)
    }

    /// See [`RevocationSet::earliest_start`].
    pub(crate) fn earliest_start(&self, now: Timestamp) -> Timestamp {
        self.set.earliest_start(now)
    }

    /// See [`RevocationSet::changed`].
    pub(crate) fn changed(&self, family: &Family) -> impl Future<Output = ()> + Send + use<'_> {
        self.set.changed(family)
    }
}
