//! Which record of a shard expires next, without looking at all of them.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::RecordKey;
use crate::store::Header;

/// How far a deadline may move on before its place in the queue is moved as well.
///
/// Most commits move it by less, and then the queue is not touched. Queued instants are never later than the
/// deadline, so nothing expired is overlooked.
const SLACK: Duration = Duration::from_secs(1);

/// The records of one shard by deadline, anonymous ones apart, for they may be evicted.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    anonymous: Queue,
    owned: Queue,
}

impl Expiry {
    /// Queues a record; answers under which instant, which has to be kept with the record.
    pub(super) fn insert(&mut self, key: RecordKey, header: &Header) -> Timestamp {
        self.queue(header).insert(header.expires, key);
        header.expires
    }

    /// Forgets a record that was queued under `queued`.
    pub(super) fn remove(&mut self, key: &RecordKey, header: &Header, queued: Timestamp) {
        self.queue(header).remove(queued, key);
    }

    /// A record's header changes from `old` to `new`. Answers under which instant it is queued now.
    pub(super) fn change(
        &mut self,
        key: &RecordKey,
        old: &Header,
        queued: Timestamp,
        new: &Header,
    ) -> Timestamp {
        let same_queue = old.subject.is_none() == new.subject.is_none();
        if same_queue && queued <= new.expires && new.expires < queued.plus(SLACK) {
            return queued;
        }
        self.remove(key, old, queued);
        self.insert(*key, new)
    }

    /// A record that may be expired now: its deadline or an instant shortly before it has come.
    pub(super) fn due(&self, now: Timestamp) -> Option<RecordKey> {
        self.anonymous.due(now).or_else(|| self.owned.due(now))
    }

    /// The anonymous record that expires first, to within [`SLACK`], other than `sparing`.
    pub(super) fn first_anonymous(&self, sparing: &RecordKey) -> Option<(Timestamp, RecordKey)> {
        self.anonymous.set.iter().find(|(_, key)| key != sparing).copied()
    }

    fn queue(&mut self, header: &Header) -> &mut Queue {
        if header.subject.is_none() { &mut self.anonymous } else { &mut self.owned }
    }
}

#[derive(Debug, Default)]
struct Queue {
    set: BTreeSet<(Timestamp, RecordKey)>,
    /// The first instant of the set, kept here because every commit asks for it.
    first: Option<Timestamp>,
}

impl Queue {
    fn insert(&mut self, at: Timestamp, key: RecordKey) {
        self.set.insert((at, key));
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
    }

    fn remove(&mut self, at: Timestamp, key: &RecordKey) {
        self.set.remove(&(at, *key));
        if self.first == Some(at) {
            self.first = self.set.first().map(|(at, _)| *at);
        }
    }

    fn due(&self, now: Timestamp) -> Option<RecordKey> {
        self.first.filter(|first| *first <= now).and_then(|_| self.set.first()).map(|(_, key)| *key)
    }
}
