//! SQLite, 3.37 or newer; the library is built in.
//!
//! Each statement that writes takes the one lock on the file before it looks at anything, so it decides on what is
//! there when it writes. One connection writes, so that writers of this node stand in a queue; writers of other
//! processes are waited for. Readers see the last commit before they began and wait for nobody.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use carryall::id::RecordKey;
use carryall::store::{Record, StoreErrorKind};
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Error, query, query_scalar};

use super::{Dialect, Pools};
use crate::connect::ConnectError;
use crate::lease::Connections;
use crate::options::SqlOptions;
use crate::row::{Columns, key, keyed, record};
use crate::store::SqlStore;

/// Sessions in a SQLite file. URL: `sqlite:path/to/file.db`; the file is made if it is absent, readable for its
/// owner alone, its folder is not. Databases in memory are not supported: use
/// [`MemoryStore`](carryall::MemoryStore).
pub type SqliteStore = SqlStore<Sqlite>;

/// The dialect of SQLite.
#[derive(Debug)]
pub enum Sqlite {}

impl Dialect for Sqlite {
    type Db = sqlx::Sqlite;

    const SCHEMA: &'static str = include_str!("../../sql/sqlite.sql");

    async fn connect(url: &str, options: &SqlOptions) -> Result<Pools<sqlx::Sqlite>, ConnectError> {
        ConnectError::unless_scheme(url, &["sqlite"])?;
        let file = SqliteConnectOptions::from_str(url)
            .map_err(ConnectError::url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(options.patience);
        if url.contains(":memory:")
            || url.contains("mode=memory")
            || file.get_filename().as_os_str().is_empty()
        {
            return Err(ConnectError::url(Error::Configuration("a file is needed: sqlite:FILE".into())));
        }
        make_private(file.get_filename()).map_err(|error| ConnectError::new(Error::Io(error)))?;
        // The writer comes first, as it turns the file's journal into a write-ahead log.
        let write = Connections::open(options, 1, file.clone(), |pool| pool).await;
        let write = write.map_err(ConnectError::new)?;
        let read =
            Connections::open(options, options.max_connections, file.read_only(true), |pool| pool).await;
        Ok(Pools { read: read.map_err(ConnectError::new)?, write })
    }

    /// All statements in one transaction that takes the lock at once.
    async fn migrate(connection: &mut SqliteConnection) -> Result<(), Error> {
        use sqlx::Connection as _;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        sqlx::raw_sql(Self::SCHEMA).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    async fn load(connection: &mut SqliteConnection, id: &[u8], now: i64) -> Result<Option<Record>, Error> {
        let row = query(
            "SELECT version, created, seen, expires, latest, subject, payload
             FROM carryall_sessions WHERE id = ?1 AND expires > ?2",
        );
        let row = row.bind(id.to_vec()).bind(now).fetch_optional(connection).await?;
        row.as_ref().map(record).transpose()
    }

    /// One statement under the lock: a row that is over counts as none.
    async fn create(
        connection: &mut SqliteConnection,
        id: &[u8],
        columns: &Columns,
        now: i64,
    ) -> Result<bool, Error> {
        let insert = query(
            "INSERT INTO carryall_sessions (id, version, created, seen, expires, latest, subject, payload)
             VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET version = 1, created = excluded.created, seen = excluded.seen,
                 expires = excluded.expires, latest = excluded.latest, subject = excluded.subject,
                 payload = excluded.payload
             WHERE carryall_sessions.expires <= ?8",
        );
        let insert = insert.bind(id.to_vec()).bind(columns.created).bind(columns.seen).bind(columns.expires);
        let insert = insert.bind(columns.latest).bind(columns.subject.clone()).bind(columns.payload.clone());
        Ok(insert.bind(now).execute(connection).await?.rows_affected() > 0)
    }

    /// One statement under the lock.
    async fn replace(
        connection: &mut SqliteConnection,
        id: &[u8],
        version: i64,
        columns: &Columns,
        now: i64,
    ) -> Result<bool, Error> {
        let update = query(
            "UPDATE carryall_sessions
             SET version = version + 1, created = ?1, seen = ?2, expires = ?3, latest = ?4, subject = ?5, payload = ?6
             WHERE id = ?7 AND version = ?8 AND expires > ?9",
        );
        let update = update.bind(columns.created).bind(columns.seen).bind(columns.expires);
        let update = update.bind(columns.latest).bind(columns.subject.clone()).bind(columns.payload.clone());
        let update = update.bind(id.to_vec()).bind(version).bind(now);
        Ok(update.execute(connection).await?.rows_affected() > 0)
    }

    /// One statement under the lock. `min` and `max` of two values are functions here.
    async fn touch(
        connection: &mut SqliteConnection,
        id: &[u8],
        seen: i64,
        expires: i64,
        now: i64,
    ) -> Result<bool, Error> {
        let update = query(
            "UPDATE carryall_sessions SET seen = max(seen, ?1), expires = max(expires, min(?2, latest))
             WHERE id = ?3 AND expires > ?4",
        );
        let update = update.bind(seen).bind(expires).bind(id.to_vec()).bind(now);
        Ok(update.execute(connection).await?.rows_affected() > 0)
    }

    /// One statement under the lock, which tells what it removed.
    async fn remove(connection: &mut SqliteConnection, id: &[u8], now: i64) -> Result<bool, Error> {
        let delete = query("DELETE FROM carryall_sessions WHERE id = ?1 RETURNING expires > ?2");
        let removed = delete.bind(id.to_vec()).bind(now).fetch_optional(connection).await?;
        removed.map_or(Ok(false), |row| sqlx::Row::try_get(&row, 0))
    }

    /// One statement under the lock, by the index on `expires`.
    async fn sweep(connection: &mut SqliteConnection, now: i64, limit: i64) -> Result<u64, Error> {
        let delete = query(
            "DELETE FROM carryall_sessions WHERE rowid IN
                 (SELECT rowid FROM carryall_sessions WHERE expires <= ?1 ORDER BY expires LIMIT ?2)",
        );
        Ok(delete.bind(now).bind(limit).execute(connection).await?.rows_affected())
    }

    /// One statement, which reads what was there when it began.
    async fn list(
        connection: &mut SqliteConnection,
        subject: &[u8],
        limit: i64,
        now: i64,
    ) -> Result<Vec<(RecordKey, Record)>, Error> {
        let rows = query(
            "SELECT version, created, seen, expires, latest, subject, payload, id
             FROM carryall_sessions WHERE subject = ?1 AND expires > ?2 ORDER BY created, id LIMIT ?3",
        );
        let rows = rows.bind(subject.to_vec()).bind(now).bind(limit).fetch_all(connection).await?;
        rows.iter().map(keyed).collect()
    }

    async fn count(connection: &mut SqliteConnection, subject: &[u8], now: i64) -> Result<i64, Error> {
        let count =
            query_scalar("SELECT count(*) FROM carryall_sessions WHERE subject = ?1 AND expires > ?2");
        count.bind(subject.to_vec()).bind(now).fetch_one(connection).await
    }

    /// The lock of the file, taken at once: nobody writes anything meanwhile, and what is read is the newest.
    async fn begin_admission(
        connection: &mut SqliteConnection,
        _: &[u8],
        _: Duration,
    ) -> Result<bool, Error> {
        query("BEGIN IMMEDIATE").execute(connection).await.map(|_| true)
    }

    async fn end_admission(connection: &mut SqliteConnection, _: &[u8], keep: bool) -> Result<(), Error> {
        query(if keep { "COMMIT" } else { "ROLLBACK" }).execute(connection).await.map(drop)
    }

    async fn others(
        connection: &mut SqliteConnection,
        subject: &[u8],
        id: &[u8],
        now: i64,
    ) -> Result<Vec<RecordKey>, Error> {
        let rows = query(
            "SELECT id FROM carryall_sessions WHERE subject = ?1 AND id <> ?2 AND expires > ?3 ORDER BY created, id",
        );
        let rows = rows.bind(subject.to_vec()).bind(id.to_vec()).bind(now).fetch_all(connection).await?;
        rows.iter().map(|row| key(row, 0)).collect()
    }

    async fn oust(
        connection: &mut SqliteConnection,
        id: &[u8],
        subject: &[u8],
        now: i64,
    ) -> Result<Option<Record>, Error> {
        let delete = query(
            "DELETE FROM carryall_sessions WHERE id = ?1 AND subject = ?2 AND expires > ?3
             RETURNING version, created, seen, expires, latest, subject, payload",
        );
        let row =
            delete.bind(id.to_vec()).bind(subject.to_vec()).bind(now).fetch_optional(connection).await?;
        row.as_ref().map(record).transpose()
    }

    /// The lower eight bits of an extended result code are the result code.
    fn kind(refusal: &dyn DatabaseError) -> StoreErrorKind {
        match code(refusal) {
            Some(5 | 6) => StoreErrorKind::TimedOut,
            Some(11 | 26) => StoreErrorKind::Corrupt,
            Some(13) => StoreErrorKind::Full,
            Some(18) => StoreErrorKind::TooLarge,
            _ => StoreErrorKind::Unavailable,
        }
    }

    fn is_sacrificed(_: &dyn DatabaseError) -> bool {
        false
    }
}

fn code(refusal: &dyn DatabaseError) -> Option<u32> {
    refusal.code()?.parse::<u32>().ok().map(|code| code & 0xFF)
}

/// Makes the file before SQLite would make it readable for others; its companions get its mode.
fn make_private(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.write(true).create_new(true).open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
