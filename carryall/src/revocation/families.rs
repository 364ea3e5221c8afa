//! The families whose identity changed or that ended.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use tokio::sync::Notify;

use super::forgotten::Forgotten;
use crate::clock::Timestamp;
use crate::generation::Generations;
use crate::id::Family;

/// How many families a change forgets when their sessions are over: more than one, so that they never pile up.
const TRIMMED: usize = 2;

/// How many ended sessions of visitors who never signed in are remembered in one part. Anybody can begin and end such
/// sessions, so there is a limit: about a million in all parts.
const MOST_EVICTABLE: usize = 16 * 1024;

/// One part of the families, behind its own lock.
#[derive(Debug, Default)]
pub(super) struct Families {
    kept: RwLock<Kept>,
    len: AtomicUsize,
    /// Woken when something changed that may end a session of these families.
    pub(super) changed: Notify,
    pub(super) forgotten: Forgotten,
    /// The latest expiry, in milliseconds, of those that were evicted.
    evicted: AtomicU64,
}

#[derive(Debug, Default)]
struct Kept {
    by_family: HashMap<Family, State>,
    by_expiry: BTreeSet<(Timestamp, [u8; Family::LEN])>,
    /// Those of `by_expiry` that may go earlier.
    evictable: BTreeSet<(Timestamp, [u8; Family::LEN])>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    generations: Generations,
    /// When it was last changed.
    made: Timestamp,
    expires: Timestamp,
}

impl Families {
    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// What is known of a family. No lock while nothing is known of any.
    pub(super) fn generations(&self, family: &Family) -> Option<Generations> {
        if self.len() == 0 {
            return None;
        }
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.by_family.get(family).map(|state| state.generations)
    }

    /// Changes a family under the lock, from `start` if nothing is known of it. What `f` leaves as it was is not
    /// remembered; what it leaves half-done by a panic is as it was before.
    pub(super) fn change<R>(
        &self,
        family: &Family,
        now: Timestamp,
        expires: Timestamp,
        start: Generations,
        f: impl FnOnce(&mut Generations) -> R,
    ) -> R {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let known = kept.by_family.get(family).copied();
        let before = known.map_or(start, |state| state.generations);
        let mut generations = before;
        let result = f(&mut generations);
        if generations != before || known.is_some_and(|state| state.expires < expires) {
            let expires = known.map_or(expires, |state| state.expires.max(expires));
            kept.insert(*family, State { generations, made: now, expires });
        }
        kept.trim(now, TRIMMED, &self.forgotten);
        self.len.store(kept.by_family.len(), Ordering::Release);
        drop(kept);
        if generations != before {
            self.changed.notify_waiters();
        }
        result
    }

    /// Lets go of an ended family before it expires, should there be too many such. Only for one in which nobody ever
    /// signed in, and whose last generation was this.
    ///
    /// Those that began first are evicted first. Nobody knows any more which of that age had ended, so
    /// [`has_evicted`](Self::has_evicted) covers all of them.
    pub(super) fn make_evictable(&self, family: &Family, generation: u64) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let Some(state) = kept.by_family.get(family).copied() else { return };
        let known = state.generations;
        if known.dead.is_none() || known.closed || known.current != generation {
            return;
        }
        kept.evictable.insert((state.expires, *family.as_bytes()));
        if kept.evictable.len() > MOST_EVICTABLE
            && let Some((expires, family)) = kept.evictable.first().copied()
        {
            kept.remove(expires, family);
            self.evicted.fetch_max(expires.as_millis(), Ordering::AcqRel);
        }
        self.len.store(kept.by_family.len(), Ordering::Release);
    }

    /// Whether a session in which nobody ever signed in, and which could be good until `latest`, may have been evicted.
    pub(super) fn has_evicted(&self, latest: Timestamp) -> bool {
        latest.as_millis() <= self.evicted.load(Ordering::Acquire)
    }

    /// Forgets at most `limit` families whose sessions are over; answers how many.
    pub(super) fn trim(&self, now: Timestamp, limit: usize) -> usize {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let trimmed = kept.trim(now, limit, &self.forgotten);
        self.len.store(kept.by_family.len(), Ordering::Release);
        trimmed
    }
}

impl Kept {
    fn insert(&mut self, family: Family, state: State) {
        if let Some(old) = self.by_family.insert(family, state) {
            self.by_expiry.remove(&(old.expires, *family.as_bytes()));
            self.evictable.remove(&(old.expires, *family.as_bytes()));
        }
        self.by_expiry.insert((state.expires, *family.as_bytes()));
    }

    fn remove(&mut self, expires: Timestamp, family: [u8; Family::LEN]) -> Option<State> {
        self.by_expiry.remove(&(expires, family));
        self.evictable.remove(&(expires, family));
        self.by_family.remove(&Family::from_bytes(family))
    }

    fn trim(&mut self, now: Timestamp, limit: usize, forgotten: &Forgotten) -> usize {
        let mut trimmed = 0;
        while trimmed < limit
            && let Some((expires, family)) = self.by_expiry.first().copied()
            && expires <= now
        {
            if let Some(state) = self.remove(expires, family) {
                forgotten.note(state.made, now);
            }
            trimmed += 1;
        }
        trimmed
    }
}

/// The state of a family of which two were told, the same in whatever order they are told.
///
/// The later generation wins. Of one generation the earliest sight counts, a window that anybody closed is closed,
/// and the dead stay dead.
pub(super) fn joined(one: Generations, other: Generations) -> Generations {
    let earliest = |a: Option<Timestamp>, b: Option<Timestamp>| match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let dead = earliest(one.dead, other.dead);
    let newer = match one.current.cmp(&other.current) {
        std::cmp::Ordering::Less => other,
        std::cmp::Ordering::Greater => one,
        std::cmp::Ordering::Equal => Generations {
            current: one.current,
            changed: one.changed.max(other.changed),
            confirmed: earliest(one.confirmed, other.confirmed),
            closed: one.closed || other.closed,
            dead,
        },
    };
    Generations { dead, ..newer }
}
