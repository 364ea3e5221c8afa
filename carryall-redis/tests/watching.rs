//! Records that are watched from their load to their commit, and what happens when they are not, or in vain.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::id::RecordKey;
use carryall::store::{Commit, Draft, Header, Store as _, StoreErrorKind, SubjectHash, Version};
use carryall_redis::{RedisOptions, RedisStore};
use carryall_testbed::server::Server;
use common::{ask, asked, commands, connection, counted, store, text, unwatched};
use tokio::net::{TcpListener, TcpStream};
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

/// Loads what is not there until so many connections watch.
async fn until_watched(url: &str, store: &RedisStore, connections: usize) {
    let count = async |name: &str| commands(url).await.get(name).copied().unwrap_or_default();
    let connections = u64::try_from(connections).expect("a few");
    tokio::time::timeout(Duration::from_secs(30), async {
        ask(url, "CONFIG RESETSTAT").await;
        // Those who load at once miss one each. The last thing that each does to show what it can is this.
        while count("discard").await < connections {
            load_at_once(store, connections + 1).await;
        }
        loop {
            ask(url, "CONFIG RESETSTAT").await;
            load_at_once(store, connections).await;
            if count("watch").await == connections {
                break;
            }
        }
    })
    .await
    .expect("connections");
}

async fn load_at_once(store: &RedisStore, times: u64) {
    let mut loads = JoinSet::new();
    for _ in 0..times {
        let store = store.clone();
        loads.spawn(async move { store.load(&OTHER, now()).await.map(drop) });
    }
    loads.join_all().await.into_iter().for_each(|load| load.expect("an answer"));
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
async fn who_may_not_do_a_part_of_it_writes_by_the_script() {
    let server = Server::redis();
    let admin = server.url("0");
    for denied in ["watch", "multi", "exec", "discard"] {
        ask(&admin, "FLUSHALL").await;
        ask(&admin, &format!("ACL SETUSER shop on >word ~* +@all -{denied}")).await;
        let store = store(&admin.replace("default@", "shop:word@")).await;
        begin(&store, &KEY).await;
        let mut n = 0;
        // A first connection is tried, found to be no good, and no other is.
        let denials = async || {
            let log = text(&admin, "INFO commandstats").await;
            let line = log.lines().find(|line| line.starts_with(&format!("cmdstat_{denied}:")));
            line.is_some_and(|line| !line.contains("rejected_calls=0"))
        };
        while n < 20 || !denials().await {
            n += 1;
            let version = load(&store, &KEY).await;
            assert_eq!(version, Version(n));
            store.commit(&KEY, Some(version), draft("next"), now()).await.expect("an answer");
        }
        ask(&admin, "CONFIG RESETSTAT").await;
        load(&store, &KEY).await;
        assert_eq!(commands(&admin).await, counted(&[("get", 1)]), "{denied}");
    }
}

#[tokio::test]
async fn a_server_that_had_no_connection_to_spare_is_asked_again() {
    let server = Server::redis();
    let url = server.url("0");
    let store = RedisStore::connect_with(&url, &RedisOptions::default().watching(1)).await.expect("a store");
    let mut admin = connection(&url).await;
    asked(&mut admin, "CONFIG SET maxclients 2").await;
    let refused = async |admin: &mut _| {
        let stats: String = redis::from_redis_value(asked(admin, "INFO stats").await).expect("a text");
        !stats.contains("rejected_connections:0")
    };
    while !refused(&mut admin).await {
        store.load(&OTHER, now()).await.expect("an answer");
    }
    asked(&mut admin, "CONFIG SET maxclients 100").await;
    until_watched(&url, &store, 1).await;
}

#[tokio::test]
async fn rights_that_are_taken_away_cost_no_update() {
    let server = Server::redis();
    let admin = server.url("0");
    for denied in ["watch", "multi", "exec", "discard"] {
        ask(&admin, "FLUSHALL").await;
        ask(&admin, "ACL SETUSER shop on >word ~* +@all").await;
        let url = admin.replace("default@", "shop:word@");
        let (store, other) = (watching(&url, 1).await, unwatched(&admin).await);
        begin(&store, &KEY).await;
        for when in ["before it is loaded", "after"] {
            ask(&admin, "ACL SETUSER shop +@all").await;
            if when == "before it is loaded" {
                ask(&admin, &format!("ACL SETUSER shop -{denied}")).await;
            }
            let version = load(&store, &KEY).await;
            ask(&admin, &format!("ACL SETUSER shop -{denied}")).await;
            other.commit(&KEY, Some(version), draft("theirs"), now()).await.expect("an answer");
            let outcome = store.commit(&KEY, Some(version), draft("mine"), now()).await.expect("an answer");
            let Commit::Conflict(fresh) = outcome else { panic!("{denied}, {when}: {outcome:?}") };
            assert_eq!((fresh.version, &fresh.payload[..]), (version.next(), &b"theirs"[..]));
            let outcome = store.commit(&KEY, Some(fresh.version), draft("mine"), now()).await;
            assert_eq!(outcome.expect("an answer"), Commit::Committed(fresh.version.next()));
        }
    }
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

/// A port behind which connections lead to the first server, and once it is told so to the second.
async fn crossroads(servers: [u16; 2]) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let (port, way) = (listener.local_addr().expect("an address").port(), Arc::new(AtomicUsize::new(0)));
    let chosen = Arc::clone(&way);
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let port = servers[chosen.load(Ordering::SeqCst)];
            tokio::spawn(async move {
                let mut server = TcpStream::connect(("127.0.0.1", port)).await.expect("a server");
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (port, way)
}

#[tokio::test]
async fn a_connection_that_leads_to_another_server_is_not_used() {
    let servers = [Server::redis(), Server::redis()];
    let (port, way) = crossroads([servers[0].port(), servers[1].port()]).await;
    begin(&store(&servers[1].url("0")).await, &KEY).await;
    let store = store(&format!("redis://127.0.0.1:{port}/0")).await;
    way.store(1, Ordering::SeqCst);
    let asked = async |name: &str| commands(&servers[1].url("0")).await.contains_key(name);
    // It is asked who it is, and nothing else.
    ask(&servers[1].url("0"), "CONFIG RESETSTAT").await;
    let introduced =
        async || text(&servers[1].url("0"), "INFO commandstats").await.contains("cmdstat_hello:");
    while !introduced().await {
        assert_eq!(store.load(&KEY, now()).await.expect("an answer"), None);
    }
    for _ in 0..20 {
        assert_eq!(store.load(&KEY, now()).await.expect("an answer"), None);
        assert!(!asked("get").await && !asked("watch").await, "it was asked for a session");
    }
}
