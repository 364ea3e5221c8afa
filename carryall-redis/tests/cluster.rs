//! The store in Redis Cluster, against three masters of its own.

mod common;

use std::sync::OnceLock;
use std::time::Duration;

use axum::Router;
use bytes::Bytes;
use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::conformance;
use carryall::id::RecordKey;
use carryall::store::{AnyStore, Commit, Draft, Durability, Header, Store as _, Version};
use carryall_redis::{ConnectErrorKind, RedisOptions, RedisStore};
use carryall_testbed::node::{Browser, at, nodes, state_of, user, visitor};
use carryall_testbed::server::{RedisCluster, Server, eventually};
use carryall_testbed::{dump, fault, race, rounds};
use common::{asked, commands, connection, counted, everything, pair, store};

/// The cluster of all tests but those that kill, stop, count or change it.
fn cluster() -> &'static RedisCluster {
    static CLUSTER: OnceLock<RedisCluster> = OnceLock::new();
    CLUSTER.get_or_init(RedisCluster::start)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_a_store_while_scripts_are_forgotten() {
    let url = cluster().url();
    let mut forgetful = Vec::new();
    for master in &cluster().masters {
        let mut connection = connection(&master.url("0")).await;
        forgetful.push(tokio::spawn(async move {
            loop {
                asked(&mut connection, "SCRIPT FLUSH").await;
            }
        }));
    }
    conformance::store(async || store(&url).await).await;
    conformance::subjects(async || store(&url).await).await;
    assert_eq!(store(&url).await.durability(), Durability::AsyncReplicated);
    forgetful.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_on_two_nodes_lose_nothing() {
    let stores = pair(&cluster().url()).await;
    for _ in 0..rounds(1) {
        race::fifty_requests_lose_nothing(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_that_races_with_slow_writers_is_never_undone() {
    let stores = pair(&cluster().url()).await;
    for _ in 0..rounds(3) {
        race::a_logout_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_lock_take_turns() {
    let stores = pair(&cluster().url()).await;
    for _ in 0..rounds(1) {
        race::requests_that_lock_take_turns(stores.clone()).await;
    }
}

#[tokio::test]
async fn the_keys_and_values_of_all_masters_hold_no_usable_id() {
    let cluster = RedisCluster::start();
    let store: AnyStore = store(&cluster.url()).await.into();
    let mut browser = user(&nodes([store])[0], "ada").await;
    browser.post("/add/canary-5f3a").await;
    let mut dump = Vec::new();
    for master in &cluster.masters {
        dump.extend(everything(&master.url("0")).await);
    }
    dump::assert_no_usable_id(&dump, &browser, "canary-5f3a");
}

/// What all masters were asked since the last reset.
async fn all_commands(cluster: &RedisCluster) -> std::collections::BTreeMap<String, u64> {
    let mut sum = std::collections::BTreeMap::new();
    for master in &cluster.masters {
        for (name, count) in commands(&master.url("0")).await {
            *sum.entry(name).or_default() += count;
        }
    }
    sum
}

fn reset(cluster: &RedisCluster) {
    cluster.masters.iter().for_each(|master| master.tell("CONFIG RESETSTAT"));
}

#[tokio::test]
async fn a_request_costs_no_command_until_it_uses_its_session_one_to_read_and_another_to_write() {
    let cluster = RedisCluster::start();
    let node = nodes([store(&cluster.url()).await.into()]).remove(0);
    for mut browser in one_on_each(&cluster, &node).await {
        reset(&cluster);
        assert_eq!(browser.get("/nowhere").await.status, 404);
        assert_eq!(all_commands(&cluster).await, counted(&[]));

        state_of(&mut browser).await;
        assert_eq!(all_commands(&cluster).await, counted(&[("get", 1)]));

        reset(&cluster);
        assert_eq!(browser.post("/add/more").await.status, 200);
        // The script's own two are no round trips.
        let read_and_written = [("get", 1), ("evalsha", 1), ("getrange", 1), ("set", 1)];
        assert_eq!(all_commands(&cluster).await, counted(&read_and_written));
    }
}

/// Visitors whose sessions are on the first, the second and the third master.
async fn one_on_each(cluster: &RedisCluster, node: &Router) -> [Browser; 3] {
    let sizes = || cluster.masters.iter().map(|master| master.ask("DBSIZE")).collect::<Vec<_>>();
    let mut found = [const { None }; 3];
    while found.iter().any(Option::is_none) {
        let before = sizes();
        let browser = visitor(node).await;
        let after = sizes();
        let place = (0..3).find(|&place| before[place] != after[place]).expect("it is somewhere");
        found[place] = Some(browser);
    }
    found.map(|browser| browser.expect("each"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sessions_of_a_killed_master_fail_in_time_come_back_with_it_and_the_others_go_on() {
    let mut cluster = RedisCluster::start();
    let nodes = fault::two(pair(&cluster.url()).await);
    let mut browsers = one_on_each(&cluster, &nodes[0]).await;
    let writer = tokio::spawn(fault::write_until_it_fails(at(&nodes[1], &browsers[0]), 0));
    while state_of(&mut browsers[0]).await.keys.len() < 20 {
        tokio::task::yield_now().await;
    }
    cluster.masters[0].kill();
    let written = writer.await.expect("an answer");
    for node in &nodes {
        for (place, browser) in browsers.iter().enumerate() {
            let mut browser = at(node, browser);
            for _ in 0..5 {
                let expected = if place == 0 { 503 } else { 200 };
                assert_eq!(fault::add(&mut browser, "during").await, expected, "{place}");
                assert!(!browser.cookies().is_empty(), "an outage removes no cookie");
            }
        }
    }
    cluster.masters[0].start();
    for node in &nodes {
        fault::recover(&mut at(node, &browsers[0])).await;
    }
    let keys = state_of(&mut browsers[0]).await.keys;
    for key in &written {
        assert!(keys.contains(&format!("key-{key}")), "{key} of {} is lost", written.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn masters_that_stand_still_are_waited_for_no_longer_than_the_deadline() {
    let cluster = RedisCluster::start();
    let stores = pair(&cluster.url()).await;
    let silence = async || cluster.masters.iter().for_each(Server::pause);
    let end = async || cluster.masters.iter().for_each(Server::resume);
    fault::silence_is_waited_for_no_longer_than_the_deadline(stores, silence, end).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_takes_over_is_found() {
    let mut cluster = RedisCluster::start();
    let replica = cluster.replica_of(0);
    let nodes = fault::two(pair(&cluster.url()).await);
    let mut browsers = one_on_each(&cluster, &nodes[0]).await;
    eventually("the replica has what was written", || {
        replica.ask("DBSIZE") == cluster.masters[0].ask("DBSIZE")
    });
    cluster.masters[0].kill();
    for node in &nodes {
        fault::recover(&mut at(node, &browsers[0])).await;
    }
    assert!(replica.ask("INFO replication").contains("role:master"), "who else");
    assert!(state_of(&mut browsers[0]).await.keys.contains(&"key-first".to_owned()));
    // The old one follows the new one now, and is asked nothing.
    cluster.masters[0].start();
    for browser in &mut browsers {
        assert_eq!(fault::add(browser, "later").await, 200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_of_a_master_that_stands_still_is_found() {
    let cluster = RedisCluster::start();
    let replica = cluster.replica_of(0);
    let options = RedisOptions::default().patience(Duration::from_secs(2));
    let store = RedisStore::connect_with(&cluster.url(), &options).await.expect("a store");
    let nodes = fault::two([store.clone().into(), store.into()]);
    let mut browsers = one_on_each(&cluster, &nodes[0]).await;
    eventually("the replica has what was written", || {
        replica.ask("DBSIZE") == cluster.masters[0].ask("DBSIZE")
    });
    cluster.masters[0].pause();
    fault::recover(&mut browsers[0]).await;
    assert!(replica.ask("INFO replication").contains("role:master"), "who else");
}

const KEY: RecordKey = RecordKey::from_bytes(*b"one_record_of_it");

fn draft(now: Timestamp, payload: &'static str) -> Draft {
    let expires = now.plus(Duration::from_mins(30));
    let header = Header { created: now, seen: now, expires, latest: expires, subject: None };
    Draft { header, payload: Bytes::from(payload) }
}

#[tokio::test]
async fn a_record_is_followed_while_its_slot_moves_and_afterwards() {
    let cluster = RedisCluster::start();
    let (store, now) = (store(&cluster.url()).await, SystemClock.now());
    store.commit(&KEY, None, draft(now, "first"), now).await.expect("an answer");
    let place = (0..3).find(|&place| cluster.masters[place].ask("DBSIZE") == "1").expect("somewhere");
    let [from, to, other] = [0, 1, 2].map(|n| &cluster.masters[(place + n) % 3]);
    let slot = from.ask("CLUSTER KEYSLOT carryall:one_record_of_it");
    let (from_id, to_id) = (from.ask("CLUSTER MYID"), to.ask("CLUSTER MYID"));

    to.tell(&format!("CLUSTER SETSLOT {slot} IMPORTING {from_id}"));
    from.tell(&format!("CLUSTER SETSLOT {slot} MIGRATING {to_id}"));
    assert_eq!(store.load(&KEY, now).await.expect("an answer").expect("a record").payload, "first");
    from.tell(&format!("MIGRATE 127.0.0.1 {} carryall:one_record_of_it 0 5000", to.port()));
    assert_eq!(store.load(&KEY, now).await.expect("an answer").expect("a record").payload, "first");
    to.tell("SCRIPT FLUSH");
    let outcome = store.commit(&KEY, Some(Version::FIRST), draft(now, "second"), now).await;
    assert_eq!(outcome.expect("an answer"), Commit::Committed(Version(2)));

    for master in [to, from, other] {
        master.tell(&format!("CLUSTER SETSLOT {slot} NODE {to_id}"));
    }
    assert_eq!(store.load(&KEY, now).await.expect("an answer").expect("a record").payload, "second");
    reset(&cluster);
    let outcome = store.commit(&KEY, Some(Version(2)), draft(now, "third"), now).await;
    assert_eq!(outcome.expect("an answer"), Commit::Committed(Version(3)));
    assert_eq!(commands(&to.url("0")).await, counted(&[("evalsha", 1), ("getrange", 1), ("set", 1)]));
    assert_eq!(commands(&from.url("0")).await, counted(&[]));
}

#[tokio::test]
async fn one_node_that_is_up_is_enough_to_begin_and_another_kind_of_server_is_told() {
    use ConnectErrorKind::{Evicting, Mismatch, Refused, Unreachable};
    let mut cluster = RedisCluster::start();
    let (alone, blank) = (Server::redis(), Server::node());
    let options = RedisOptions::default().patience(Duration::from_secs(2));
    let at = |server: &Server| format!("redis+cluster://:secret-5f3a@127.0.0.1:{}", server.port());
    let ports: Vec<_> = cluster.masters.iter().map(Server::port).collect();
    cluster.masters[0].tell("CONFIG SET requirepass right");
    cluster.masters[1].tell("CONFIG SET maxmemory-policy allkeys-lru");
    for (url, kind) in [
        ("redis+cluster://:secret-5f3a@127.0.0.1:1,127.0.0.1:2".to_owned(), Unreachable),
        (at(&alone), Mismatch),
        (at(&blank), Unreachable),
        (format!("redis://127.0.0.1:{}", ports[2]), Mismatch),
        (at(&cluster.masters[0]), Refused),
        (format!("redis+cluster://:right@127.0.0.1:{}", ports[0]), Evicting),
    ] {
        let error = RedisStore::connect_with(&url, &options).await.expect_err(&url);
        let text = error.to_string();
        assert_eq!((error.kind(), text.lines().count()), (kind, 1), "{text}");
        assert!(!text.contains("secret") && !format!("{error:?}").contains("secret"), "{error:?}");
    }
    cluster.masters[0].kill();
    cluster.masters[1].tell("CONFIG SET maxmemory-policy noeviction");
    let store = RedisStore::connect_with(&cluster.url(), &options).await.expect("two are enough");
    let now = SystemClock.now();
    let mut outcomes = Vec::new();
    for n in 0..100_u8 {
        let key = RecordKey::from_bytes([n; 16]);
        outcomes.push(store.commit(&key, None, draft(now, "any"), now).await.is_ok());
    }
    assert!(outcomes.contains(&true) && outcomes.contains(&false), "some work, some do not");
}
