//! The store in a Redis that sentinels watch, against a master, two replicas and three sentinels of its own.

mod common;

use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::conformance;
use carryall::id::RecordKey;
use carryall::store::{AnyStore, Commit, Draft, Durability, Header, Store as _, Version};
use carryall_redis::{ConnectErrorKind, RedisOptions, RedisStore};
use carryall_testbed::node::{at, nodes, state_of, user, visitor};
use carryall_testbed::server::{Server, Watched, eventually};
use carryall_testbed::{dump, fault, race, rounds, subject};
use common::{commands, counted, everything, pair, pair_apart, store};

/// The servers of all tests but those that kill, stop or change them. Each has a database of its own.
fn watched() -> &'static Watched {
    static WATCHED: OnceLock<Watched> = OnceLock::new();
    WATCHED.get_or_init(Watched::start)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_a_store() {
    let url = watched().url("1");
    conformance::store(async || store(&url).await).await;
    conformance::subjects(async || store(&url).await).await;
    assert_eq!(store(&url).await.durability(), Durability::AsyncReplicated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_on_two_nodes_lose_nothing() {
    let stores = pair(&watched().url("2")).await;
    for _ in 0..rounds(1) {
        race::fifty_requests_lose_nothing(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_that_races_with_slow_writers_is_never_undone() {
    let stores = pair(&watched().url("3")).await;
    for _ in 0..rounds(3) {
        race::a_logout_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_logins_on_two_nodes_never_pass_the_cap() {
    let stores = pair(&watched().url("6")).await;
    for _ in 0..rounds(1) {
        subject::fifty_logins_never_pass_the_cap(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_is_revoked_by_its_name_is_never_brought_back() {
    let stores = pair_apart(&watched().url("6"), "revoked:").await;
    for _ in 0..rounds(1) {
        subject::a_revoked_session_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_lock_take_turns() {
    let stores = pair(&watched().url("5")).await;
    for _ in 0..rounds(1) {
        race::requests_that_lock_take_turns(stores.clone()).await;
    }
}

#[tokio::test]
async fn the_keys_and_values_hold_no_usable_id_on_a_replica_either() {
    let store: AnyStore = store(&watched().url("4")).await.into();
    let mut browser = user(&nodes([store])[0], "ada").await;
    browser.post("/add/canary-5f3a").await;
    watched().replicate();
    for server in &watched().servers {
        dump::assert_no_usable_id(&everything(&server.url("4")).await, &browser, "canary-5f3a");
    }
}

#[tokio::test]
async fn sentinels_cost_a_request_nothing() {
    let watched = Watched::start();
    let node = nodes([store(&watched.url("0")).await.into()]).remove(0);
    let mut browser = visitor(&node).await;
    watched.servers[0].tell("CONFIG RESETSTAT");
    assert_eq!(browser.post("/add/more").await.status, 200);
    // Sentinels ask the master all the time, but neither this.
    let mut asked = commands(&watched.servers[0].url("0")).await;
    asked.retain(|name, _| ["get", "evalsha", "getrange", "set"].contains(&&**name));
    let read_and_written = [("get", 1), ("evalsha", 1), ("getrange", 1), ("set", 1)];
    assert_eq!(asked, counted(&read_and_written));
}

fn key(n: u16) -> RecordKey {
    RecordKey::from_bytes(u128::from(n).to_be_bytes())
}

fn draft(now: Timestamp) -> Draft {
    let expires = now.plus(Duration::from_mins(30));
    let header = Header { created: now, seen: now, expires, latest: expires, subject: None };
    Draft { header, payload: Bytes::from_static(b"acknowledged") }
}

/// Writes records one after the other, beginning with this one, until one fails; answers with the first that did.
async fn write_until_it_fails(store: RedisStore, first: u16, now: Timestamp) -> u16 {
    let mut n = first;
    while let Ok(outcome) = store.commit(&key(n), None, draft(now), now).await {
        assert_eq!(outcome, Commit::Committed(Version::FIRST));
        n += 1;
    }
    n
}

/// Tries until the store answers. It does so by itself, and every failure comes in time.
async fn answers(store: &RedisStore, now: Timestamp) {
    for _ in 0..3000 {
        let first = key(0);
        let attempt = tokio::time::timeout(Duration::from_secs(20), store.load(&first, now));
        if attempt.await.expect("a call hangs").is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it does not recover");
}

/// What `Durability::AsyncReplicated` admits, and no more: of the acknowledged writes those are lost that no replica
/// had received, the latest ones. Whatever had been replicated is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_killed_master_is_replaced_and_only_what_no_replica_had_is_lost() {
    let mut watched = Watched::start();
    let (store, now) = (store(&watched.url("0")).await, SystemClock.now());
    assert_eq!(store.durability(), Durability::AsyncReplicated);
    let mut browser = visitor(&fault::two([store.clone().into(), store.clone().into()])[0]).await;
    for n in 0..100 {
        store.commit(&key(n), None, draft(now), now).await.expect("an answer");
    }
    watched.replicate();
    let writing = tokio::spawn(write_until_it_fails(store.clone(), 100, now));
    let size = || watched.servers[0].ask("DBSIZE").parse::<u16>().expect("a number");
    eventually("some writes are under way", || size() > 120);
    watched.servers[0].kill();
    let unanswered = writing.await.expect("an end");
    assert_eq!(fault::add(&mut browser, "during").await, 503);
    assert!(!browser.cookies().is_empty(), "an outage removes no cookie");

    answers(&store, now).await;
    let master = watched.master().expect("the sentinels agree");
    assert_ne!(master, 0, "it is dead");
    let mut found = Vec::new();
    for n in 0..=unanswered {
        found.push(store.load(&key(n), now).await.expect("an answer").is_some());
    }
    let kept = found.iter().position(|is_there| !is_there).unwrap_or(found.len());
    assert!(kept >= 100, "{kept} of {unanswered}: a replica had more");
    assert!(found[kept..].iter().all(|is_there| !is_there), "lost in the middle");
    fault::recover(&mut browser).await;
    assert!(state_of(&mut browser).await.keys.contains(&"key-first".to_owned()));

    // The old master follows the new one, and nobody writes to it.
    watched.servers[0].start();
    eventually("it has found its place", || {
        watched.servers[0].ask("INFO replication").contains("master_link_status:up")
    });
    assert_eq!(fault::add(&mut browser, "later").await, 200);
    assert_eq!(
        RedisStore::connect(&watched.url("0")).await.expect("a store").durability(),
        store.durability()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_master_that_steps_down_is_written_to_no_more() {
    let watched = Watched::start();
    let nodes = fault::two(pair(&watched.url("0")).await);
    let mut browser = visitor(&nodes[0]).await;
    watched.replicate();
    watched.sentinels[0].tell("SENTINEL FAILOVER shop");
    eventually("the sentinels agree", || watched.master().is_some_and(|place| place != 0));
    eventually("the old one follows", || watched.servers[0].ask("INFO replication").contains("role:slave"));
    for node in &nodes {
        fault::recover(&mut at(node, &browser)).await;
    }
    assert!(state_of(&mut browser).await.counter >= 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_master_that_stands_still_is_replaced_although_nobody_waits_for_it_for_long() {
    let watched = Watched::start();
    let options = RedisOptions::default().patience(Duration::from_secs(2));
    let store = RedisStore::connect_with(&watched.url("0"), &options).await.expect("a store");
    // Requests wait for a second, less than it takes to give the connection up.
    let nodes = fault::two([store.clone().into(), store.into()]);
    let mut browser = visitor(&nodes[0]).await;
    watched.replicate();
    watched.servers[0].pause();
    fault::recover(&mut browser).await;
    assert!(watched.master().is_some_and(|place| place != 0));
    assert!(state_of(&mut browser).await.keys.contains(&"key-first".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_sentinel_that_works_is_enough_whatever_the_others_do() {
    let mut watched = Watched::start();
    watched.sentinels[0].kill();
    watched.sentinels[1].pause();
    let options = RedisOptions::default().patience(Duration::from_secs(4));
    let store = RedisStore::connect_with(&watched.url("0"), &options).await.expect("the third knows");
    let mut browser = visitor(&nodes([store.into()])[0]).await;
    for _ in 0..2 {
        watched.servers[0].kill();
        watched.servers[0].start();
        assert_eq!(browser.post("/add/more").await.status, 200);
    }
}

#[tokio::test]
async fn why_there_is_no_master_is_told_in_one_line_without_the_password() {
    use ConnectErrorKind::{Evicting, Mismatch, ReadOnly, Refused, Unreachable};
    let [evicting, replica, alone] = [(); 3].map(|()| Server::redis());
    let (sentinel, locked) = (Server::sentinel(), Server::sentinel());
    replica.tell(&format!("REPLICAOF 127.0.0.1 {}", alone.port()));
    evicting.tell("CONFIG SET maxmemory-policy allkeys-lru");
    for (name, server) in [("evicting", &evicting), ("alone", &alone)] {
        sentinel.tell(&format!("SENTINEL MONITOR {name} 127.0.0.1 {} 1", server.port()));
    }
    locked.tell(&format!("SENTINEL MONITOR alone 127.0.0.1 {} 1", alone.port()));
    locked.tell("ACL SETUSER default resetpass >right");
    let options = RedisOptions::default().patience(Duration::from_secs(2));
    let url =
        |server: &Server, name| format!("redis+sentinel://:secret-5f3a@127.0.0.1:{}/{name}", server.port());
    for (url, kind) in [
        ("redis+sentinel://:secret-5f3a@127.0.0.1:1,127.0.0.1:2/alone".to_owned(), Unreachable),
        (url(&sentinel, "nobody"), Mismatch),
        (url(&alone, "alone"), Mismatch),
        (format!("redis://127.0.0.1:{}", sentinel.port()), Mismatch),
        (format!("redis+cluster://127.0.0.1:{}", sentinel.port()), Mismatch),
        (url(&sentinel, "evicting"), Evicting),
        (url(&locked, "alone"), Refused),
    ] {
        let error = RedisStore::connect_with(&url, &options).await.expect_err(&url);
        let text = error.to_string();
        assert_eq!((error.kind(), text.lines().count()), (kind, 1), "{text}");
        assert!(!text.contains("secret") && !format!("{error:?}").contains("secret"), "{error:?}");
    }
    let known = options.clone().sentinel_password("right");
    assert!(RedisStore::connect_with(&url(&locked, "alone"), &known).await.is_ok());
    // A sentinel that is behind the times.
    alone.tell(&format!("REPLICAOF 127.0.0.1 {}", evicting.port()));
    let error = RedisStore::connect_with(&url(&sentinel, "alone"), &options).await.expect_err("a replica");
    assert_eq!(error.kind(), ReadOnly, "{error}");
}
