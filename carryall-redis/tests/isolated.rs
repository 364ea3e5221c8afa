//! Masters that answer and are none any more, as far as the sentinels know.

mod common;

use std::time::Duration;

use bytes::Bytes;
use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::id::RecordKey;
use carryall::store::{Draft, Header, Store as _, StoreErrorKind};
use carryall_testbed::server::Server;
use common::store;

fn key(n: u16) -> RecordKey {
    RecordKey::from_bytes(u128::from(n).to_be_bytes())
}

fn draft(now: Timestamp) -> Draft {
    let expires = now.plus(Duration::from_mins(30));
    let header = Header { created: now, seen: now, expires, latest: expires, subject: None };
    Draft { header, payload: Bytes::from_static(b"acknowledged") }
}

/// Two masters that know nothing of each other, and sentinels that name the first.
fn two_masters(sentinels: usize) -> (Vec<Server>, Vec<Server>, String) {
    let masters: Vec<_> = (0..2).map(|_| Server::redis()).collect();
    let sentinels: Vec<_> = (0..sentinels).map(|_| Server::sentinel()).collect();
    for sentinel in &sentinels {
        name(sentinel, &masters[0]);
    }
    let hosts: Vec<_> = sentinels.iter().map(|one| format!("127.0.0.1:{}", one.port())).collect();
    let url = format!("redis+sentinel://{}/shop", hosts.join(","));
    (masters, sentinels, url)
}

fn name(sentinel: &Server, master: &Server) {
    // It may know none yet.
    sentinel.ask("SENTINEL REMOVE shop");
    sentinel.tell(&format!("SENTINEL MONITOR shop 127.0.0.1 {} 2", master.port()));
}

#[tokio::test]
async fn a_master_that_is_cut_off_and_does_not_know_that_it_is_replaced_is_left() {
    let (masters, sentinels, url) = two_masters(3);
    let (store, now) = (store(&url).await, SystemClock.now());
    store.commit(&key(1), None, draft(now), now).await.expect("an answer");
    // The third is cut off, too.
    for sentinel in &sentinels[..2] {
        name(sentinel, &masters[1]);
    }
    let leaving = async {
        while store.load(&key(1), now).await.expect("an answer").is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), leaving).await.expect("it asks the sentinels again");
    store.commit(&key(2), None, draft(now), now).await.expect("an answer");
    assert_eq!([masters[0].ask("DBSIZE"), masters[1].ask("DBSIZE")], ["1", "1"]);
}

#[tokio::test]
async fn a_master_without_enough_replicas_is_left_at_once_if_the_sentinels_know_another() {
    let (masters, sentinels, url) = two_masters(1);
    let (store, now) = (store(&url).await, SystemClock.now());
    name(&sentinels[0], &masters[1]);
    masters[0].tell("CONFIG SET min-replicas-to-write 1");
    let error = store.commit(&key(1), None, draft(now), now).await.expect_err("it has no replicas");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    store.commit(&key(1), None, draft(now), now).await.expect("an answer");
    assert_eq!([masters[0].ask("DBSIZE"), masters[1].ask("DBSIZE")], ["0", "1"]);
}

#[tokio::test]
async fn a_master_without_enough_replicas_is_read_from_and_not_connected_to_by_every_request() {
    let (masters, sentinels, url) = two_masters(1);
    let (store, now) = (store(&url).await, SystemClock.now());
    store.commit(&key(1), None, draft(now), now).await.expect("an answer");
    masters[0].tell("CONFIG SET min-replicas-to-write 1");
    let connections = || {
        let info = masters[0].ask("INFO stats");
        let line = info.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.expect("a number").trim().parse::<u32>().expect("a number")
    };
    let before = connections();
    let attempt = async || {
        let error = store.commit(&key(2), None, draft(now), now).await.expect_err("it has no replicas");
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(store.load(&key(1), now).await.expect("an answer").is_some());
    };
    for _ in 0..200 {
        attempt().await;
    }
    // So many would take a minute, given the pauses.
    assert!(connections() - before < 60, "it is connected to over and over");
    drop(sentinels);
    attempt().await;
    masters[0].tell("CONFIG SET min-replicas-to-write 0");
    store.commit(&key(2), None, draft(now), now).await.expect("an answer");
}
