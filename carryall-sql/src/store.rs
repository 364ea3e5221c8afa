//! The store: the laws, told in the verbs of a dialect.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    AnyStore, Commit, Draft, Durability, Record, Store, StoreError, StoreErrorKind, Sweep, Version,
};
use sqlx::Error;

use crate::connect::ConnectError;
use crate::dialect::{Dialect, Pools};
use crate::failure::store_error;
use crate::lease::{Connections, Lease};
use crate::options::SqlOptions;
use crate::row::{Columns, millis, number};

/// Sessions in a SQL database; cheap to clone. Named by its database: [`SqliteStore`](crate::SqliteStore),
/// [`PostgresStore`](crate::PostgresStore), [`MySqlStore`](crate::MySqlStore). See the [crate's page](crate).
///
/// # Errors
/// - [`StoreErrorKind::TooLarge`]: the payload exceeds `max_record`, or what the server takes.
/// - [`StoreErrorKind::Full`]: the server has no room left.
/// - [`StoreErrorKind::TimedOut`]: no connection was free in time, or, with SQLite, another process writes.
/// - [`StoreErrorKind::Corrupt`]: the row holds what no record does.
/// - [`StoreErrorKind::Unavailable`]: whatever else; the source has it. A missing table is among it:
///   [`migrate`](Self::migrate).
pub struct SqlStore<D: Dialect>(Arc<Inner<D>>);

struct Inner<D: Dialect> {
    pools: Pools<D::Db>,
    max_record: usize,
    patience: Duration,
}

impl<D: Dialect> SqlStore<D> {
    /// The statements that [`migrate`](Self::migrate) runs.
    pub const SCHEMA: &'static str = D::SCHEMA;

    /// Connects with the default options.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::connect_with(url, &SqlOptions::default()).await
    }

    /// Connects with other options.
    ///
    /// # Errors
    /// [`ConnectError`], if the URL cannot be understood or the database does not let it in.
    pub async fn connect_with(url: &str, options: &SqlOptions) -> Result<Self, ConnectError> {
        let pools = D::connect(url, options).await?;
        Ok(Self(Arc::new(Inner { pools, max_record: options.max_record, patience: options.patience })))
    }

    /// Makes the table and its indices where they are missing. May be called at every start, by every node.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.write(|mut lease| async move {
            let result = D::migrate(lease.connection()).await;
            lease.end(result)
        })
        .await
    }

    /// Closes all connections. Calls after that fail.
    pub async fn close(&self) {
        self.0.pools.write.close().await;
        self.0.pools.read.close().await;
    }

    /// Reads; once more if the connection broke, because then the server may long be back, and reading twice is
    /// reading once.
    pub(crate) async fn read<T, F>(
        &self,
        work: impl Fn(Lease<D::Db>) -> F + Send + Sync,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        match Self::run(&self.0.pools.read, &work).await {
            Err(error) if error.kind() == StoreErrorKind::Unavailable => {
                Self::run(&self.0.pools.read, &work).await
            }
            result => result,
        }
    }

    pub(crate) fn check_size(&self, draft: &Draft) -> Result<(), StoreError> {
        if draft.payload.len() > self.0.max_record {
            return Err(StoreError::new(StoreErrorKind::TooLarge));
        }
        Ok(())
    }

    pub(crate) fn patience(&self) -> Duration {
        self.0.patience
    }

    async fn replace(
        &self,
        id: &[u8],
        expected: Option<Version>,
        columns: &Columns,
        now: i64,
    ) -> Result<bool, StoreError> {
        self.write(|mut lease| async move {
            let connection = lease.connection();
            let result = match expected.map(number) {
                None => D::create(connection, id, columns, now).await,
                Some(version) => D::replace(connection, id, version, columns, now).await,
            };
            lease.end(result)
        })
        .await
    }

    pub(crate) async fn write<T, F>(&self, work: impl Fn(Lease<D::Db>) -> F + Send) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        Self::run(&self.0.pools.write, work).await
    }

    /// Does it, anew if the database sacrificed it to another transaction: nothing has happened then.
    async fn run<T, F>(
        connections: &Connections<D::Db>,
        work: impl Fn(Lease<D::Db>) -> F + Send,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        const ATTEMPTS: usize = 20;
        let mut attempts = 0;
        loop {
            attempts += 1;
            let lease = connections.lease().await.map_err(store_error::<D>)?;
            match work(lease).await {
                Err(Error::Database(refusal)) if attempts < ATTEMPTS && D::is_sacrificed(&*refusal) => {}
                result => return result.map_err(store_error::<D>),
            }
        }
    }
}

impl<D: Dialect> Store for SqlStore<D> {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let (id, now) = (key.as_bytes(), millis(now));
        self.read(|mut lease| async move {
            let result = D::load(lease.connection(), id, now).await;
            lease.end(result)
        })
        .await
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.check_size(&draft)?;
        let columns = Columns::of(&draft);
        loop {
            if self.replace(key.as_bytes(), expected, &columns, millis(now)).await? {
                return Ok(Commit::Committed(expected.map_or(Version::FIRST, Version::next)));
            }
            if let Some(refused) = self.refused(key, expected, now).await? {
                return Ok(refused);
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
        let (seen, expires, now) = (millis(seen), millis(expires), millis(now));
        self.write(|mut lease| async move {
            let result = D::touch(lease.connection(), key.as_bytes(), seen, expires, now).await;
            lease.end(result)
        })
        .await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let now = millis(now);
        self.write(|mut lease| async move {
            let result = D::remove(lease.connection(), key.as_bytes(), now).await;
            lease.end(result)
        })
        .await
    }

    fn durability(&self) -> Durability {
        Durability::Durable
    }
}

impl<D: Dialect> Sweep for SqlStore<D> {
    async fn sweep_once(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let (now, limit) = (millis(now), i64::try_from(limit).unwrap_or(i64::MAX));
        let sweep = |mut lease: Lease<D::Db>| async move {
            let result = D::sweep(lease.connection(), now, limit).await;
            lease.end(result)
        };
        Ok(usize::try_from(self.write(sweep).await?).unwrap_or(usize::MAX))
    }
}

impl<D: Dialect> From<SqlStore<D>> for AnyStore {
    fn from(store: SqlStore<D>) -> Self {
        Self::of(store).sweeps().lists_subjects().into()
    }
}

impl<D: Dialect> Clone for SqlStore<D> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<D: Dialect> fmt::Debug for SqlStore<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlStore").field("connections", &self.0.pools.write.size()).finish_non_exhaustive()
    }
}
