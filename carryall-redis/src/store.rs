//! The store: the laws, told in a command and three scripts.

use std::fmt;
use std::sync::Arc;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    AnyStore, Commit, Draft, Durability, Record, Store, StoreError, StoreErrorKind, Version,
};
use redis::Value;

use crate::connect::{self, ConnectError};
use crate::failure::store_error;
use crate::layout;
use crate::link::Link;
use crate::options::RedisOptions;
use crate::script::{COMMIT, REMOVE, Script, TOUCH};

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
    link: Link,
    prefix: String,
    max_record: usize,
}

impl RedisStore {
    /// Connects with the default options.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, &RedisOptions::default()).await
    }

    /// Connects with other options. URLs: `redis://user:password@host:port/database`, `rediss://..` with TLS (feature
    /// `tls`), `unix:/path/to/socket?db=0&user=..&pass=..`; `valkey` may stand for `redis`.
    ///
    /// # Errors
    /// [`ConnectError`], if the URL cannot be understood, the server does not let it in, is a replica, or evicts.
    pub async fn connect_with(url: &str, options: &RedisOptions) -> Result<Self, ConnectError> {
        let client = connect::client(url, options)?;
        let (link, server) = Link::open(client, options.patience).await.map_err(ConnectError::new)?;
        if server.evicts() && !options.may_evict {
            return Err(ConnectError::evicting(&server.policy));
        }
        let RedisOptions { prefix, max_record, .. } = options.clone();
        Ok(Self(Arc::new(Inner { link, prefix, max_record })))
    }

    fn key(&self, key: &RecordKey) -> Vec<u8> {
        [self.0.prefix.as_bytes(), key.as_bytes()].concat()
    }

    /// Whether the script, called for this record, answers yes.
    async fn is(&self, script: &Script, call: &redis::Cmd) -> Result<bool, StoreError> {
        match self.0.link.call(script, call).await.map_err(store_error)? {
            Value::Int(answer @ (0 | 1)) => Ok(answer == 1),
            _ => Err(StoreError::new(StoreErrorKind::Corrupt)),
        }
    }
}

impl Store for RedisStore {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let mut get = redis::cmd("GET");
        get.arg(self.key(key));
        match self.0.link.read(&get).await.map_err(store_error)? {
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
        let mut call = COMMIT.call(&self.key(key));
        call.arg(old.as_ref().map_or(&[][..], |version| version));
        call.arg(layout::encode(next, &draft)).arg(now.as_millis());
        call.arg(layout::sweep_at(draft.header.expires));
        match self.0.link.call(&COMMIT, &call).await.map_err(store_error)? {
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
        let mut call = TOUCH.call(&self.key(key));
        for instant in [seen, expires] {
            call.arg(&instant.as_millis().to_be_bytes()[..]);
        }
        call.arg(now.as_millis()).arg(layout::SLACK.as_millis().to_string());
        self.is(&TOUCH, &call).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let mut call = REMOVE.call(&self.key(key));
        call.arg(now.as_millis());
        self.is(&REMOVE, &call).await
    }

    /// What the server was like when it was last connected to; see the [crate's page](crate).
    fn durability(&self) -> Durability {
        self.0.link.durability()
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
        f.debug_struct("RedisStore").field("link", &self.0.link).finish_non_exhaustive()
    }
}
