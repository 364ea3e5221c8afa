//! The store: the laws, told in a command and scripts.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    AnyStore, Commit, Draft, Durability, Record, Store, StoreError, StoreErrorKind, SubjectHash, Version,
};
use redis::{Cmd, Value, from_redis_value};

use crate::address::Address;
use crate::connect::ConnectError;
use crate::failure::{is_refusal, store_error};
use crate::hints::Hints;
use crate::index::Entry;
use crate::layout::{self, Head};
use crate::options::RedisOptions;
use crate::question::Question;
use crate::script::{COMMIT, REMOVE, Script, TOUCH};
use crate::servers::Servers;

/// Sessions in Redis or Valkey; cheap to clone. See the [crate's page](crate).
///
/// # Errors
/// - [`StoreErrorKind::TooLarge`]: the payload exceeds `max_record`.
/// - [`StoreErrorKind::Full`]: the server has used up its `maxmemory`.
/// - [`StoreErrorKind::TimedOut`]: no answer within the options' patience.
/// - [`StoreErrorKind::Corrupt`]: the key holds what is no record.
/// - [`StoreErrorKind::Unavailable`]: whatever else; the source has it. A server that has become a replica is among it.
#[derive(Clone)]
pub struct RedisStore(Arc<Inner>);

struct Inner {
    servers: Servers,
    prefix: String,
    max_record: usize,
    patience: Duration,
    may_evict: bool,
    hints: Hints,
}

impl RedisStore {
    /// Connects with the default options.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, &RedisOptions::default()).await
    }

    /// Connects with other options. What is behind a URL is found out and compared with it. `valkey` may stand for
    /// `redis` and `valkeys` for `rediss`, which is the same over TLS (feature `tls`).
    ///
    /// | URL | names |
    /// | --- | --- |
    /// | `redis://user:password@host:port/database` | a server |
    /// | `unix:/path/to/socket?db=0&user=..&pass=..` | a server on this machine |
    /// | `redis+sentinel://user:password@host:port,host:port/name/database` | the master of this name, by its sentinels |
    /// | `redis+cluster://user:password@host:port,host:port` | a cluster, by some of its nodes |
    ///
    /// Left out, the port is 6379, that of sentinels 26379, the database 0. User and password are those of the servers,
    /// all of which have the same, percent-encoded; sentinels have their own, see
    /// [`sentinel_password`](RedisOptions::sentinel_password). With several hosts there can be no `?` and no `#`; a
    /// cluster has one database, so nothing follows its hosts; names of masters are of letters, digits, `.`, `_` and
    /// `-`.
    ///
    /// # Errors
    /// [`ConnectError`], if the URL cannot be understood, nobody can be reached, the server does not let it in, is a
    /// replica, evicts, or is not what the URL names. Of a cluster's masters some may be unreachable, but not all.
    pub async fn connect_with(url: &str, options: &RedisOptions) -> Result<Self, ConnectError> {
        let servers = Servers::open(Address::of(url, options)?, options).await.map_err(ConnectError::new)?;
        let RedisOptions { prefix, max_record, patience, may_evict, .. } = options.clone();
        let hints = Hints::default();
        Ok(Self(Arc::new(Inner { servers, prefix, max_record, patience, may_evict, hints })))
    }

    pub(crate) fn is_cluster(&self) -> bool {
        self.0.servers.is_cluster()
    }

    pub(crate) fn key(&self, key: &RecordKey) -> Vec<u8> {
        [self.0.prefix.as_bytes(), key.as_bytes()].concat()
    }

    pub(crate) fn index_key(&self, subject: &SubjectHash) -> Vec<u8> {
        [self.0.prefix.as_bytes(), b"@", &subject.0].concat()
    }

    /// How long the servers are waited for.
    pub(crate) fn patience(&self) -> Duration {
        self.0.patience
    }

    async fn put(&self, key: &[u8], question: Question<'_>) -> Result<Value, StoreError> {
        self.0.servers.put(key, question).await.map_err(store_error)
    }

    /// Calls a script for the key of a record or an index.
    pub(crate) async fn call(&self, key: &[u8], script: &Script, call: &Cmd) -> Result<Value, StoreError> {
        self.put(key, Question::Call(script, call)).await
    }

    /// The record, live or not.
    pub(crate) async fn find(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        let (name, mut get) = (self.key(key), redis::cmd("GET"));
        get.arg(&name);
        let value = self.put(&name, Question::Read(&get)).await?;
        self.found(key, value)
    }

    /// The record, if it is live.
    pub(crate) async fn find_live(
        &self,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Option<Record>, StoreError> {
        Ok(self.find(key).await?.filter(|record| now < record.header.expires))
    }

    fn found(&self, key: &RecordKey, value: Value) -> Result<Option<Record>, StoreError> {
        if value == Value::Nil {
            return Ok(None);
        }
        let record = record(value)?;
        self.0.hints.note(key, record.header.subject.is_none());
        Ok(Some(record))
    }

    /// The record, live or not, watched from now on if that can be.
    async fn find_and_watch(&self, key: &RecordKey) -> Result<Option<Record>, StoreError> {
        if let Some((link, watches)) = self.0.servers.watches()
            && let Some((answer, watching)) = watches.get(&self.key(key), link).await
        {
            match answer {
                Ok(value) => {
                    let found = self.found(key, value)?;
                    if let Some(record) = &found {
                        watching.note(key, record);
                    }
                    return Ok(found);
                }
                Err(error) if error.is_timeout() => return Err(store_error(error)),
                // The other connection may do better.
                Err(_) => {}
            }
        }
        self.find(key).await
    }

    /// Writes what is watched. `false` if the script has to find out what has become of it.
    async fn swap(
        &self,
        key: &RecordKey,
        expected: Version,
        draft: &Draft,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let Some((_, watches)) = self.0.servers.watches() else { return Ok(false) };
        match watches.set(key, &self.key(key), expected, draft, now).await {
            Some(Ok(is_written)) => Ok(is_written),
            Some(Err(error)) => Err(store_error(error)),
            None => Ok(false),
        }
    }

    /// The head of the record, live or not.
    pub(crate) async fn find_head(&self, key: &RecordKey) -> Result<Option<Head>, StoreError> {
        let (name, mut get) = (self.key(key), redis::cmd("GETRANGE"));
        get.arg(&name).arg(0).arg(layout::LONGEST_HEAD - 1);
        match self.put(&name, Question::Read(&get)).await? {
            Value::BulkString(bytes) if bytes.is_empty() => Ok(None),
            Value::BulkString(bytes) => layout::decode_head(&bytes).map(Some).ok_or_else(corrupt),
            _ => Err(corrupt()),
        }
    }

    pub(crate) fn check_size(&self, draft: &Draft) -> Result<(), StoreError> {
        let fits = draft.payload.len() <= self.0.max_record;
        if fits { Ok(()) } else { Err(StoreError::new(StoreErrorKind::TooLarge)) }
    }

    /// One attempt to commit, after the index was told if it lies elsewhere.
    pub(crate) async fn attempt(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: &Draft,
        now: Timestamp,
        told: Option<u64>,
    ) -> Result<Attempt, StoreError> {
        let next = expected.map_or(Version::FIRST, Version::next);
        let old = expected.map(|version| version.0.to_be_bytes());
        let index = draft.header.subject.as_ref().map(|subject| self.index_key(subject));
        // In a cluster the index is in another slot.
        let index = index.filter(|_| told.is_none() && !self.0.servers.is_cluster());
        let record_key = self.key(key);
        let keys: Vec<_> = [&record_key].into_iter().chain(&index).map(Vec::as_slice).collect();
        let mut call = COMMIT.call_for(&keys);
        call.arg(old.as_ref().map_or(&[][..], |version| version));
        call.arg(layout::encode(next, draft)).arg(now.as_millis());
        call.arg(layout::sweep_at(draft.header.expires));
        call.arg(&Entry::of(key, expected, draft.header.latest).encode()[..]);
        call.arg(told.map(|until| until.to_string()).unwrap_or_default());
        let answer = match self.0.servers.put(&record_key, Question::Call(&COMMIT, &call)).await {
            Ok(answer) => answer,
            Err(error) if is_refusal(&error) => return Ok(Attempt::Refused(store_error(error))),
            Err(error) => return Err(store_error(error)),
        };
        match answer {
            Value::Int(0) => Ok(Attempt::Done(Commit::Gone)),
            Value::Int(1) => Ok(Attempt::Done(Commit::Committed(next))),
            Value::Int(2) => Ok(Attempt::Untold),
            Value::Int(3) => Ok(Attempt::Refused(StoreError::new(StoreErrorKind::TimedOut))),
            value => record(value).map(|record| Attempt::Done(Commit::Conflict(record))),
        }
    }
}

/// What became of an attempt to commit.
pub(crate) enum Attempt {
    Done(Commit),
    /// The record would become a subject's whose index has not been told.
    Untold,
    /// The server has not written anything. Of other errors that is not certain.
    Refused(StoreError),
}

impl Store for RedisStore {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        Ok(self.find_and_watch(key).await?.filter(|record| now < record.header.expires))
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.check_size(&draft)?;
        if let Some(expected) = expected
            && self.swap(key, expected, &draft, now).await?
        {
            return Ok(Commit::Committed(expected.next()));
        }
        // A record that exists mostly stays whose it is, unless it was nobody's when it was loaded.
        let mut told = match draft.header.subject {
            Some(_) if expected.is_none() || self.0.hints.was_nobodys(key) => {
                self.announce(key, expected, &draft, now).await?
            }
            _ => None,
        };
        loop {
            match self.attempt(key, expected, &draft, now, told).await? {
                Attempt::Done(outcome) => return Ok(outcome),
                Attempt::Refused(error) => return Err(error),
                Attempt::Untold => told = self.announce(key, expected, &draft, now).await?,
            }
        }
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let key = self.key(key);
        let mut call = TOUCH.call(&key);
        for instant in [seen, expires] {
            call.arg(&instant.as_millis().to_be_bytes()[..]);
        }
        call.arg(now.as_millis()).arg(layout::SLACK.as_millis().to_string());
        match self.call(&key, &TOUCH, &call).await? {
            Value::Int(answer @ (0 | 1)) => Ok(answer == 1),
            _ => Err(corrupt()),
        }
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let record_key = self.key(key);
        let mut call = REMOVE.call(&record_key);
        call.arg(now.as_millis());
        if !self.is_cluster() {
            call.arg([self.0.prefix.as_bytes(), b"@"].concat());
        }
        let answer = self.call(&record_key, &REMOVE, &call).await?;
        let (is_live, owner): (bool, Vec<u8>) = from_redis_value(answer).map_err(|_| corrupt())?;
        if let Ok(owner) = owner.try_into() {
            self.forget(&SubjectHash(owner), key).await;
        }
        Ok(is_live)
    }

    /// What the server was like when it was last connected to; see the [crate's page](crate).
    fn durability(&self) -> Durability {
        self.0.servers.durability()
    }
}

pub(crate) fn corrupt() -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt)
}

pub(crate) fn record(value: Value) -> Result<Record, StoreError> {
    let Value::BulkString(bytes) = value else { return Err(corrupt()) };
    layout::decode(bytes).ok_or_else(corrupt)
}

/// A server that may evict loses an index and keeps its sessions: whoever relied on the list would miss some.
impl From<RedisStore> for AnyStore {
    fn from(store: RedisStore) -> Self {
        let may_evict = store.0.may_evict;
        let store = Self::of(store);
        if may_evict { store.into() } else { store.lists_subjects().into() }
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("durability", &self.durability()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use carryall::store::Header;

    use super::*;

    #[tokio::test]
    async fn a_commit_whose_place_is_free_again_comes_too_late() {
        let server = carryall_testbed::server::Server::redis();
        let store = RedisStore::connect(&server.url("0")).await.expect("a store");
        let (key, now) = (RecordKey::from_bytes([7; 16]), Timestamp::from_secs(2_000_000_000));
        let expires = now.plus(Duration::from_mins(1));
        let subject = Some(SubjectHash([7; 16]));
        let header = Header { created: now, seen: now, expires, latest: expires, subject };
        let draft = Draft { header, payload: bytes::Bytes::new() };
        let late = store.attempt(&key, None, &draft, now, Some(1)).await.expect("an answer");
        assert!(matches!(late, Attempt::Refused(error) if error.kind() == StoreErrorKind::TimedOut));
        assert_eq!(store.load(&key, now).await.expect("an answer"), None);
    }
}
