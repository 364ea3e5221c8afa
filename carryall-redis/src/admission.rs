//! One more record for a subject, within its cap: a place is taken in the index before the record is written.
//!
//! The index is changed only if it is as it was read, so of two that race for a place one reads it again. Whoever has to
//! end others does so alone: as long as a commit may be under way that takes a place, the others wait.

use std::time::Duration;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Commit, Draft, Record, StoreError, StoreErrorKind, SubjectHash, Version, WhenFull,
};
use redis::Value;
use tokio::time::Instant;

use crate::index::{self, Entry, Worth};
use crate::pause::spread;
use crate::script::{OUST, SWAP};
use crate::store::{Attempt, RedisStore, corrupt, record};
use crate::subjects::{HOLD, Look, due};

/// How long one waits at first for another that has taken a place and not used it yet; the longer, the more often.
const TURN: Duration = Duration::from_millis(3);
const LONGEST_TURN: Duration = Duration::from_millis(100);

/// What an index leaves to do.
enum Verdict {
    /// There is a place once these, the oldest, are gone.
    Room(Vec<RecordKey>),
    Full,
    /// Somebody has taken a place and not used it yet.
    Wait,
}

/// A place in the index.
struct Place {
    own: Entry,
    /// The entry stands for more than this admission, so it stays whatever becomes of this.
    is_shared: bool,
}

impl RedisStore {
    pub(crate) async fn admit_to(
        &self,
        subject: &SubjectHash,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        self.check_size(&draft)?;
        let late = Instant::now() + self.patience();
        let mut turn = TURN;
        loop {
            let look = self.look(subject, now).await?;
            if let Some(refused) = refused(self.find(key).await?, expected, now) {
                return Ok(refused.into());
            }
            match verdict(&look, key, cap) {
                Verdict::Full => return Ok(Admission::Full),
                Verdict::Room(leaving) => {
                    if let Some(place) = self.take_place(&look, subject, key, expected, &draft).await? {
                        return self.move_in(place, leaving, expected, &draft, now).await;
                    }
                }
                Verdict::Wait if Instant::now() > late => {
                    return Err(StoreError::new(StoreErrorKind::TimedOut));
                }
                Verdict::Wait => {
                    tokio::time::sleep(spread(turn)).await;
                    turn = (2 * turn).min(LONGEST_TURN);
                }
            }
        }
    }

    /// Puts an entry into the index, if that is as it was read, and leaves out what is good for nothing.
    async fn take_place(
        &self,
        look: &Look,
        subject: &SubjectHash,
        key: &RecordKey,
        expected: Option<Version>,
        draft: &Draft,
    ) -> Result<Option<Place>, StoreError> {
        let mut is_shared = false;
        let mut own = Entry::of(key, expected, draft.header.latest);
        own.open = look.present + u64::try_from(HOLD.as_millis()).unwrap_or_default();
        let mut next = Vec::with_capacity(look.entries.len() + 1);
        for (entry, worth) in &look.entries {
            if entry.key == *key {
                own.kept = own.kept.max(entry.kept);
                own.open = own.open.max(entry.open + 1);
                own.expected = own.expected.max(entry.expected);
                is_shared |= *worth != Worth::Nothing || entry.open > look.present;
            } else if *worth != Worth::Nothing {
                next.push(*entry);
            }
        }
        next.push(own);
        let (bytes, last) = index::encode(&next);
        let index = self.index_key(subject);
        let mut call = SWAP.call(&index);
        call.arg(&look.bytes).arg(bytes).arg(last);
        match self.call(&index, &SWAP, &call).await? {
            Value::Int(answer) => Ok((answer == 1).then_some(Place { own, is_shared })),
            _ => Err(corrupt()),
        }
    }

    /// Ends those who have to leave and commits.
    async fn move_in(
        &self,
        place: Place,
        leaving: Vec<RecordKey>,
        expected: Option<Version>,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let Some(subject) = draft.header.subject else {
            return Err(corrupt());
        };
        let own = &place.own;
        let (outcome, is_free) = match self.oust_all(leaving, &subject, now).await {
            Ok(ended) => {
                let attempt = self.attempt(&own.key, expected, draft, now, Some(due(own.open))).await;
                settled(attempt, ended, &subject)
            }
            // Nothing was tried.
            Err(error) => (Err(error), true),
        };
        if is_free && !place.is_shared {
            self.drop_entries(&subject, &[own.encode()]).await;
        }
        outcome
    }

    async fn oust_all(
        &self,
        leaving: Vec<RecordKey>,
        subject: &SubjectHash,
        now: Timestamp,
    ) -> Result<Vec<(RecordKey, Record)>, StoreError> {
        let mut ended = Vec::with_capacity(leaving.len());
        for key in leaving {
            ended.extend(self.oust(&key, subject, now).await?.map(|record| (key, record)));
        }
        let gone: Vec<_> = ended.iter().map(|(key, _)| *key.as_bytes()).collect();
        self.drop_entries(subject, &gone).await;
        Ok(ended)
    }

    async fn oust(
        &self,
        key: &RecordKey,
        subject: &SubjectHash,
        now: Timestamp,
    ) -> Result<Option<Record>, StoreError> {
        let key = self.key(key);
        let mut call = OUST.call(&key);
        call.arg(&subject.0[..]).arg(now.as_millis());
        match self.call(&key, &OUST, &call).await? {
            Value::Nil => Ok(None),
            value => record(value).map(Some),
        }
    }
}

/// Why a commit would be refused.
fn refused(found: Option<Record>, expected: Option<Version>, now: Timestamp) -> Option<Commit> {
    match (found.filter(|record| now < record.header.expires), expected) {
        (Some(record), _) if Some(record.version) != expected => Some(Commit::Conflict(record)),
        (None, Some(_)) => Some(Commit::Gone),
        _ => None,
    }
}

/// What an attempt comes to, and whether it is certain that nothing came of it.
fn settled(
    attempt: Result<Attempt, StoreError>,
    ended: Vec<(RecordKey, Record)>,
    subject: &SubjectHash,
) -> (Result<Admission, StoreError>, bool) {
    match attempt {
        Ok(Attempt::Done(Commit::Committed(version))) => (Ok(Admission::Committed { version, ended }), false),
        // Somebody else's commit won, and may have made the record the subject's.
        Ok(Attempt::Done(Commit::Conflict(record))) => {
            let is_free = record.header.subject != Some(*subject);
            (Ok(Admission::Conflict(record)), is_free)
        }
        Ok(Attempt::Done(Commit::Gone)) => (Ok(Admission::Gone), true),
        Ok(Attempt::Untold) => (Err(corrupt()), true),
        Ok(Attempt::Refused(error)) => (Err(error), true),
        Err(error) => (Err(error), false),
    }
}

fn verdict(look: &Look, own: &RecordKey, cap: Cap) -> Verdict {
    let others = || look.entries.iter().filter(|(entry, _)| entry.key != *own);
    let open = others().filter(|(_, worth)| *worth == Worth::Open).count();
    let mut live: Vec<_> = others()
        .filter_map(|(entry, worth)| match worth {
            Worth::Live(head) => Some((head.header.created, entry.key)),
            _ => None,
        })
        .collect();
    let most = cap.most.get();
    if live.len() + open < most {
        return Verdict::Room(Vec::new());
    }
    if live.len() >= most && cap.when_full == WhenFull::Refuse {
        return Verdict::Full;
    }
    if open > 0 {
        return Verdict::Wait;
    }
    live.sort_unstable();
    live.truncate(live.len() + 1 - most);
    Verdict::Room(live.into_iter().map(|(_, key)| key).collect())
}
