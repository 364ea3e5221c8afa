//! Which records are whose, beside the shards.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::id::RecordKey;
use crate::store::SubjectHash;

const PARTS: usize = 64;

/// The keys of each subject's records, expired ones included.
///
/// Changed under the lock of the record's shard, and only if that record's subject changes: what is noted here is what
/// the shards hold. Its own locks are the innermost ones.
#[derive(Debug)]
pub(super) struct Index {
    parts: [Part; PARTS],
}

#[derive(Debug, Default)]
struct Part {
    keys: Mutex<Map>,
    /// Held by whoever admits a record to a subject here. Never taken while any other lock is held.
    admitting: Mutex<()>,
}

type Map = HashMap<SubjectHash, Keys>;

/// Most subjects have one record.
#[derive(Debug)]
enum Keys {
    One(RecordKey),
    Many(BTreeSet<RecordKey>),
}

impl Default for Index {
    fn default() -> Self {
        Self { parts: std::array::from_fn(|_| Part::default()) }
    }
}

impl Index {
    /// The record that was the one's is the other's now.
    pub(super) fn change(&self, key: &RecordKey, old: Option<SubjectHash>, new: Option<SubjectHash>) {
        if old == new {
            return;
        }
        if let Some(subject) = old {
            forget(&mut self.keys(&subject), &subject, key);
        }
        if let Some(subject) = new {
            note(&mut self.keys(&subject), subject, *key);
        }
    }

    /// The keys of a subject's records.
    pub(super) fn of(&self, subject: &SubjectHash) -> Vec<RecordKey> {
        match self.keys(subject).get(subject) {
            None => Vec::new(),
            Some(Keys::One(key)) => vec![*key],
            Some(Keys::Many(keys)) => keys.iter().copied().collect(),
        }
    }

    /// The right to admit a record to this subject.
    pub(super) fn admit(&self, subject: &SubjectHash) -> MutexGuard<'_, ()> {
        lock(&self.part(subject).admitting)
    }

    fn keys(&self, subject: &SubjectHash) -> MutexGuard<'_, Map> {
        lock(&self.part(subject).keys)
    }

    fn part(&self, subject: &SubjectHash) -> &Part {
        &self.parts[usize::from(subject.0[0]) % PARTS]
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.parts.iter().map(|part| lock(&part.keys).capacity()).sum()
    }

    /// How many subjects and records it knows.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        let len = |keys: &Keys| if let Keys::Many(keys) = keys { keys.len() } else { 1 };
        let sizes = self.parts.iter().map(|part| {
            let keys = lock(&part.keys);
            (keys.len(), keys.values().map(len).sum::<usize>())
        });
        sizes.fold((0, 0), |(subjects, records), (more, others)| (subjects + more, records + others))
    }
}

fn note(keys: &mut Map, subject: SubjectHash, key: RecordKey) {
    match keys.entry(subject) {
        Entry::Vacant(place) => {
            place.insert(Keys::One(key));
        }
        Entry::Occupied(mut place) => match place.get_mut() {
            Keys::Many(keys) => {
                keys.insert(key);
            }
            Keys::One(first) => {
                let both = BTreeSet::from([*first, key]);
                place.insert(Keys::Many(both));
            }
        },
    }
}

fn forget(keys: &mut Map, subject: &SubjectHash, key: &RecordKey) {
    const SPARE: usize = 16;
    let is_last = match keys.get_mut(subject) {
        Some(Keys::Many(keys)) => {
            keys.remove(key);
            keys.is_empty()
        }
        Some(Keys::One(only)) => only == key,
        None => false,
    };
    if is_last {
        keys.remove(subject);
        if keys.capacity() / 4 > keys.len() + SPARE {
            keys.shrink_to(keys.len() * 2);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No panic leaves a map half-changed, so a poisoned lock is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
