//! Sessions in a SQL database: SQLite, PostgreSQL, MySQL and MariaDB.
//!
//! Each database is a feature of its own name; none is on by itself.
//!
//! ```
//! # #[cfg(feature = "sqlite")] {
//! use axum::{Router, routing::get};
//! use carryall::testing::TestClient;
//! use carryall::{KeyRing, Session, Sessions};
//! use carryall_sql::SqliteStore;
//!
//! async fn visits(session: Session) -> Result<String, carryall::Error> {
//!     let n = session.update_now("visits", |n: Option<u64>| n.unwrap_or(0) + 1).await?;
//!     Ok(format!("visit {n}"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = carryall_testbed::scratch();
//! # let url = format!("sqlite:{}", scratch.path().join("sessions.db").display());
//! let store = SqliteStore::connect(&url).await?; // PostgresStore, MySqlStore
//! store.migrate().await?;
//! let sessions = Sessions::builder(KeyRing::random()?).store(store).build()?;
//! let app: Router = Router::new().route("/", get(visits)).layer(sessions.layer());
//! let mut browser = TestClient::new(app);
//! assert_eq!(browser.get("/").await.text(), "visit 1");
//! assert_eq!(browser.get("/").await.text(), "visit 2");
//! # Ok(()) }
//! # main().unwrap();
//! # }
//! ```
//!
//! # What it keeps
//! One table, `carryall_sessions`, a row for each session: the id (16 bytes, a hash that no cookie can be made of), version,
//! deadlines, a hash of the user's id, and the payload, which is not encrypted. The statements that make it are in
//! the folder `sql/` of this crate, and in [`SqlStore::SCHEMA`], for those who migrate by other means; the store
//! itself needs to read and write the table only.
//!
//! # What it promises
//! - **Compare-and-swap** in one statement, which is its own transaction; the fresh row is read by a second one when
//!   the first changed nothing. What each statement relies on is written beside it: PostgreSQL runs them as READ
//!   COMMITTED, which each connection sets for itself; MySQL, MariaDB and SQLite at any level.
//! - **Durability**: [`Durable`](carryall::store::Durability::Durable), given the server's usual configuration:
//!   `fsync` on PostgreSQL (`synchronous_commit = off` is switched on for these connections),
//!   `innodb_flush_log_at_trx_commit = 1` on MySQL. What a replica has of it when it takes over is the server's
//!   configuration too. SQLite runs with a write-ahead log and `synchronous = FULL`.
//! - **Outages end by themselves**: a connection that failed, or whose caller left before the answer, is closed; one
//!   that rested for a second is tried first.
//! - **Subjects**: a user's sessions are found by an index. An admission within a cap is one transaction, in which nobody
//!   else admits one of the same user: by an advisory lock on PostgreSQL, a named one (`GET_LOCK`) on MySQL and MariaDB,
//!   and as the only writer on SQLite. With several servers that take writes at once, such as a Galera cluster, those
//!   locks are one server's own: let one of them take the logins.
//! - **Sweeping** goes by an index on the deadline, in batches; several nodes may sweep at once.
//!
//! # What it costs
//! A load is one round trip, a commit one, or two if another request was faster. A login under a cap takes six or seven. Connections are few:
//! [`SqlOptions`].

#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    allow(dead_code, reason = "without any database there is nothing to connect to")
)]

mod admission;
mod connect;
mod dialect;
mod failure;
mod lease;
mod options;
mod row;
mod store;
mod subjects;

pub use connect::{ConnectError, ConnectErrorKind};
pub use dialect::Dialect;
#[cfg(feature = "mysql")]
pub use dialect::mysql::{MySql, MySqlStore};
#[cfg(feature = "postgres")]
pub use dialect::postgres::{Postgres, PostgresStore};
#[cfg(feature = "sqlite")]
pub use dialect::sqlite::{Sqlite, SqliteStore};
pub use options::SqlOptions;
pub use store::SqlStore;
