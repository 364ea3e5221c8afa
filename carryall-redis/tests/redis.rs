//! The store in Redis, against a server of its own.

mod common;

use std::sync::OnceLock;
use std::time::Duration;

use carryall::conformance;
use carryall::store::{AnyStore, Durability, Store as _};
use carryall_redis::{ConnectErrorKind, RedisOptions, RedisStore};
use carryall_testbed::node::{nodes, state_of, user, visitor};
use carryall_testbed::server::Server;
use carryall_testbed::{dump, fault, race, rounds, subject};
use common::{ask, asked, connection, everything, pair, pair_apart, store};

/// The server of all tests but those that kill, stop, count or configure it. Each has a database of its own.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::redis)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_a_store() {
    let url = server().url("1");
    conformance::store(async || store(&url).await).await;
    conformance::subjects(async || store(&url).await).await;
    assert_eq!(store(&url).await.durability(), Durability::Durable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_while_scripts_are_forgotten() {
    let url = server().url("2");
    let mut forgetful = connection(&url).await;
    let forgetting = tokio::spawn(async move {
        loop {
            asked(&mut forgetful, "SCRIPT FLUSH").await;
        }
    });
    conformance::store(async || store(&url).await).await;
    forgetting.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_with_no_more_rights_than_it_says_it_needs() {
    let rights = "+hello +info +script|load +evalsha +eval +get +getrange +set +setrange +pexpireat +del +exists +time";
    let server = Server::redis();
    let admin = server.url("0");
    ask(&admin, &format!("ACL SETUSER shop on >word ~carryall:* -@all {rights}")).await;
    let url = admin.replace("default@", "shop:word@");
    conformance::store(async || store(&url).await).await;
    conformance::subjects(async || store(&url).await).await;
    // It may not ask how the server syncs.
    assert_eq!(store(&url).await.durability(), Durability::Volatile);
    ask(&admin, "ACL SETUSER shop -info").await;
    let error = RedisStore::connect(&url).await.expect_err("it may not look");
    assert_eq!(error.kind(), ConnectErrorKind::Refused, "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_on_two_nodes_lose_nothing() {
    let stores = pair(&server().url("3")).await;
    for _ in 0..rounds(1) {
        race::fifty_requests_lose_nothing(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_that_races_with_slow_writers_is_never_undone() {
    let stores = pair(&server().url("4")).await;
    for _ in 0..rounds(3) {
        race::a_logout_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_logins_on_two_nodes_never_pass_the_cap() {
    let stores = pair(&server().url("7")).await;
    for _ in 0..rounds(1) {
        subject::fifty_logins_never_pass_the_cap(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_is_revoked_by_its_name_is_never_brought_back() {
    let stores = pair_apart(&server().url("7"), "revoked:").await;
    for _ in 0..rounds(1) {
        subject::a_revoked_session_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_lock_take_turns() {
    let stores = pair(&server().url("6")).await;
    for _ in 0..rounds(1) {
        race::requests_that_lock_take_turns(stores.clone()).await;
    }
}

#[tokio::test]
async fn the_keys_and_values_hold_no_usable_id() {
    let url = server().url("5");
    let store: AnyStore = store(&url).await.into();
    let mut browser = user(&nodes([store])[0], "ada").await;
    browser.post("/add/canary-5f3a").await;
    dump::assert_no_usable_id(&everything(&url).await, &browser, "canary-5f3a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_committed_is_lost_when_the_server_is_killed() {
    let mut server = Server::redis();
    let stores = pair(&server.url("0")).await;
    fault::nothing_committed_is_lost_when_the_server_is_killed(&mut server, stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_stands_still_is_waited_for_no_longer_than_the_deadline() {
    let server = Server::redis();
    let stores = pair(&server.url("0")).await;
    let (silence, end) = (async || server.pause(), async || server.resume());
    fault::silence_is_waited_for_no_longer_than_the_deadline(stores, silence, end).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_lost_while_nobody_asked_costs_no_write() {
    let mut server = Server::redis();
    let mut browser = visitor(&nodes([store(&server.url("0")).await.into()])[0]).await;
    for _ in 0..3 {
        server.kill();
        server.start();
        assert_eq!(browser.post("/login/ada").await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_becomes_a_replica_is_unavailable_until_it_can_be_written_to() {
    let server = Server::redis();
    let url = server.url("0");
    let mut browser = visitor(&nodes([store(&url).await.into()])[0]).await;
    ask(&url, "REPLICAOF 127.0.0.1 1").await;
    assert_eq!(browser.post("/add/during").await.status, 503);
    assert_eq!(browser.get("/state").await.status, 503);
    ask(&url, "REPLICAOF NO ONE").await;
    let recovery = async {
        while browser.post("/add/after").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), recovery).await.expect("it recovers by itself");
    assert!(state_of(&mut browser).await.counter >= 2);
}

#[tokio::test]
async fn a_unix_socket_is_as_good_as_a_port() {
    let url = format!("unix:{}?db=6", server().directory().join("socket").display());
    let mut browser = user(&nodes([store(&url).await.into()])[0], "ada").await;
    assert_eq!(browser.post("/add/more").await.status, 200);
}

#[tokio::test]
async fn why_it_cannot_connect_is_told_in_one_line_without_the_password() {
    use ConnectErrorKind::{Evicting, ReadOnly, Refused, Unreachable, Url};
    let [locked, evicting, replica] = [(); 3].map(|()| Server::redis());
    ask(&evicting.url("0"), "CONFIG SET maxmemory-policy allkeys-lru").await;
    ask(&replica.url("0"), "REPLICAOF 127.0.0.1 1").await;
    ask(&locked.url("0"), "CONFIG SET requirepass right").await;
    let wrong = |server: &Server| server.url("0").replace('@', ":secret-5f3a@");
    let options = RedisOptions::default().patience(Duration::from_secs(2));
    for (url, kind) in [
        ("redis://:secret-5f3a@127.0.0.1:1/", Unreachable),
        ("redis://:secret-5f3a@127.0.0.1:port/", Url),
        // Nothing speaks TLS there; without the feature that is not even tried.
        (
            &evicting.url("0").replace("redis:", "rediss:"),
            if cfg!(feature = "tls") { Unreachable } else { Url },
        ),
        ("redis://:secret-5f3a@127.0.0.1/first", Url),
        ("postgres://ada:secret-5f3a@127.0.0.1/", Url),
        (&locked.url("0"), Refused),
        (&wrong(&locked), Refused),
        (&evicting.url("0"), Evicting),
        (&replica.url("0"), ReadOnly),
    ] {
        let error = RedisStore::connect_with(url, &options).await.expect_err(url);
        let text = error.to_string();
        assert_eq!((error.kind(), text.lines().count()), (kind, 1), "{text}");
        assert!(!text.contains("secret") && !format!("{error:?}").contains("secret"), "{error:?}");
    }
    let put_up = RedisStore::connect_with(&evicting.url("0"), &options.danger_may_evict()).await;
    let put_up = put_up.expect("a store");
    assert!(!format!("{put_up:?}").contains("redis://"));
    let lists = |store: RedisStore| AnyStore::from(store).subjects().is_some();
    assert!(!lists(put_up), "an index that was evicted is missed by nobody");
    assert!(lists(store(&server().url("0")).await));
}
