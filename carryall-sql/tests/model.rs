//! Requests of one session, interleaved at random on two nodes over each database, beside a simple model of what may be
//! observed.

mod common;
/// What plays them, over any store.
#[path = "../../carryall/tests/common"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "of which this is a part")]
mod session {
    pub mod events;
    pub mod house;
    pub mod interleave;
    pub mod interleave_model;
    pub mod lab;
    pub mod log;
    pub mod nodes;
    pub mod properties;
    pub mod recorder;
    pub mod shared_log;
}

use carryall::store::AnyStore;
use carryall_sql::{Dialect, MySql, Postgres, Sqlite};
use carryall_testbed::scratch;
use carryall_testbed::server::Server;
use common::store;
use session::interleave::holds_for;
use tokio::sync::OnceCell;

/// So many cases, each with a session of its own in one table.
fn shows_what_the_model_says<D: Dialect>(cases: u32, url: &str) {
    let kept = OnceCell::<AnyStore>::new();
    holds_for(cases, async || kept.get_or_init(async || store::<D>(url).await.into()).await.clone());
}

#[test]
fn two_nodes_over_sqlite_show_what_the_model_says() {
    let scratch = scratch();
    let url = format!("sqlite:{}", scratch.path().join("sessions.db").display());
    shows_what_the_model_says::<Sqlite>(40, &url);
}

#[test]
fn two_nodes_over_postgresql_show_what_the_model_says() {
    let server = Server::postgres();
    shows_what_the_model_says::<Postgres>(40, &server.url("postgres"));
}

#[test]
fn two_nodes_over_mariadb_show_what_the_model_says() {
    let server = Server::mariadb();
    shows_what_the_model_says::<MySql>(40, &server.url("mysql"));
}
