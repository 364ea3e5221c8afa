//! The store: the laws, told in a command and three scripts.

use std::fmt;
use std::sync::Arc;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    AnyStore, Commit, Draft, Durability, Record, Store, StoreError, StoreErrorKind, Version,
};
use redis::Value;

use crate::address::Address;
use crate::connect::ConnectError;
use crate::failure::store_error;
use crate::layout;
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
        let RedisOptions { prefix, max_record, .. } = options.clone();
        Ok(Self(Arc::new(Inner { servers, prefix, max_record })))
    }

    fn key(&self, key: &RecordKey) -> Vec<u8> {
        [self.0.prefix.as_bytes(), key.as_bytes()].concat()
    }

    async fn put(&self, key: &[u8], question: Question<'_>) -> Result<Value, StoreError> {
        self.0.servers.put(key, question).await.map_err(store_error)
    }

    /// Whether the script, called for this record, answers yes.
    async fn is(&self, key: &[u8], script: &Script, call: &redis::Cmd) -> Result<bool, StoreError> {
        match self.put(key, Question::Call(script, call)).await? {
            Value::Int(answer @ (0 | 1)) => Ok(answer == 1),
            _ => Err(StoreError::new(StoreErrorKind::Corrupt)),
        }
    }
}

impl Store for RedisStore {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let (key, mut get) = (self.key(key), redis::cmd("GET"));
        get.arg(&key);
        match self.put(&key, Question::Read(&get)).await? {
            Value::Nil => Ok(None),
            value => Ok(Some(record(value)?).filter(|record| now < record.header.expires)),
        }
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        if draft.payload.len() > self.0.max_record {
            return Err(StoreError::new(StoreErrorKind::TooLarge));
        }
        let next = expected.map_or(Version::FIRST, Version::next);
        let old = expected.map(|version| version.0.to_be_bytes());
        let key = self.key(key);
        let mut call = COMMIT.call(&key);
        call.arg(old.as_ref().map_or(&[][..], |version| version));
        call.arg(layout::encode(next, &draft)).arg(now.as_millis());
        call.arg(layout::sweep_at(draft.header.expires));
        match self.put(&key, Question::Call(&COMMIT, &call)).await? {
            Value::Int(1) => Ok(Commit::Committed(next)),
            Value::Int(0) => Ok(Commit::Gone),
            value => record(value).map(Commit::Conflict),
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
        self.is(&key, &TOUCH, &call).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let key = self.key(key);
        let mut call = REMOVE.call(&key);
        call.arg(now.as_millis());
        self.is(&key, &REMOVE, &call).await
    }

    /// What the server was like when it was last connected to; see the [crate's page](crate).
    fn durability(&self) -> Durability {
        self.0.servers.durability()
    }
}

fn record(value: Value) -> Result<Record, StoreError> {
    let Value::BulkString(bytes) = value else { return Err(StoreError::new(StoreErrorKind::Corrupt)) };
    layout::decode(bytes).ok_or_else(|| StoreError::new(StoreErrorKind::Corrupt))
}

impl From<RedisStore> for AnyStore {
    fn from(store: RedisStore) -> Self {
        Self::of(store).into()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("durability", &self.durability()).finish_non_exhaustive()
    }
}
