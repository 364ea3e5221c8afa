//! One more record for a subject, within its cap.
//!
//! One admission of a subject at a time. The folders of all records that may be removed are locked as well, always in
//! the same order, and by nobody else more than one. Where a lowered cap makes many go, most of them go afterwards.

use std::collections::BTreeMap;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Admission, Cap, Draft, Record, StoreError, SubjectHash, Version, WhenFull};
use rustix::fs::OFlags;

use crate::change::{Change, forget};
use crate::disk::Disk;
use crate::entry::Entry;
use crate::index::Index;
use crate::shard::Shard;

/// Locked folders by their number.
type Locked = BTreeMap<u8, Shard>;

/// A record that has to make room.
struct Leaving {
    shard: Shard,
    record: Record,
}

/// So many go in exchange for the new record, under the locks of all their folders. Only a cap that was lowered makes
/// more of them go.
const AT_ONCE: usize = 16;

impl Disk {
    pub(crate) fn admit(
        &self,
        commit: (&RecordKey, Option<Version>, &Draft),
        (subject, cap): (&SubjectHash, Cap),
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.check_size(commit.2)?;
        let index = Index::locked(&self.root, subject)?;
        let (mut others, most) = (Vec::new(), cap.most.get());
        let ends = cap.when_full == WhenFull::EndOldest;
        self.visit(&index, now, |entry, _| {
            others.extend(Some(entry.key).filter(|other| other != commit.0));
            Ok(true)
        })?;
        // Nobody is admitted meanwhile, so that there will be no fewer places than now.
        if others.len() < most {
            others.clear();
        }
        let beyond = others.len().saturating_sub((most - 1).saturating_add(AT_ONCE));
        let beyond: Vec<_> = others.drain(..if ends { beyond } else { 0 }).collect();
        let mut admission = self.admit_among(&others, commit, (subject, cap), now)?;
        if let Admission::Committed { ended, .. } = &mut admission {
            self.end(&beyond, subject, now, ended)?;
        }
        Ok(admission)
    }

    /// Admits to the place of one of these others, or of some, or to one that is free.
    fn admit_among(
        &self,
        others: &[RecordKey],
        (key, expected, draft): (&RecordKey, Option<Version>, &Draft),
        (subject, cap): (&SubjectHash, Cap),
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let ends = cap.when_full == WhenFull::EndOldest;
        let shards = self.lock_all(others.iter().filter(|_| ends).chain([key]))?;
        let own = in_its_folder(&shards, key);
        let change = match Change::of(&self.root, own, expected, draft, (now, self.max_record))? {
            Ok(change) => change,
            Err(outcome) => return Ok(outcome.into()),
        };
        let leaving = self.leaving(others, subject, cap, now)?;
        if !leaving.is_empty() && !ends {
            return Ok(Admission::Full);
        }
        let leaving = self.read(leaving.iter().map(|key| in_its_folder(&shards, key)))?;
        change.write()?;
        exchange(&change, &leaving)?;
        for Leaving { shard, record } in &leaving {
            shard.discard();
            forget(&self.root, subject, &Entry::of(&record.header, &shard.key));
        }
        let version = change.settle()?;
        let ended = leaving.into_iter().map(|Leaving { shard, record }| (shard.key, record)).collect();
        Ok(Admission::Committed { version, ended })
    }

    /// Ends these, who were too many before somebody was admitted, one folder at a time.
    fn end(
        &self,
        others: &[RecordKey],
        subject: &SubjectHash,
        now: Timestamp,
        ended: &mut Vec<(RecordKey, Record)>,
    ) -> Result<(), StoreError> {
        let mut keys = others.to_vec();
        keys.sort_unstable();
        for keys in keys.chunk_by(|one, other| number(one) == number(other)) {
            let folder = Shard::locked(&self.root, &keys[0])?;
            let before = ended.len();
            for key in keys {
                let Some(found) = self.follow(key, subject)?.live(now) else { continue };
                let record = found.read_or_empty(self.max_record)?;
                folder.of(key).remove()?;
                ended.push((*key, record));
            }
            folder.sync()?;
            for (key, record) in &ended[before..] {
                forget(&self.root, subject, &Entry::of(&record.header, key));
            }
        }
        ended.sort_unstable_by_key(|(key, record)| (record.header.created, *key));
        Ok(())
    }

    fn lock_all<'a>(&self, keys: impl Iterator<Item = &'a RecordKey>) -> Result<Locked, StoreError> {
        let folders: BTreeMap<u8, &RecordKey> = keys.map(|key| (number(key), key)).collect();
        let locked = |(number, key)| Shard::locked(&self.root, key).map(|shard| (number, shard));
        folders.into_iter().map(locked).collect()
    }

    /// Those of the others that have to go, the oldest first. Who went meanwhile has left a place.
    fn leaving(
        &self,
        others: &[RecordKey],
        subject: &SubjectHash,
        cap: Cap,
        now: Timestamp,
    ) -> Result<Vec<RecordKey>, StoreError> {
        let mut live = Vec::new();
        for key in others {
            live.extend(self.follow(key, subject)?.live(now).map(|_| *key));
        }
        live.truncate((live.len() + 1).saturating_sub(cap.most.get()));
        Ok(live)
    }

    fn read(&self, shards: impl Iterator<Item = Shard>) -> Result<Vec<Leaving>, StoreError> {
        let mut leaving = Vec::new();
        for shard in shards {
            let record = shard.find(OFlags::RDONLY)?.map(|found| found.read_or_empty(self.max_record));
            leaving.extend(record.transpose()?.map(|record| Leaving { shard, record }));
        }
        Ok(leaving)
    }
}

fn number(key: &RecordKey) -> u8 {
    key.as_bytes()[0]
}

/// The record, under the lock of its folder.
fn in_its_folder(shards: &Locked, key: &RecordKey) -> Shard {
    shards[&number(key)].of(key)
}

/// Takes those away who leave, then puts the new record in its place. If any of it fails they are all back, and nobody
/// has noticed who has the lock of a record. The disk knows that they went before it knows who came.
fn exchange(change: &Change<'_>, leaving: &[Leaving]) -> Result<(), StoreError> {
    let mut away = Vec::new();
    let gone = leaving.first().map_or(Ok(()), |_| change.rehearse()).and_then(|()| {
        leaving.iter().try_for_each(|Leaving { shard, .. }| {
            shard.set_aside()?;
            away.push(shard);
            Ok(())
        })
    });
    let gone = gone.and_then(|()| sync_each(&away));
    let exchanged = gone.inspect_err(|_| change.abandon()).and_then(|()| change.place());
    let Err(error) = exchanged else { return Ok(()) };
    // All of them, whatever becomes of one. That one could not be had back is worse than what came before.
    let back = away.iter().map(|shard| shard.place()).fold(Ok(()), Result::and);
    back.and(sync_each(&away)).and(Err(error))
}

/// Waits for the disk once for each folder.
fn sync_each(shards: &[&Shard]) -> Result<(), StoreError> {
    let folders: BTreeMap<u8, &Shard> = shards.iter().map(|shard| (number(&shard.key), *shard)).collect();
    folders.into_values().try_for_each(Shard::sync)
}
