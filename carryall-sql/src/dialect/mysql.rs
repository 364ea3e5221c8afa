//! MySQL, 8.0 or newer, and MariaDB, 10.5 or newer, with `InnoDB`.
//!
//! Statements commit by themselves. One that writes reads the row as the last commit left it, under a lock, at every
//! isolation level; one that only reads has a snapshot of its own. So nothing here relies on the level. Rows count as
//! affected when they were found, whether or not their values changed; the driver asks for that.
//!
//! Statements that write a row find it by its id: `expires + 0` keeps the index on `expires` out of it, which the server
//! else prefers while the table is small, and locks a range of, so that new sessions wait for a row that is held.
//!
//! `INSERT .. ON DUPLICATE KEY UPDATE` has no condition and MySQL has no `RETURNING`, so creating over a row that is
//! over, and removing one, take a second statement there.

use std::str::FromStr as _;
use std::time::Duration;

use carryall::id::RecordKey;
use carryall::store::{Record, StoreErrorKind};
use sqlx::error::DatabaseError;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlDatabaseError};
use sqlx::{Error, query, query_scalar};

use super::{Dialect, Pools};
use crate::connect::ConnectError;
use crate::lease::Connections;
use crate::options::SqlOptions;
use crate::row::{Columns, key, keyed, record};
use crate::store::SqlStore;

/// Sessions in MySQL or MariaDB. URL: `mysql://user:password@host:port/database?ssl-mode=VERIFY_IDENTITY`, also with
/// `mariadb://`; the default is TLS if the server has it, without looking at its certificate. Without TLS the
/// server must not ask for a password by RSA.
pub type MySqlStore = SqlStore<MySql>;

/// The dialect of MySQL and MariaDB.
#[derive(Debug)]
pub enum MySql {}

impl Dialect for MySql {
    type Db = sqlx::MySql;

    const SCHEMA: &'static str = include_str!("../../sql/mysql.sql");

    async fn connect(url: &str, options: &SqlOptions) -> Result<Pools<sqlx::MySql>, ConnectError> {
        ConnectError::unless_scheme(url, &["mysql", "mariadb"])?;
        let server = MySqlConnectOptions::from_str(url).map_err(ConnectError::url)?;
        let pool = Connections::open(options, options.max_connections, server, |pool| pool).await;
        let pool = pool.map_err(ConnectError::new)?;
        Ok(Pools { read: pool.clone(), write: pool })
    }

    /// The server locks the table's name by itself.
    async fn migrate(connection: &mut MySqlConnection) -> Result<(), Error> {
        sqlx::raw_sql(Self::SCHEMA).execute(connection).await.map(drop)
    }

    /// Any level: a consistent read of one row, with a snapshot of its own.
    async fn load(connection: &mut MySqlConnection, id: &[u8], now: i64) -> Result<Option<Record>, Error> {
        let row = query(
            "SELECT version, created, seen, expires, latest, subject, payload
             FROM carryall_sessions WHERE id = ? AND expires > ?",
        );
        let row = row.bind(id).bind(now).fetch_optional(connection).await?;
        row.as_ref().map(record).transpose()
    }

    /// Any level: the primary key admits one. A row that is over goes first, by a statement that looks again.
    async fn create(
        connection: &mut MySqlConnection,
        id: &[u8],
        columns: &Columns,
        now: i64,
    ) -> Result<bool, Error> {
        loop {
            let insert = query(
                "INSERT INTO carryall_sessions (id, version, created, seen, expires, latest, subject, payload)
                 VALUES (?, 1, ?, ?, ?, ?, ?, ?)",
            );
            let insert = insert.bind(id).bind(columns.created).bind(columns.seen).bind(columns.expires);
            let insert = insert.bind(columns.latest).bind(columns.subject.as_deref()).bind(&*columns.payload);
            match insert.execute(&mut *connection).await {
                Ok(_) => return Ok(true),
                Err(Error::Database(refusal)) if refusal.is_unique_violation() => {}
                Err(error) => return Err(error),
            }
            let delete = query("DELETE FROM carryall_sessions WHERE id = ? AND expires + 0 <= ?");
            if delete.bind(id).bind(now).execute(&mut *connection).await?.rows_affected() == 0 {
                return Ok(false);
            }
        }
    }

    /// Any level: a locking read of the newest version of the row. Assignments are done from left to right.
    async fn replace(
        connection: &mut MySqlConnection,
        id: &[u8],
        version: i64,
        columns: &Columns,
        now: i64,
    ) -> Result<bool, Error> {
        let update = query(
            "UPDATE carryall_sessions
             SET version = version + 1, created = ?, seen = ?, expires = ?, latest = ?, subject = ?, payload = ?
             WHERE id = ? AND version = ? AND expires + 0 > ?",
        );
        let update = update.bind(columns.created).bind(columns.seen).bind(columns.expires);
        let update = update.bind(columns.latest).bind(columns.subject.as_deref()).bind(&*columns.payload);
        let update = update.bind(id).bind(version).bind(now);
        Ok(update.execute(connection).await?.rows_affected() > 0)
    }

    /// Any level, as above.
    async fn touch(
        connection: &mut MySqlConnection,
        id: &[u8],
        seen: i64,
        expires: i64,
        now: i64,
    ) -> Result<bool, Error> {
        let update = query(
            "UPDATE carryall_sessions
             SET seen = GREATEST(seen, ?), expires = GREATEST(expires, LEAST(?, latest))
             WHERE id = ? AND expires + 0 > ?",
        );
        let update = update.bind(seen).bind(expires).bind(id).bind(now);
        Ok(update.execute(connection).await?.rows_affected() > 0)
    }

    /// Any level: locking reads. A live row goes with the first statement, one that is over with the second.
    async fn remove(connection: &mut MySqlConnection, id: &[u8], now: i64) -> Result<bool, Error> {
        let live = query("DELETE FROM carryall_sessions WHERE id = ? AND expires + 0 > ?").bind(id).bind(now);
        if live.execute(&mut *connection).await?.rows_affected() > 0 {
            return Ok(true);
        }
        query("DELETE FROM carryall_sessions WHERE id = ?").bind(id).execute(connection).await?;
        Ok(false)
    }

    /// Any level: locking reads along the index on `expires`. Nodes that sweep at once wait for each other, or one is
    /// sacrificed and tries again.
    async fn sweep(connection: &mut MySqlConnection, now: i64, limit: i64) -> Result<u64, Error> {
        let delete = query("DELETE FROM carryall_sessions WHERE expires <= ? ORDER BY expires LIMIT ?");
        Ok(delete.bind(now).bind(limit).execute(connection).await?.rows_affected())
    }

    /// Any level: a consistent read with a snapshot of its own.
    async fn list(
        connection: &mut MySqlConnection,
        subject: &[u8],
        limit: i64,
        now: i64,
    ) -> Result<Vec<(RecordKey, Record)>, Error> {
        let rows = query(
            "SELECT version, created, seen, expires, latest, subject, payload, id
             FROM carryall_sessions WHERE subject = ? AND expires + 0 > ? ORDER BY created, id LIMIT ?",
        );
        let rows = rows.bind(subject).bind(now).bind(limit).fetch_all(connection).await?;
        rows.iter().map(keyed).collect()
    }

    /// Any level, as above.
    async fn count(connection: &mut MySqlConnection, subject: &[u8], now: i64) -> Result<i64, Error> {
        let count =
            query_scalar("SELECT COUNT(*) FROM carryall_sessions WHERE subject = ? AND expires + 0 > ?");
        count.bind(subject).bind(now).fetch_one(connection).await
    }

    /// A named lock. Locks on a range of the index would do as well, but two transactions may hold the same gap, and
    /// then wait for each other: of fifty logins at once, most would be sacrificed again and again.
    ///
    /// The lock comes first: what the transaction reads is as of its first reading, at the levels where it matters.
    async fn begin_admission(
        connection: &mut MySqlConnection,
        subject: &[u8],
        patience: Duration,
    ) -> Result<bool, Error> {
        let lock = query_scalar::<_, Option<i64>>("SELECT GET_LOCK(?, ?)").bind(lock_name(subject));
        let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX).max(1);
        if lock.bind(seconds).fetch_one(&mut *connection).await? != Some(1) {
            return Ok(false);
        }
        sqlx::raw_sql("START TRANSACTION").execute(connection).await.map(|_| true)
    }

    async fn end_admission(
        connection: &mut MySqlConnection,
        subject: &[u8],
        keep: bool,
    ) -> Result<(), Error> {
        let ended = sqlx::raw_sql(if keep { "COMMIT" } else { "ROLLBACK" }).execute(&mut *connection).await;
        ended?;
        query("DO RELEASE_LOCK(?)").bind(lock_name(subject)).execute(connection).await.map(drop)
    }

    /// Any level: the first reading of the transaction, after the lock was given.
    async fn others(
        connection: &mut MySqlConnection,
        subject: &[u8],
        id: &[u8],
        now: i64,
    ) -> Result<Vec<RecordKey>, Error> {
        let rows = query(
            "SELECT id FROM carryall_sessions WHERE subject = ? AND id <> ? AND expires + 0 > ? ORDER BY created, id",
        );
        let rows = rows.bind(subject).bind(id).bind(now).fetch_all(connection).await?;
        rows.iter().map(|row| key(row, 0)).collect()
    }

    /// Any level: a locking read of the newest version of the row, which nobody changes from there on.
    async fn oust(
        connection: &mut MySqlConnection,
        id: &[u8],
        subject: &[u8],
        now: i64,
    ) -> Result<Option<Record>, Error> {
        let row = query(
            "SELECT version, created, seen, expires, latest, subject, payload
             FROM carryall_sessions WHERE id = ? AND subject = ? AND expires + 0 > ? FOR UPDATE",
        );
        let row = row.bind(id).bind(subject).bind(now).fetch_optional(&mut *connection).await?;
        let Some(found) = row.as_ref().map(record).transpose()? else { return Ok(None) };
        query("DELETE FROM carryall_sessions WHERE id = ?").bind(id).execute(connection).await?;
        Ok(Some(found))
    }

    fn kind(refusal: &dyn DatabaseError) -> StoreErrorKind {
        match number(refusal) {
            // The disk, the table, or the space for it is full.
            Some(1021 | 1041 | 1114) => StoreErrorKind::Full,
            // More than `max_allowed_packet`, or a row that is too large.
            Some(1118 | 1153 | 1301) => StoreErrorKind::TooLarge,
            // Waited too long for a lock, or for the server's own deadlines.
            Some(1205 | 1969 | 3024) => StoreErrorKind::TimedOut,
            // Damaged tables.
            Some(1034 | 1194 | 1712) => StoreErrorKind::Corrupt,
            _ => StoreErrorKind::Unavailable,
        }
    }

    /// `ER_LOCK_DEADLOCK`.
    fn is_sacrificed(refusal: &dyn DatabaseError) -> bool {
        number(refusal) == Some(1213)
    }
}

/// Names are the server's, whatever the database, and have 64 characters at most.
fn lock_name(subject: &[u8]) -> String {
    subject.iter().fold(String::from("carryall:"), |name, byte| format!("{name}{byte:02x}"))
}

fn number(refusal: &dyn DatabaseError) -> Option<u16> {
    refusal.try_downcast_ref::<MySqlDatabaseError>().map(MySqlDatabaseError::number)
}
