//! Groups of sessions that are refused when they began too early.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use super::facts::Facts;
use super::forgotten::Forgotten;
use super::scope::TenantHash;
use crate::clock::Timestamp;
use crate::store::SubjectHash;

/// How many groups a revocation forgets when their sessions are over.
const TRIMMED: usize = 2;

/// Sessions that are revoked together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Group {
    Subject(SubjectHash),
    Tenant(TenantHash),
    Key([u8; 8]),
    Everyone,
}

/// For each revoked group the instant at which or before which a session must not have begun.
#[derive(Debug, Default)]
pub(super) struct Groups {
    kept: RwLock<Kept>,
    /// One millisecond after the latest instant of all groups, 0 if there is none. A session that began then or
    /// later is asked for without a lock.
    clear_from: AtomicU64,
    pub(super) forgotten: Forgotten,
}

#[derive(Debug, Default)]
struct Kept {
    by_group: HashMap<Group, NotBefore>,
    by_expiry: BTreeSet<(Timestamp, Group)>,
    /// The latest instant of the groups that are not one user.
    latest_shared: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct NotBefore {
    at: Timestamp,
    expires: Timestamp,
}

impl Groups {
    pub(super) fn len(&self) -> usize {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).by_group.len()
    }

    /// Whether a session that began then may be covered. One atomic load.
    pub(super) fn reach(&self, began: Timestamp) -> bool {
        began.as_millis() < self.clear_from.load(Ordering::Acquire)
    }

    pub(super) fn cover(&self, facts: &Facts) -> bool {
        let began = facts.began();
        if !self.reach(began) {
            return false;
        }
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let covers = |group| kept.by_group.get(&group).is_some_and(|not_before| began <= not_before.at);
        covers(Group::Everyone)
            || facts.subject.is_some_and(|subject| covers(Group::Subject(subject)))
            || facts.tenant.is_some_and(|tenant| covers(Group::Tenant(tenant)))
            || facts.key.is_some_and(|key| covers(Group::Key(key)))
    }

    /// The first instant from `now` on at which a session of this user, or of nobody, can begin without being covered.
    pub(super) fn earliest(&self, subject: Option<&SubjectHash>, now: Timestamp) -> Timestamp {
        if !self.reach(now) {
            return now;
        }
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let own = subject.and_then(|subject| kept.by_group.get(&Group::Subject(*subject)));
        let own = own.map_or(Timestamp::default(), |own| own.at);
        // Key and tenant of the session to come are not known here, so all of them count.
        let covered = own.max(kept.latest_shared);
        if now > covered { now } else { covered.plus(Duration::from_millis(1)) }
    }

    /// Refuses sessions of the group that began at `at` or before.
    pub(super) fn refuse(&self, group: Group, at: Timestamp, expires: Timestamp, now: Timestamp) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let known = kept.by_group.get(&group).copied();
        if let Some(known) = known {
            kept.by_expiry.remove(&(known.expires, group));
        }
        let NotBefore { at: known_at, expires: known_expires } = known.unwrap_or(NotBefore { at, expires });
        let not_before = NotBefore { at: at.max(known_at), expires: expires.max(known_expires) };
        kept.by_expiry.insert((not_before.expires, group));
        kept.by_group.insert(group, not_before);
        if !matches!(group, Group::Subject(_)) {
            kept.latest_shared = kept.latest_shared.max(not_before.at);
        }
        kept.trim(now, TRIMMED, &self.forgotten);
        self.clear_from.fetch_max(not_before.at.as_millis().saturating_add(1), Ordering::AcqRel);
    }

    /// Forgets at most `limit` groups whose sessions are all over; answers how many.
    pub(super) fn trim(&self, now: Timestamp, limit: usize) -> usize {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let trimmed = kept.trim(now, limit, &self.forgotten);
        if kept.by_group.is_empty() {
            *kept = Kept::default();
            self.clear_from.store(0, Ordering::Release);
        }
        trimmed
    }
}

impl Kept {
    fn trim(&mut self, now: Timestamp, limit: usize, forgotten: &Forgotten) -> usize {
        let mut trimmed = 0;
        while trimmed < limit
            && let Some((expires, group)) = self.by_expiry.first().copied()
            && expires <= now
        {
            self.by_expiry.remove(&(expires, group));
            if let Some(not_before) = self.by_group.remove(&group) {
                forgotten.note(not_before.at, now);
            }
            trimmed += 1;
        }
        trimmed
    }
}
