//! The records of a subject, and admitting one more.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::MutexGuard;

use super::budget::Room;
use super::shard::{self, Attempt, Shard};
use super::{Inner, MemoryStore};
use crate::clock::Timestamp;
use crate::id::RecordKey;
use crate::store::{
    Admission, Cap, Draft, ListSubjects, Record, StoreError, StoreErrorKind, SubjectHash, Version, WhenFull,
};

impl ListSubjects for MemoryStore {
    async fn list(
        &self,
        subject: &SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        let mut found: Vec<_> = self.0.live_of(subject, now, Record::clone).collect();
        found.sort_unstable_by_key(|(key, record)| (record.header.created, *key));
        found.truncate(limit);
        Ok(found)
    }

    async fn count(&self, subject: &SubjectHash, now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.0.live_of(subject, now, |_| ()).count())
    }

    async fn admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let Some(subject) = draft.header.subject else {
            return self.0.commit(key, expected, draft, now).map(Admission::from);
        };
        self.0.admit(key, expected, draft, (subject, cap), now)
    }
}

/// How far an admission came.
enum Admitting {
    Done(Admission),
    NeedsRoom(Room),
}

impl Inner {
    /// What `look` makes of the subject's live records, each looked at under its own lock.
    fn live_of<T>(
        &self,
        subject: &SubjectHash,
        now: Timestamp,
        look: impl Fn(&Record) -> T,
    ) -> impl Iterator<Item = (RecordKey, T)> {
        self.index.of(subject).into_iter().filter_map(move |key| {
            let shard = self.slot(&key).lock();
            owned(&shard, &key, subject, now).map(|record| (key, look(record)))
        })
    }

    pub(super) fn admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        mut draft: Draft,
        (subject, cap): (SubjectHash, Cap),
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.check_size(&draft)?;
        let _turn = self.index.admit(&subject);
        let mut reserved = Room::NONE;
        loop {
            let attempt = self.try_admit(key, expected, &mut draft, (&subject, cap), now, &mut reserved);
            self.budget.give(std::mem::replace(&mut reserved, Room::NONE));
            match attempt {
                Admitting::Done(admission) => return Ok(admission),
                Admitting::NeedsRoom(needed) => {
                    if !self.make_room(needed, now, key) {
                        return Err(StoreError::new(StoreErrorKind::Full));
                    }
                    reserved = needed;
                }
            }
        }
    }

    /// One attempt under the locks of all shards that have to do with it, so that nobody sees half of it.
    fn try_admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: &mut Draft,
        (subject, cap): (&SubjectHash, Cap),
        now: Timestamp,
        reserved: &mut Room,
    ) -> Admitting {
        let mut others = self.index.of(subject);
        others.retain(|other| other != key);
        let mut shards = self.lock_all(others.iter().chain([key]));
        let leaving = leaving(&shards, &others, subject, cap, now);
        let own = shards.entry(Self::position(key)).or_insert_with(|| self.slot(key).lock());
        let is_current = own.live(key, now).map(|record| record.version) == expected;
        if is_current && !leaving.is_empty() && cap.when_full == WhenFull::Refuse {
            return Admitting::Done(Admission::Full);
        }
        let attempt = own.commit(key, expected, draft, now, |needed| {
            if *reserved == needed {
                *reserved = Room::NONE;
                return true;
            }
            self.budget.try_take(needed)
        });
        let (outcome, mut freed) = match attempt {
            Attempt::NeedsRoom(needed) => return Admitting::NeedsRoom(needed),
            Attempt::Done { outcome, freed } => (outcome, freed),
        };
        let mut admission = Admission::from(outcome);
        if let Admission::Committed { ended, .. } = &mut admission {
            for key in leaving {
                let taken = shards.get_mut(&Self::position(&key)).and_then(|shard| shard.take(&key));
                if let Some(record) = taken {
                    freed += shard::room_of(&record);
                    ended.push((key, record));
                }
            }
        }
        drop(shards);
        self.budget.give(freed);
        Admitting::Done(admission)
    }

    /// The locks of the shards of these keys. Always in the same order, and nobody takes another one who holds one.
    fn lock_all<'a>(
        &self,
        keys: impl Iterator<Item = &'a RecordKey>,
    ) -> BTreeMap<usize, MutexGuard<'_, Shard>> {
        let positions: BTreeSet<usize> = keys.map(Self::position).collect();
        positions.into_iter().map(|position| (position, self.shards[position].lock())).collect()
    }
}

/// Those of the subject's other records that have to go before there is a place, the oldest first.
fn leaving(
    shards: &BTreeMap<usize, MutexGuard<'_, Shard>>,
    others: &[RecordKey],
    subject: &SubjectHash,
    cap: Cap,
    now: Timestamp,
) -> Vec<RecordKey> {
    let created = |key: &RecordKey| {
        let shard = shards.get(&Inner::position(key))?;
        owned(shard, key, subject, now).map(|record| (record.header.created, *key))
    };
    let mut live: Vec<_> = others.iter().filter_map(created).collect();
    live.sort_unstable();
    live.truncate((live.len() + 1).saturating_sub(cap.most.get()));
    live.into_iter().map(|(_, key)| key).collect()
}

fn owned<'a>(shard: &'a Shard, key: &RecordKey, subject: &SubjectHash, now: Timestamp) -> Option<&'a Record> {
    shard.live(key, now).filter(|record| record.header.subject == Some(*subject))
}
