//! Sessions in Redis, 6.2 or newer, and Valkey: a single server, the master that Sentinel knows, or a cluster.
//!
//! ```
//! use axum::{Router, routing::get};
//! use carryall::testing::TestClient;
//! use carryall::{KeyRing, Session, Sessions};
//! use carryall_redis::RedisStore;
//!
//! async fn visits(session: Session) -> Result<String, carryall::Error> {
//!     let n = session.update_now("visits", |n: Option<u64>| n.unwrap_or(0) + 1).await?;
//!     Ok(format!("visit {n}"))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = carryall_testbed::server::Server::redis();
//! # let url = server.url("0");
//! let store = RedisStore::connect(&url).await?;
//! let sessions = Sessions::builder(KeyRing::random()?).store(store).build()?;
//! let app: Router = Router::new().route("/", get(visits)).layer(sessions.layer());
//! let mut browser = TestClient::new(app);
//! assert_eq!(browser.get("/").await.text(), "visit 1");
//! assert_eq!(browser.get("/").await.text(), "visit 2");
//! # Ok(()) }
//! ```
//!
//! # Which servers
//! The URL says what there is: `redis://host`, `unix:/path/to/socket`, `redis+sentinel://host,host,host/name` or
//! `redis+cluster://host,host,host`, all but the socket with `rediss` for TLS (feature `tls`). Users, passwords, ports and
//! databases are in [`connect_with`](RedisStore::connect_with). What is there is compared with the URL: a node of a
//! cluster is refused at the URL of a single server, as is a single server at that of a cluster, a sentinel where a server
//! should be, and a name that no sentinel knows.
//!
//! # What it keeps
//! One string a session, under `carryall:` and 16 bytes, a hash that no cookie can be made of: version, deadlines, a
//! hash of the user's id, and the payload, which is not encrypted. The server removes it by itself, a minute after its
//! deadline; until then it is absent all the same. For each user one string more, under `carryall:@` and the hash of the
//! user's id: the index of the user's sessions, 32 bytes each. It expires with the last of them.
//!
//! # What it promises
//! - **Compare-and-swap** in a script, which the server runs alone. It answers a lost race with the fresh record. Scripts
//!   are loaded with each connection, and again when the server has forgotten them. On a single server a record that is
//!   still watched since it was loaded is written by a transaction instead, which the server drops if anybody has touched
//!   the record; then the script has the last word.
//! - **Durability** as the server is configured, asked with each connection. A server with replicas, and whatever is
//!   named by sentinels or as a cluster, is [`AsyncReplicated`](carryall::store::Durability::AsyncReplicated): what it has
//!   acknowledged can be lost when a replica takes over that had not received it. One that stands alone is
//!   [`Durable`](carryall::store::Durability::Durable) with `appendonly yes`, `appendfsync always` and
//!   `no-appendfsync-on-rewrite no`, if it lets itself be asked with `CONFIG GET`; else [`Volatile`](carryall::store::Durability::Volatile), although `appendfsync everysec`
//!   rarely loses more than a second.
//! - **No eviction**: a server whose `maxmemory-policy` is other than `noeviction` is refused, whenever it is connected
//!   to. A full one answers [`Full`](carryall::store::StoreErrorKind::Full), and reads and removes go on.
//! - **Outages end by themselves**: all calls share one connection to each server, beside those that
//!   [watch](RedisOptions::watching). Lost, silent for as long as
//!   [`patience`](RedisOptions::patience) says, or led to a server that has become a replica, it is opened anew by the next
//!   call; after a failure calls fail at once for a pause of 50 ms to 1 s. A write whose answer was lost is never sent
//!   twice.
//! - **Failovers are followed.** With each new connection the sentinels are asked, one after the other, for the master,
//!   which has to say itself that it is one. They are asked, too, when it refuses to write for want of replicas, and in the
//!   background once a second while it is used: if most of them name another, the next call goes there. Until then a
//!   master that is cut off acknowledges what will be lost; `min-replicas-to-write 1` makes it refuse instead. A cluster is asked again who has which slots when a master is in trouble or
//!   says that a slot has moved. Meanwhile the sessions on that master fail, and no others.
//!
//! - **A user's sessions** are found by the index, which names each of them from before the record is written, so that none
//!   is missing, whoever crashes. What it names is looked up in the records. Entries of sessions that are gone are dropped
//!   when they are listed, and when one is added that makes them 16, 32, 64 and so on. In a cluster the index is on
//!   another master than the record: one that loses it, by a failover or a restart, loses those sessions from lists and
//!   caps for as long as they live.
//! - **A cap** that racing logins on any number of nodes never exceed: a place is taken in the index before the record is
//!   written. Whoever crashes in between, or does not know whether it was, keeps the place for 20 s; what the server
//!   refused takes none. A write that comes later than half of that is refused, so in a cluster the masters' clocks may differ by 10 s.
//!
//! # What it costs
//! A load is one `GET`, everything else one `EVALSHA`: one round trip each, in a cluster too, where each record is on the
//! master that has the slot of its key. On a single server `WATCH` and `MULTI` go with the `GET` where a connection is free for
//! it, and the commit is `SET` and `EXEC` in one, which costs the server a third of the script; one that was watched in
//! vain costs a round trip more. Signing in costs no more, but in a cluster, where the index is in a slot of its
//! own: one round trip more when a record becomes a user's, and when it is removed. To list reads the index, then the heads of
//! all records it names, 64 at once, and those as a whole that are listed; to sign in under a cap reads the heads, too,
//! takes the place and then writes.
//!
//! 42 bytes a session more than the payload as a plain value with a deadline, for users 58 and the index: with 299 bytes
//! of payload a session takes 1.5 times as much memory as that value would, or 1.3 times when users have three each.
//!
//! # What it needs
//! The commands `HELLO`, `INFO`, `SCRIPT LOAD`, `EVALSHA`, `EVAL`, `GET`, `GETRANGE`, `SET`, `SETRANGE`, `PEXPIREAT`,
//! `EXISTS`, `TIME` and `DEL`; `SELECT` for a database other than 0, `CONFIG GET` if it is to know that the server is durable, `CLUSTER SLOTS`
//! and `ASKING` in a cluster, and `SENTINEL GET-MASTER-ADDR-BY-NAME` at sentinels. A server that may have fallen silent
//! is sent a `PING`, allowed or not; and `WATCH`, `MULTI`, `EXEC` and `DISCARD`: all commits are scripts if it
//! may not do all of these.

mod address;
mod admission;
mod cluster;
mod connect;
mod dial;
mod failure;
mod hints;
mod index;
mod layout;
mod line;
mod link;
mod map;
mod options;
mod pause;
mod question;
mod script;
mod seat;
mod sentinel;
mod server;
mod servers;
mod slots;
mod store;
mod subjects;
mod watches;

pub use connect::{ConnectError, ConnectErrorKind};
pub use options::RedisOptions;
pub use store::RedisStore;
