//! Sessions in files: one file a session, in a directory that nobody else may enter.
//!
//! For one machine without a database: sessions outlast the process, and any number of processes may share the
//! directory. On a local file system; advisory locks over a network are not reliable enough.
//!
//! ```
//! use axum::{Router, routing::get};
//! use carryall::testing::TestClient;
//! use carryall::{KeyRing, Session, Sessions};
//! use carryall_file::FileStore;
//!
//! async fn visits(session: Session) -> Result<String, carryall::Error> {
//!     let n = session.update_now("visits", |n: Option<u64>| n.unwrap_or(0) + 1).await?;
//!     Ok(format!("visit {n}"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! # let directory = scratch.path().join("sessions");
//! let ring = KeyRing::random()?; // in production: KeyRing::from_env("CARRYALL_KEYS")?
//! let app = |store| -> Result<Router, carryall::error::ConfigError> {
//!     let sessions = Sessions::builder(ring.clone()).store(store).build()?;
//!     Ok(Router::new().route("/", get(visits)).layer(sessions.layer()))
//! };
//! let mut browser = TestClient::new(app(FileStore::open(&directory)?)?);
//! assert_eq!(browser.get("/").await.text(), "visit 1");
//!
//! let mut restarted = TestClient::new(app(FileStore::open(&directory)?)?);
//! for (name, value) in browser.cookies() {
//!     restarted.set_cookie(name, value);
//! }
//! assert_eq!(restarted.get("/").await.text(), "visit 2");
//! # Ok(()) }
//! ```
//!
//! # What it keeps, and where
//!
//! ```text
//! sessions/            mode 0700, owned by the user of the process
//!   3f/                the first byte of the record's key; locked by whoever changes a record in it
//!     3f9c..e1         a record, mode 0600: the name is its key, a hash that no cookie can be made of
//!     3f9c..e1.new     a record that is being written, or what a crash left of it
//!   due/
//!     00000066a3b2/    records that may expire within the same four minutes, by name, for sweeping
//!   subjects/
//!     7c/              the first byte of the hash of a user's id; locked by whoever lists or admits one of those in it
//!       7c02..98/      the sessions of this user, by name: empty files, gone with the last session
//! ```
//!
//! Values are not encrypted: whoever reads the files reads the sessions, and cannot make a cookie of them.
//!
//! # What it promises
//! - **A crash leaves the old record or the new one**: a new file is written beside the old one, synced, put in its
//!   place, and the directory is synced. [`Durability::Durable`](carryall::store::Durability::Durable), if the disk
//!   keeps what it says it has synced. A file that was damaged all the same is told apart by its checksums:
//!   [`Corrupt`](carryall::store::StoreErrorKind::Corrupt), never half a session.
//! - **Compare-and-swap between processes**: changes are made under an advisory lock on the record's subfolder, one
//!   of 256, and waited for in a queue within the process. The lock goes with its holder. Subfolders are never
//!   removed, so nobody can hold a lock on one that is gone. Reading takes no lock.
//! - **A removed record stays away**: there is no moment between looking and writing in which another process
//!   could remove it.
//! - **A user's sessions are found**, and [limited in number](carryall::SessionsBuilder::sessions_per_user) exactly, in all
//!   processes. What is named in `subjects` is looked up in the records; it is on the disk before a record is the user's, so
//!   that no crash leaves a session that is not listed, and what a crash leaves there is swept.
//! - **A full disk** is [`Full`](carryall::store::StoreErrorKind::Full), and the old record stays; a login that finds no
//!   room ends no other session.
//! - **Nobody else's files**: the directory has to be owned by the process's user and closed to everybody else;
//!   symbolic links are not followed, not even its own.
//!
//! A touch writes 20 bytes in place, in one of two slots, so that a torn one leaves the other good.
//!
//! # What it costs
//! Reading: a thread of the runtime's blocking pool, two opens, one read. Writing: two or three waits for the disk, and up
//! to two more when the session becomes another user's, or another user's has to go for it. Listing: two to four opens for
//! each session of the user. A directory that has no `subjects` yet, from a version that kept none, is read once, all of it,
//! when it is opened.
//! Removed and expired records free their files at once, respectively with
//! [`Sessions::sweep_every`](carryall::Sessions::sweep_every), say every minute.

#[cfg(not(unix))]
compile_error!("carryall-file needs a Unix: file modes, owners and advisory locks");

mod admission;
mod adoption;
mod change;
mod directory;
mod disk;
mod due;
mod entry;
mod failure;
mod index;
mod layout;
mod listing;
mod name;
mod open;
mod shard;
mod store;
mod subjects;
mod sweeping;

pub use open::{FileStoreBuilder, OpenError, OpenErrorKind};
pub use store::FileStore;
