//! What the index of a subject costs, by the server's own count of commands.

mod common;

use std::time::Duration;

use bytes::Bytes;
use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::id::RecordKey;
use carryall::store::{Draft, Header, ListSubjects as _, Store as _, SubjectHash};
use carryall_testbed::node::{nodes, visitor};
use carryall_testbed::server::{RedisCluster, Server};
use common::{commands, counted, store, unwatched};

const ADA: SubjectHash = SubjectHash(*b"ada_____________");

fn draft(now: Timestamp) -> Draft {
    let (expires, latest) = (now.plus(Duration::from_mins(30)), now.plus(Duration::from_hours(12)));
    let header = Header { created: now, seen: now, expires, latest, subject: Some(ADA) };
    Draft { header, payload: Bytes::from_static(b"hers") }
}

#[tokio::test]
async fn to_sign_in_costs_no_more_than_any_other_change() {
    let server = Server::redis();
    let url = server.url("0");
    let node = nodes([unwatched(&url).await.into()]).remove(0);
    let mut browser = visitor(&node).await;
    server.tell("CONFIG RESETSTAT");
    assert_eq!(browser.post("/login/ada").await.status, 200);
    // One to read, one to write; the rest is inside of the script.
    let signed_in = [("get", 2), ("evalsha", 1), ("getrange", 1), ("time", 1), ("set", 2)];
    assert_eq!(commands(&url).await, counted(&signed_in));
    server.tell("CONFIG RESETSTAT");
    assert_eq!(browser.post("/add/more").await.status, 200);
    let changed = [("get", 1), ("evalsha", 1), ("getrange", 1), ("set", 1)];
    assert_eq!(commands(&url).await, counted(&changed));

    // However many sessions the user has, nobody looks after them each time.
    for _ in 0..3 {
        let mut browser = visitor(&node).await;
        server.tell("CONFIG RESETSTAT");
        assert_eq!(browser.post("/login/ada").await.status, 200);
        assert_eq!(commands(&url).await, counted(&signed_in));
    }
}

#[tokio::test]
async fn to_list_a_few_of_many_reads_the_heads_of_all_and_no_more_than_the_few_as_a_whole() {
    let server = Server::redis();
    let url = server.url("0");
    let (store, now) = (store(&url).await, SystemClock.now());
    for n in 0..200 {
        let mut draft = draft(now);
        draft.header.created = now.plus(Duration::from_secs(u64::from(n)));
        store.commit(&RecordKey::from_bytes([n; 16]), None, draft, now).await.expect("an answer");
    }
    server.tell("CONFIG RESETSTAT");
    let listed = store.list(&ADA, 70, now).await.expect("an answer");
    let keys: Vec<_> = listed.iter().map(|(key, _)| *key).collect();
    let oldest: Vec<_> = (0..70).map(|n| RecordKey::from_bytes([n; 16])).collect();
    assert_eq!(keys, oldest);
    assert!(listed.iter().all(|(_, record)| record.payload[..] == *b"hers"));
    // One is of the index.
    let read = [("evalsha", 1), ("time", 1), ("getrange", 200), ("get", 71)];
    assert_eq!(commands(&url).await, counted(&read));
    server.tell("CONFIG RESETSTAT");
    assert_eq!(store.count(&ADA, now).await.expect("an answer"), 200);
    let counted_by = [("evalsha", 1), ("time", 1), ("getrange", 200), ("get", 1)];
    assert_eq!(commands(&url).await, counted(&counted_by));
}

#[tokio::test]
async fn in_a_cluster_to_sign_in_costs_one_more_and_nothing_else_does() {
    let cluster = RedisCluster::start();
    let mut browser = visitor(&nodes([store(&cluster.url()).await.into()])[0]).await;
    let asked = async |name: &str| {
        let mut sum = 0;
        for master in &cluster.masters {
            sum += commands(&master.url("0")).await.get(name).copied().unwrap_or_default();
        }
        sum
    };
    let reset = || cluster.masters.iter().for_each(|master| master.tell("CONFIG RESETSTAT"));
    reset();
    assert_eq!(browser.post("/login/ada").await.status, 200);
    // One `get` is inside of a script.
    assert_eq!((asked("get").await, asked("evalsha").await, asked("eval").await), (2, 2, 0));
    reset();
    assert_eq!(browser.post("/add/more").await.status, 200);
    assert_eq!((asked("get").await, asked("evalsha").await, asked("eval").await), (1, 1, 0));
}
