//! The records of a subject: the index, and what is behind its entries.

use std::time::Duration;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Draft, ListSubjects, Record, Store as _, StoreError, SubjectHash, Version,
};
use redis::from_redis_value;
use tokio::task::JoinSet;

use crate::index::{self, Entry, Worth};
use crate::layout::Head;
use crate::script::{ANNOUNCE, DROP, LOOK};
use crate::store::{RedisStore, corrupt};

/// How long a commit may be under way once the index was told. Clocks of two servers may differ by the second half: who
/// reads the index waits for all of it, the record's server refuses after the first.
pub(crate) const HOLD: Duration = Duration::from_secs(20);

/// An index with so many entries may hold some that are good for nothing.
const MANY: usize = 16;

/// So many records are asked for at once.
const AT_ONCE: usize = 64;

/// An index as it was, and what its entries are worth.
pub(crate) struct Look {
    /// The present of the index's server, before the records were looked at.
    pub(crate) present: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) entries: Vec<(Entry, Worth)>,
}

impl Look {
    /// The live records, the oldest first.
    pub(crate) fn into_live(self) -> Vec<(RecordKey, Head)> {
        let live = self.entries.into_iter().filter_map(|(entry, worth)| match worth {
            Worth::Live(head) => Some((entry.key, head)),
            _ => None,
        });
        let mut live: Vec<_> = live.collect();
        live.sort_unstable_by_key(|(key, head)| (head.header.created, *key));
        live
    }
}

impl RedisStore {
    /// Tells the index of the draft's subject, if it lies elsewhere than the record. Answers until when the commit has
    /// to be done.
    pub(crate) async fn announce(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let Some(subject) = draft.header.subject.filter(|_| self.is_cluster()) else { return Ok(None) };
        let index = self.index_key(&subject);
        let mut call = ANNOUNCE.call(&index);
        call.arg(&Entry::of(key, expected, draft.header.latest).encode()[..]);
        call.arg(HOLD.as_millis().to_string());
        let answer = self.call(&index, &ANNOUNCE, &call).await?;
        let (open, count): (u64, usize) = from_redis_value(answer).map_err(|_| corrupt())?;
        // What expired by itself is found by looking, now and then.
        if count >= MANY && count.is_power_of_two() {
            // Nobody signs in less well because that fails.
            let _ = self.live(&subject, now).await;
        }
        Ok(Some(due(open)))
    }

    /// Takes a record that was removed out of an index that lies elsewhere. If that fails, it is left to who looks at the
    /// index next.
    pub(crate) async fn forget(&self, subject: &SubjectHash, key: &RecordKey) {
        if self.is_cluster() {
            self.drop_entries(subject, &[key.as_bytes()]).await;
        }
    }

    /// Entries or keys that are good for nothing any more. A failure is as good as not having tried.
    pub(crate) async fn drop_entries(&self, subject: &SubjectHash, unwanted: &[impl AsRef<[u8]>]) {
        if !unwanted.is_empty() {
            let index = self.index_key(subject);
            let mut call = DROP.call(&index);
            for entry in unwanted {
                call.arg(entry.as_ref());
            }
            let _ = self.call(&index, &DROP, &call).await;
        }
    }

    /// Reads an index and the heads of the records behind it.
    pub(crate) async fn look(&self, subject: &SubjectHash, now: Timestamp) -> Result<Look, StoreError> {
        let index = self.index_key(subject);
        let answer = self.call(&index, &LOOK, &LOOK.call(&index)).await?;
        let (present, bytes): (u64, Vec<u8>) = from_redis_value(answer).map_err(|_| corrupt())?;
        let mut entries = Vec::new();
        let (open, settled): (Vec<_>, Vec<_>) = index::decode(&bytes)
            .ok_or_else(corrupt)?
            .into_iter()
            .enumerate()
            .partition(|(_, entry)| entry.open > present);
        // The latest first and one by one: whoever was let in in place of another is not found beside it.
        for (place, entry) in open.into_iter().rev() {
            entries.push((place, entry, self.find_head(&entry.key).await?));
        }
        for some in settled.chunks(AT_ONCE) {
            let found = each(some.iter().copied(), |(place, entry)| {
                let store = self.clone();
                async move { Ok((place, entry, store.find_head(&entry.key).await?)) }
            });
            entries.extend(found.await?);
        }
        entries.sort_unstable_by_key(|(place, ..)| *place);
        let judge = |(_, entry, found): (usize, Entry, _)| (entry, entry.judge(found, subject, now, present));
        Ok(Look { present, bytes, entries: entries.into_iter().map(judge).collect() })
    }

    /// The subject's live records. Whatever else was in the index and good for nothing is in it no more.
    async fn live(
        &self,
        subject: &SubjectHash,
        now: Timestamp,
    ) -> Result<Vec<(RecordKey, Head)>, StoreError> {
        let look = self.look(subject, now).await?;
        let stale = look.entries.iter().filter(|(_, worth)| *worth == Worth::Nothing);
        let stale: Vec<_> = stale.map(|(entry, _)| entry.encode()).collect();
        self.drop_entries(subject, &stale).await;
        Ok(look.into_live())
    }
}

/// Asks about several records at once; the answers come in any order.
async fn each<T, F, A>(about: impl IntoIterator<Item = T>, ask: impl Fn(T) -> F) -> Result<Vec<A>, StoreError>
where
    F: Future<Output = Result<A, StoreError>> + Send + 'static,
    A: Send + 'static,
{
    let mut asking = JoinSet::new();
    for one in about {
        asking.spawn(ask(one));
    }
    asking.join_all().await.into_iter().collect()
}

/// Until when a commit may be done that holds a place until then.
pub(crate) fn due(open: u64) -> u64 {
    open.saturating_sub(u64::try_from(HOLD.as_millis() / 2).unwrap_or_default())
}

impl ListSubjects for RedisStore {
    async fn list(
        &self,
        subject: &SubjectHash,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        let mut keys = self.live(subject, now).await?.into_iter().map(|(key, _)| key);
        let mut listed = Vec::new();
        while listed.len() < limit {
            let some: Vec<_> = keys.by_ref().take((limit - listed.len()).min(AT_ONCE)).collect();
            if some.is_empty() {
                break;
            }
            let found = each(some, |key| {
                let store = self.clone();
                async move { Ok((key, store.find_live(&key, now).await?)) }
            });
            // Some may have been removed since, and then others follow.
            let found = found.await?.into_iter().filter_map(|(key, record)| Some((key, record?)));
            listed.extend(found.filter(|(_, record)| record.header.subject == Some(*subject)));
        }
        listed.sort_unstable_by_key(|(key, record): &(_, Record)| (record.header.created, *key));
        Ok(listed)
    }

    async fn count(&self, subject: &SubjectHash, now: Timestamp) -> Result<usize, StoreError> {
        Ok(self.live(subject, now).await?.len())
    }

    async fn admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        match draft.header.subject {
            None => self.commit(key, expected, draft, now).await.map(Admission::from),
            Some(subject) => self.admit_to(&subject, key, expected, draft, cap, now).await,
        }
    }
}
