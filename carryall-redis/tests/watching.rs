//! Records that are watched from their load to their commit, and what happens when they are not, or in vain.

mod common;

use std::time::Duration;

use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::id::RecordKey;
use carryall::store::{Commit, Draft, Header, Store as _, StoreErrorKind, SubjectHash, Version};
use carryall_redis::{RedisOptions, RedisStore};
use carryall_testbed::server::Server;
use common::{ask, asked, commands, connection, store, unwatched};
use tokio::task::JoinSet;

const KEY: RecordKey = RecordKey::from_bytes(*b"one_record_of_it");
const OTHER: RecordKey = RecordKey::from_bytes(*b"one_that_is_not_");

fn now() -> Timestamp {
    SystemClock.now()
}

fn draft(payload: &'static str) -> Draft {
    let expires = now().plus(Duration::from_mins(30));
    let header = Header { created: expires, seen: now(), expires, latest: expires, subject: None };
    Draft { header, payload: payload.into() }
}

/// A store with this many connections that watch, all of them open.
async fn watching(url: &str, connections: usize) -> RedisStore {
    let options = RedisOptions::default().watching(connections);
    let store = RedisStore::connect_with(url, &options).await.expect("a store");
    until_watched(url, &store, connections).await;
    store
}

/// Loads what is not there until so many connections more are open, and then one more time.
async fn until_watched(url: &str, store: &RedisStore, connections: usize) {
    let mut admin = connection(url).await;
    let open = async |admin: &mut _| {
        let clients: Vec<u8> = redis::from_redis_value(asked(admin, "CLIENT LIST").await).expect("a list");
        String::from_utf8_lossy(&clients).lines().filter(|line| line.contains("cmd=")).count()
    };
    let before = open(&mut admin).await;
    // Those who load at once miss one each.
    let all_load = async || {
        let mut loads = JoinSet::new();
        for _ in 0..=connections {
            let store = store.clone();
            loads.spawn(async move { store.load(&OTHER, now()).await.map(drop) });
        }
        loads.join_all().await.into_iter().for_each(|load| load.expect("an answer"));
    };
    tokio::time::timeout(Duration::from_secs(30), async {
        while open(&mut admin).await < before + connections {
            all_load().await;
        }
        // Each has introduced itself when it watches.
        while !commands(url).await.contains_key("watch") {
            all_load().await;
        }
    })
    .await
    .expect("connections");
}

async fn begin(store: &RedisStore, key: &RecordKey) {
    let outcome = store.commit(key, None, draft("first"), now()).await.expect("an answer");
    assert_eq!(outcome, Commit::Committed(Version::FIRST));
}

async fn load(store: &RedisStore, key: &RecordKey) -> Version {
    store.load(key, now()).await.expect("an answer").expect("a record").version
}

/// How often scripts were called and transactions made since the last time.
async fn writes(url: &str) -> [u64; 2] {
    let commands = commands(url).await;
    ask(url, "CONFIG RESETSTAT").await;
    ["evalsha", "exec"].map(|name| commands.get(name).copied().unwrap_or_default())
}

#[tokio::test]
async fn what_nobody_else_has_touched_is_written_without_a_script() {
    let server = Server::redis();
    let url = server.url("0");
    let store = watching(&url, 1).await;
    begin(&store, &KEY).await;
    writes(&url).await;
    for n in 1..4 {
        let version = load(&store, &KEY).await;
        assert_eq!(version, Version(n));
        let outcome = store.commit(&KEY, Some(version), draft("next"), now()).await.expect("an answer");
        assert_eq!(outcome, Commit::Committed(Version(n + 1)));
    }
    assert_eq!(writes(&url).await, [0, 3]);
    assert_eq!(store.load(&KEY, now()).await.expect("an answer").expect("a record").payload, "next");
}

#[tokio::test]
async fn what_somebody_else_has_changed_since_is_a_conflict_with_what_is_there() {
    let server = Server::redis();
    let url = server.url("0");
    let (store, other) = (watching(&url, 1).await, store(&url).await);
    begin(&store, &KEY).await;
    let version = load(&store, &KEY).await;
    other.commit(&KEY, Some(version), draft("theirs"), now()).await.expect("an answer");
    let outcome = store.commit(&KEY, Some(version), draft("mine"), now()).await.expect("an answer");
    let Commit::Conflict(fresh) = outcome else { panic!("{outcome:?}") };
    assert_eq!((fresh.version, &fresh.payload[..]), (Version(2), &b"theirs"[..]));
}

#[tokio::test]
async fn what_somebody_else_has_removed_is_gone_and_stays_so() {
    let server = Server::redis();
    let url = server.url("0");
    let (store, other) = (watching(&url, 1).await, store(&url).await);
    begin(&store, &KEY).await;
    let version = load(&store, &KEY).await;
    assert!(other.remove(&KEY, now()).await.expect("an answer"));
    let outcome = store.commit(&KEY, Some(version), draft("mine"), now()).await.expect("an answer");
    assert_eq!(outcome, Commit::Gone);
    assert_eq!(store.load(&KEY, now()).await.expect("an answer"), None);
}

#[tokio::test]
async fn what_was_only_touched_since_is_written_all_the_same() {
    let server = Server::redis();
    let url = server.url("0");
    let store = watching(&url, 1).await;
    begin(&store, &KEY).await;
    let version = load(&store, &KEY).await;
    assert!(store.touch(&KEY, now(), now(), now()).await.expect("an answer"));
    writes(&url).await;
    let outcome = store.commit(&KEY, Some(version), draft("mine"), now()).await.expect("an answer");
    assert_eq!(outcome, Commit::Committed(Version(2)));
    assert_eq!(writes(&url).await, [1, 1], "in vain, and then by the script");
}

#[tokio::test]
async fn of_two_who_have_loaded_the_same_one_wins() {
    let server = Server::redis();
    let url = server.url("0");
    let store = watching(&url, 2).await;
    begin(&store, &KEY).await;
    let (first, second) = (load(&store, &KEY).await, load(&store, &KEY).await);
    let outcome = store.commit(&KEY, Some(first), draft("mine"), now()).await.expect("an answer");
    assert_eq!(outcome, Commit::Committed(Version(2)));
    writes(&url).await;
    let outcome = store.commit(&KEY, Some(second), draft("late"), now()).await.expect("an answer");
    assert!(matches!(outcome, Commit::Conflict(_)), "{outcome:?}");
    assert_eq!(writes(&url).await, [1, 0], "a transaction that is known to be in vain is not tried");
}

#[tokio::test]
async fn a_session_that_was_overtaken_is_written_by_the_script() {
    let server = Server::redis();
    let url = server.url("0");
    let store = watching(&url, 1).await;
    begin(&store, &KEY).await;
    begin(&store, &OTHER).await;
    writes(&url).await;
    let version = load(&store, &KEY).await;
    load(&store, &OTHER).await;
    for (key, expected) in [(KEY, [1, 0]), (OTHER, [0, 1])] {
        let outcome = store.commit(&key, Some(version), draft("mine"), now()).await.expect("an answer");
        assert_eq!(outcome, Commit::Committed(Version(2)));
        assert_eq!(writes(&url).await, expected);
    }
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_leaves_a_connection_that_is_good() {
    let server = Server::redis();
    let url = server.url("0");
    let store = watching(&url, 1).await;
    begin(&store, &KEY).await;
    begin(&store, &OTHER).await;
    for _ in 0..20 {
        let version = load(&store, &KEY).await;
        let mut late = Box::pin(store.commit(&KEY, Some(version), draft("late"), now()));
        tokio::select! {
            biased;
            _ = &mut late => {}
            () = std::future::ready(()) => {}
        }
        drop(late);
        // Whether it was written is not known; what is written next is.
        let version = load(&store, &OTHER).await;
        let outcome = store.commit(&OTHER, Some(version), draft("mine"), now()).await.expect("an answer");
        assert_eq!(outcome, Commit::Committed(version.next()));
    }
    assert_eq!(load(&store, &OTHER).await, Version(21));
}

#[tokio::test]
async fn a_record_that_becomes_a_users_is_written_with_its_index() {
    let server = Server::redis();
    let url = server.url("0");
    let store = watching(&url, 1).await;
    begin(&store, &KEY).await;
    writes(&url).await;
    let mut draft = draft("signed in");
    draft.header.subject = Some(SubjectHash([7; 16]));
    for (version, expected) in [(1, [1, 0]), (2, [0, 1])] {
        assert_eq!(load(&store, &KEY).await, Version(version));
        let outcome = store.commit(&KEY, Some(Version(version)), draft.clone(), now()).await;
        assert_eq!(outcome.expect("an answer"), Commit::Committed(Version(version + 1)));
        assert_eq!(writes(&url).await, expected);
    }
    // A user's session that is to live longer is to stand for longer in the index.
    draft.header.latest = draft.header.latest.plus(Duration::from_hours(1));
    let version = load(&store, &KEY).await;
    store.commit(&KEY, Some(version), draft, now()).await.expect("an answer");
    assert_eq!(writes(&url).await, [1, 0]);
}

#[tokio::test]
async fn who_may_not_watch_writes_by_the_script() {
    let server = Server::redis();
    let admin = server.url("0");
    let rights = "+@all -watch";
    ask(&admin, &format!("ACL SETUSER shop on >word ~* {rights}")).await;
    let store = store(&admin.replace("default@", "shop:word@")).await;
    begin(&store, &KEY).await;
    for n in 1..20 {
        let version = load(&store, &KEY).await;
        assert_eq!(version, Version(n));
        store.commit(&KEY, Some(version), draft("next"), now()).await.expect("an answer");
    }
    assert_eq!(commands(&admin).await.get("exec"), None);
}

#[tokio::test]
async fn a_full_server_says_so_of_a_watched_record_too() {
    let server = Server::redis();
    let url = server.url("0");
    let store = watching(&url, 1).await;
    begin(&store, &KEY).await;
    let version = load(&store, &KEY).await;
    ask(&url, "CONFIG SET maxmemory 1mb").await;
    let full = store.commit(&KEY, Some(version), draft("more"), now()).await;
    assert_eq!(full.expect_err("it is full").kind(), StoreErrorKind::Full);
    ask(&url, "CONFIG SET maxmemory 0").await;
    let outcome = store.commit(&KEY, Some(version), draft("more"), now()).await.expect("an answer");
    assert_eq!(outcome, Commit::Committed(Version(2)));
}

#[tokio::test]
async fn what_was_watched_before_a_restart_is_not_taken_for_watched() {
    let mut server = Server::redis();
    let url = server.url("0");
    let store = watching(&url, 1).await;
    begin(&store, &KEY).await;
    let version = load(&store, &KEY).await;
    server.kill();
    server.start();
    let other = unwatched(&url).await;
    other.commit(&KEY, Some(version), draft("theirs"), now()).await.expect("an answer");
    let outcome = loop {
        // The first to ask may be told that the connection is lost.
        if let Ok(outcome) = store.commit(&KEY, Some(version), draft("mine"), now()).await {
            break outcome;
        }
    };
    assert!(matches!(outcome, Commit::Conflict(_)), "{outcome:?}");
    until_watched(&url, &store, 1).await;
}

#[tokio::test]
async fn no_connection_watches_if_none_is_to() {
    let server = Server::redis();
    let url = server.url("0");
    let store = unwatched(&url).await;
    begin(&store, &KEY).await;
    for _ in 0..10 {
        let version = load(&store, &KEY).await;
        store.commit(&KEY, Some(version), draft("next"), now()).await.expect("an answer");
    }
    let commands = commands(&url).await;
    assert_eq!(["watch", "exec"].map(|name| commands.get(name)), [None, None]);
}
