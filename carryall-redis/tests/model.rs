//! Requests of one session, interleaved at random on two nodes over Redis, beside a simple model of what may be observed.

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
use carryall_testbed::server::Server;
use common::store;
use session::interleave::holds_for;
use tokio::sync::OnceCell;

#[test]
fn two_nodes_over_redis_show_what_the_model_says() {
    let server = Server::redis();
    let (url, kept) = (server.url("0"), OnceCell::<AnyStore>::new());
    holds_for(150, async || kept.get_or_init(async || store(&url).await.into()).await.clone());
}
