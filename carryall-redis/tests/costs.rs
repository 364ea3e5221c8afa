//! What the store costs its server, by the server's own count: commands a request and bytes a session; and when the
//! server sweeps, and is full.

mod common;

use std::time::Duration;

use bytes::Bytes;
use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::id::RecordKey;
use carryall::store::{Commit, Draft, Durability, Header, Store as _, StoreErrorKind, SubjectHash, Version};
use carryall_redis::{RedisOptions, RedisStore};
use carryall_testbed::node::{nodes, state_of, visitor};
use carryall_testbed::server::Server;
use common::{ask, asked, commands, connection, counted, store, text, unwatched};

const KEY: RecordKey = RecordKey::from_bytes(*b"one record of it");

fn draft(expires: Timestamp, payload: impl Into<Bytes>) -> Draft {
    let header = Header { created: expires, seen: expires, expires, latest: expires, subject: None };
    Draft { header, payload: payload.into() }
}

#[tokio::test]
async fn a_request_costs_no_command_until_it_uses_its_session_one_to_read_and_another_to_write() {
    let server = Server::redis();
    let url = server.url("0");
    let node = nodes([unwatched(&url).await.into()]).remove(0);
    let mut browser = visitor(&node).await;

    ask(&url, "CONFIG RESETSTAT").await;
    assert_eq!(browser.get("/nowhere").await.status, 404);
    assert_eq!(commands(&url).await, counted(&[]));

    state_of(&mut browser).await;
    assert_eq!(commands(&url).await, counted(&[("get", 1)]));

    ask(&url, "CONFIG RESETSTAT").await;
    assert_eq!(browser.post("/add/more").await.status, 200);
    // The script's own two are no round trips.
    let read_and_written = [("get", 1), ("evalsha", 1), ("getrange", 1), ("set", 1)];
    assert_eq!(commands(&url).await, counted(&read_and_written));
}

#[tokio::test]
async fn a_request_that_is_watched_costs_one_round_trip_to_read_and_another_to_write_without_a_script() {
    let server = Server::redis();
    let url = server.url("0");
    let options = RedisOptions::default().watching(1);
    let store = RedisStore::connect_with(&url, &options).await.expect("a store");
    let mut browser = visitor(&nodes([store.into()])[0]).await;
    let mut admin = connection(&url).await;
    // A connection that watches is opened when it is missed, and then not used for anything else.
    loop {
        ask(&url, "CONFIG RESETSTAT").await;
        state_of(&mut browser).await;
        if commands(&url).await == counted(&[("get", 1), ("watch", 1), ("multi", 1), ("discard", 1)]) {
            break;
        }
    }
    let read = async |admin: &mut _| {
        let info: String = redis::from_redis_value(asked(admin, "INFO stats").await).expect("a text");
        let line = info.lines().find_map(|line| line.strip_prefix("total_reads_processed:"));
        line.expect("a number").parse::<u64>().expect("a number")
    };
    // Asking is one more.
    let before = read(&mut admin).await;
    assert_eq!(browser.get("/nowhere").await.status, 404);
    let untouched = read(&mut admin).await;
    state_of(&mut browser).await;
    let loaded = read(&mut admin).await;
    ask(&url, "CONFIG RESETSTAT").await;
    let reset = read(&mut admin).await;
    assert_eq!(browser.post("/add/more").await.status, 200);
    let written = read(&mut admin).await;
    assert_eq!([untouched - before, loaded - untouched, written - reset], [1, 2, 3]);
    let commands = commands(&url).await;
    // What the last request has left is discarded.
    let made = [("discard", 1), ("get", 1), ("watch", 1), ("multi", 1), ("set", 1), ("exec", 1)];
    assert_eq!(commands, counted(&made));
}

#[tokio::test]
async fn a_lost_race_is_told_of_in_the_same_round_trip() {
    let server = Server::redis();
    let url = server.url("0");
    let (store, now) = (store(&url).await, SystemClock.now());
    let draft = draft(now.plus(Duration::from_mins(30)), "first");
    store.commit(&KEY, None, draft.clone(), now).await.expect("an answer");
    ask(&url, "CONFIG RESETSTAT").await;
    let outcome = store.commit(&KEY, None, draft, now).await.expect("an answer");
    let Commit::Conflict(fresh) = outcome else { panic!("{outcome:?}") };
    assert_eq!((fresh.version, &fresh.payload[..]), (Version::FIRST, &b"first"[..]));
    assert_eq!(commands(&url).await, counted(&[("evalsha", 1), ("getrange", 1), ("get", 1)]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_with_its_index_takes_little_more_room_than_a_plain_value() {
    const SESSIONS: u32 = 10_000;
    let server = Server::redis();
    let used = async |url: &str| {
        let info = text(url, "INFO memory").await;
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        line.expect("a number").parse::<u64>().expect("a number")
    };
    let (url, now) = (server.url("0"), SystemClock.now());
    let (store, expires) = (store(&url).await, now.plus(Duration::from_hours(1)));
    let mut connection = connection(&url).await;
    // Syncing every write takes longer than writing.
    asked(&mut connection, "CONFIG SET appendonly no").await;
    for length in [230, 299, 500] {
        asked(&mut connection, "FLUSHALL").await;
        let empty = used(&url).await;
        for n in 0..SESSIONS {
            let (value, deadline) = ("x".repeat(length), expires.as_millis());
            let words = format!("SET session:{:032x} {value} PXAT {deadline}", u128::from(n) << 64);
            asked(&mut connection, &words).await;
        }
        let plain = used(&url).await - empty;
        // Tenths of a plain value.
        for (sessions, most) in [(1, 17), (3, 15)] {
            asked(&mut connection, "FLUSHALL").await;
            let empty = used(&url).await;
            for n in 0..SESSIONS {
                let key = RecordKey::from_bytes((u128::from(n) << 64).to_be_bytes());
                let mut draft = draft(expires, vec![b'x'; length]);
                draft.header.subject = Some(SubjectHash(u128::from(n / sessions).to_be_bytes()));
                store.commit(&key, None, draft, now).await.expect("an answer");
            }
            let ours = used(&url).await - empty;
            let each = [plain, ours].map(|sum| sum / u64::from(SESSIONS));
            println!("{length} bytes of payload, {sessions} a subject: plain and ours {each:?}");
            assert!(ours * 10 <= plain * most, "{length}, {sessions}: {ours} for {plain}");
        }
    }
}

#[tokio::test]
async fn the_server_sweeps_a_minute_after_the_deadline_as_it_is_now() {
    let server = Server::redis();
    let url = server.url("0");
    let (store, now) = (store(&url).await, SystemClock.now());
    let later = |minutes| now.plus(Duration::from_mins(minutes));
    let millis = |instant: Timestamp| i64::try_from(instant.as_millis()).expect("this century");
    let sweeps_at = async || {
        let key = format!("carryall:{}", String::from_utf8_lossy(KEY.as_bytes()));
        let mut ask_when = redis::cmd("PEXPIRETIME");
        let when: i64 = ask_when.arg(key).query_async(&mut connection(&url).await).await.expect("an instant");
        when
    };
    let mut first = draft(later(30), "first");
    first.header.latest = later(50);
    store.commit(&KEY, None, first.clone(), now).await.expect("an answer");
    assert_eq!(sweeps_at().await, millis(later(31)));
    assert!(store.touch(&KEY, later(1), later(40), now).await.expect("an answer"));
    assert_eq!(sweeps_at().await, millis(later(41)));
    assert!(store.touch(&KEY, later(1), later(90), now).await.expect("an answer"));
    assert_eq!(sweeps_at().await, millis(later(51)));
    first.header.expires = later(20);
    store.commit(&KEY, Some(Version::FIRST), first.clone(), now).await.expect("an answer");
    assert_eq!(sweeps_at().await, millis(later(21)));
    // What is over is gone for the server too, with nobody's help.
    first.header.expires = now.minus(Duration::from_mins(2));
    store.commit(&KEY, Some(Version(2)), first, now).await.expect("an answer");
    assert_eq!(sweeps_at().await, -2, "there is no such key");
}

#[tokio::test]
async fn a_full_server_is_full_and_still_reads_and_removes() {
    let server = Server::redis();
    let url = server.url("0");
    let (store, now) = (store(&url).await, SystemClock.now());
    let expires = now.plus(Duration::from_mins(30));
    store.commit(&KEY, None, draft(expires, "first"), now).await.expect("an answer");
    ask(&url, "CONFIG SET maxmemory 1mb").await;
    let second = store.commit(&KEY, Some(Version::FIRST), draft(expires, "second"), now).await;
    assert_eq!(second.expect_err("it is full").kind(), StoreErrorKind::Full);
    assert_eq!(store.load(&KEY, now).await.expect("an answer").expect("a record").payload, "first");
    assert!(store.remove(&KEY, now).await.expect("an answer"));
}

#[tokio::test]
async fn what_is_no_record_is_corrupt_for_who_reads_or_writes_it() {
    let server = Server::redis();
    let url = server.url("0");
    let (store, now) = (store(&url).await, SystemClock.now());
    let draft = draft(now.plus(Duration::from_mins(30)), "mine");
    for foreign in ["SET carryall:one nonsense", "HSET carryall:one field value"] {
        ask(&url, "FLUSHALL").await;
        let name = String::from_utf8_lossy(KEY.as_bytes()).replace(' ', "_");
        ask(&url, &foreign.replace("one", &name)).await;
        let key = RecordKey::from_bytes(*b"one_record_of_it");
        let kinds = [
            store.load(&key, now).await.expect_err(foreign).kind(),
            store.commit(&key, None, draft.clone(), now).await.expect_err(foreign).kind(),
            store.commit(&key, Some(Version::FIRST), draft.clone(), now).await.expect_err(foreign).kind(),
            store.touch(&key, now, now, now).await.expect_err(foreign).kind(),
        ];
        assert_eq!(kinds, [StoreErrorKind::Corrupt; 4], "{foreign}");
    }
}

#[tokio::test]
async fn a_payload_that_is_too_large_is_not_sent() {
    let server = Server::redis();
    let options = RedisOptions::default().max_record(4).prefix("shop:");
    let store = RedisStore::connect_with(&server.url("0"), &options).await.expect("a store");
    let now = SystemClock.now();
    let expires = now.plus(Duration::from_mins(30));
    let outcome = store.commit(&KEY, None, draft(expires, "12345"), now).await;
    assert_eq!(outcome.expect_err("too large").kind(), StoreErrorKind::TooLarge);
    let outcome = store.commit(&KEY, None, draft(expires, "1234"), now).await;
    assert_eq!(outcome.expect("an answer"), Commit::Committed(Version::FIRST));
    assert_eq!(text(&server.url("0"), "RANDOMKEY").await, "shop:one record of it");
}

#[tokio::test]
async fn durability_is_what_the_server_is_configured_for() {
    let server = Server::redis();
    let url = server.url("0");
    assert_eq!(store(&url).await.durability(), Durability::Durable);
    ask(&url, "CONFIG SET no-appendfsync-on-rewrite yes").await;
    assert_eq!(store(&url).await.durability(), Durability::Volatile);
    ask(&url, "CONFIG SET no-appendfsync-on-rewrite no").await;
    ask(&url, "CONFIG SET appendfsync everysec").await;
    assert_eq!(store(&url).await.durability(), Durability::Volatile);
}
