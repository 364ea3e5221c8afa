//! PostgreSQL, 12 or newer.
//!
//! Connections set READ COMMITTED for themselves, whatever the server's default is. There a statement that meets a row
//! which another transaction is changing waits for it, and then judges the row anew as it was left: its `WHERE` is
//! true of what it changes. At stricter levels it would fail instead. Each statement is a transaction of its own, but for those of
//! an admission.
//!
//! The fresh row after a lost race is read by a second statement. A single one that updates or else selects would see
//! the snapshot from before it waited: the stale row, and an absent one as present.

use std::str::FromStr as _;
use std::time::Duration;

use carryall::id::RecordKey;
use carryall::store::{Record, StoreErrorKind};
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Error, Executor as _, query, query_scalar};

use super::{Dialect, Pools};
use crate::connect::ConnectError;
use crate::lease::Connections;
use crate::options::SqlOptions;
use crate::row::{Columns, key, keyed, record};
use crate::store::SqlStore;

/// Sessions in PostgreSQL. URL: `postgres://user:password@host:port/database?sslmode=verify-full`; the default is TLS
/// if the server has it, without looking at its certificate.
pub type PostgresStore = SqlStore<Postgres>;

/// The dialect of PostgreSQL.
#[derive(Debug)]
pub enum Postgres {}

/// An acknowledged commit survives a crash of the server, unless its owner has switched `fsync` off.
const SETTINGS: &str = "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off';";

/// Two nodes that make the same table at once would be an error to one of them.
const MIGRATION_LOCK: i64 = 0x6361_7272_7961_6c6c;

impl Dialect for Postgres {
    type Db = sqlx::Postgres;

    const SCHEMA: &'static str = include_str!("../../sql/postgres.sql");

    async fn connect(url: &str, options: &SqlOptions) -> Result<Pools<sqlx::Postgres>, ConnectError> {
        ConnectError::unless_scheme(url, &["postgres", "postgresql"])?;
        let server = PgConnectOptions::from_str(url).map_err(ConnectError::url)?;
        let set = |pool: PgPoolOptions| {
            pool.after_connect(|connection: &mut PgConnection, _| {
                Box::pin(async move { connection.execute(SETTINGS).await.map(drop) })
            })
        };
        let pool = Connections::open(options, options.max_connections, server, set).await;
        let pool = pool.map_err(ConnectError::new)?;
        Ok(Pools { read: pool.clone(), write: pool })
    }

    /// One transaction under an advisory lock.
    async fn migrate(connection: &mut PgConnection) -> Result<(), Error> {
        use sqlx::Connection as _;
        let mut transaction = connection.begin().await?;
        query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
        sqlx::raw_sql(Self::SCHEMA).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// Any level: one row as of the statement's beginning.
    async fn load(connection: &mut PgConnection, id: &[u8], now: i64) -> Result<Option<Record>, Error> {
        let row = query(
            "SELECT version, created, seen, expires, latest, subject, payload
             FROM carryall_sessions WHERE id = $1 AND expires > $2",
        );
        let row = row.bind(id).bind(now).fetch_optional(connection).await?;
        row.as_ref().map(record).transpose()
    }

    /// READ COMMITTED: the row that is in the way is locked and judged as it is then, one that is over counts as none.
    async fn create(
        connection: &mut PgConnection,
        id: &[u8],
        columns: &Columns,
        now: i64,
    ) -> Result<bool, Error> {
        let insert = query(
            "INSERT INTO carryall_sessions AS s (id, version, created, seen, expires, latest, subject, payload)
             VALUES ($1, 1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO UPDATE SET version = 1, created = excluded.created, seen = excluded.seen,
                 expires = excluded.expires, latest = excluded.latest, subject = excluded.subject,
                 payload = excluded.payload
             WHERE s.expires <= $8",
        );
        let insert = insert.bind(id).bind(columns.created).bind(columns.seen).bind(columns.expires);
        let insert = insert.bind(columns.latest).bind(columns.subject.as_deref()).bind(&*columns.payload);
        Ok(insert.bind(now).execute(connection).await?.rows_affected() > 0)
    }

    /// READ COMMITTED: of two with the same version the second waits, finds the version gone and changes nothing.
    async fn replace(
        connection: &mut PgConnection,
        id: &[u8],
        version: i64,
        columns: &Columns,
        now: i64,
    ) -> Result<bool, Error> {
        let update = query(
            "UPDATE carryall_sessions
             SET version = version + 1, created = $1, seen = $2, expires = $3, latest = $4, subject = $5, payload = $6
             WHERE id = $7 AND version = $8 AND expires > $9",
        );
        let update = update.bind(columns.created).bind(columns.seen).bind(columns.expires);
        let update = update.bind(columns.latest).bind(columns.subject.as_deref()).bind(&*columns.payload);
        let update = update.bind(id).bind(version).bind(now);
        Ok(update.execute(connection).await?.rows_affected() > 0)
    }

    /// READ COMMITTED: what is compared is the row as the last change left it.
    async fn touch(
        connection: &mut PgConnection,
        id: &[u8],
        seen: i64,
        expires: i64,
        now: i64,
    ) -> Result<bool, Error> {
        let update = query(
            "UPDATE carryall_sessions
             SET seen = GREATEST(seen, $1), expires = GREATEST(expires, LEAST($2, latest))
             WHERE id = $3 AND expires > $4",
        );
        let update = update.bind(seen).bind(expires).bind(id).bind(now);
        Ok(update.execute(connection).await?.rows_affected() > 0)
    }

    /// READ COMMITTED: waits for a change under way and removes what that leaves.
    async fn remove(connection: &mut PgConnection, id: &[u8], now: i64) -> Result<bool, Error> {
        let delete = query("DELETE FROM carryall_sessions WHERE id = $1 RETURNING expires > $2");
        let removed = delete.bind(id).bind(now).fetch_optional(connection).await?;
        removed.map_or(Ok(false), |row| sqlx::Row::try_get(&row, 0))
    }

    /// READ COMMITTED: the rows are locked and judged again before they go. Those that another node is about to
    /// remove or to prolong are passed over. Materialized, as a subquery with a limit may be run more than once.
    async fn sweep(connection: &mut PgConnection, now: i64, limit: i64) -> Result<u64, Error> {
        let delete = query(
            "WITH due AS MATERIALIZED (
                 SELECT id FROM carryall_sessions WHERE expires <= $1
                 ORDER BY expires LIMIT $2 FOR UPDATE SKIP LOCKED
             )
             DELETE FROM carryall_sessions AS s USING due WHERE s.id = due.id",
        );
        Ok(delete.bind(now).bind(limit).execute(connection).await?.rows_affected())
    }

    /// Any level: rows as of the statement's beginning.
    async fn list(
        connection: &mut PgConnection,
        subject: &[u8],
        limit: i64,
        now: i64,
    ) -> Result<Vec<(RecordKey, Record)>, Error> {
        let rows = query(
            "SELECT version, created, seen, expires, latest, subject, payload, id
             FROM carryall_sessions WHERE subject = $1 AND expires > $2 ORDER BY created, id LIMIT $3",
        );
        let rows = rows.bind(subject).bind(now).bind(limit).fetch_all(connection).await?;
        rows.iter().map(keyed).collect()
    }

    /// Any level, as above.
    async fn count(connection: &mut PgConnection, subject: &[u8], now: i64) -> Result<i64, Error> {
        let count =
            query_scalar("SELECT count(*) FROM carryall_sessions WHERE subject = $1 AND expires > $2");
        count.bind(subject).bind(now).fetch_one(connection).await
    }

    /// An advisory lock, which the end of the transaction gives back. Two subjects with the same half of their hash
    /// would wait for each other, and nothing worse. Neither who waits nor who stands still in the middle keeps a
    /// connection of the server for longer than the patience.
    async fn begin_admission(
        connection: &mut PgConnection,
        subject: &[u8],
        patience: Duration,
    ) -> Result<bool, Error> {
        let lock = subject.first_chunk().map_or(0, |half| i64::from_be_bytes(*half));
        connection.execute("BEGIN").await?;
        let millis = patience.as_millis().clamp(1, 1_000_000).to_string();
        let bounds = "SELECT set_config('lock_timeout', $1, true), \
                      set_config('idle_in_transaction_session_timeout', $1, true)";
        query(bounds).bind(millis).execute(&mut *connection).await?;
        query("SELECT pg_advisory_xact_lock($1)").bind(lock).execute(connection).await.map(|_| true)
    }

    async fn end_admission(connection: &mut PgConnection, _: &[u8], keep: bool) -> Result<(), Error> {
        connection.execute(if keep { "COMMIT" } else { "ROLLBACK" }).await.map(drop)
    }

    /// READ COMMITTED: this statement begins after the lock was given, so it sees what those who held it before have
    /// left. At stricter levels it would see what was there when the transaction began to wait.
    async fn others(
        connection: &mut PgConnection,
        subject: &[u8],
        id: &[u8],
        now: i64,
    ) -> Result<Vec<RecordKey>, Error> {
        let rows = query(
            "SELECT id FROM carryall_sessions WHERE subject = $1 AND id <> $2 AND expires > $3 ORDER BY created, id",
        );
        let rows = rows.bind(subject).bind(id).bind(now).fetch_all(connection).await?;
        rows.iter().map(|row| key(row, 0)).collect()
    }

    /// READ COMMITTED: waits for a change under way and judges what that leaves.
    async fn oust(
        connection: &mut PgConnection,
        id: &[u8],
        subject: &[u8],
        now: i64,
    ) -> Result<Option<Record>, Error> {
        let delete = query(
            "DELETE FROM carryall_sessions WHERE id = $1 AND subject = $2 AND expires > $3
             RETURNING version, created, seen, expires, latest, subject, payload",
        );
        let row = delete.bind(id).bind(subject).bind(now).fetch_optional(connection).await?;
        row.as_ref().map(record).transpose()
    }

    fn kind(refusal: &dyn DatabaseError) -> StoreErrorKind {
        match refusal.code().as_deref() {
            // disk_full, out_of_memory and their class
            Some(code) if code.starts_with("53") && code != "53300" => StoreErrorKind::Full,
            // program_limit_exceeded
            Some("54000") => StoreErrorKind::TooLarge,
            // data_corrupted, index_corrupted
            Some("XX001" | "XX002") => StoreErrorKind::Corrupt,
            // query_canceled and lock_not_available: the server's own deadlines
            Some("57014" | "55P03") => StoreErrorKind::TimedOut,
            _ => StoreErrorKind::Unavailable,
        }
    }

    /// `serialization_failure`, `deadlock_detected`.
    fn is_sacrificed(refusal: &dyn DatabaseError) -> bool {
        matches!(refusal.code().as_deref(), Some("40001" | "40P01"))
    }
}
