//! The index of a subject: that it cannot leak, and that whoever left a place behind does not keep it.

mod common;

use std::num::NonZeroUsize;
use std::time::Duration;

use bytes::Bytes;
use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Commit, Draft, Header, ListSubjects as _, Store as _, StoreErrorKind, SubjectHash,
    Version, WhenFull,
};
use carryall_redis::{RedisOptions, RedisStore};
use carryall_testbed::server::{RedisCluster, Server};
use common::{ask, commands, connection, store};
use redis::cmd;

const ADA: SubjectHash = SubjectHash(*b"ada_____________");
const INDEX: &str = "carryall:@ada_____________";
const ONE: Cap = Cap { most: NonZeroUsize::MIN, when_full: WhenFull::Refuse };

fn key(n: u8) -> RecordKey {
    RecordKey::from_bytes([b'a' + n; 16])
}

fn draft(now: Timestamp) -> Draft {
    let (expires, latest) = (now.plus(Duration::from_mins(30)), now.plus(Duration::from_hours(12)));
    let header = Header { created: now, seen: now, expires, latest, subject: Some(ADA) };
    Draft { header, payload: Bytes::from_static(b"hers") }
}

async fn length(url: &str) -> usize {
    cmd("STRLEN").arg(INDEX).query_async(&mut connection(url).await).await.expect("a length")
}

/// An entry as it stands in the index, of a record that is not there; a commit may be under way until then.
fn entry(n: u8, kept: u64, open: u64) -> Vec<u8> {
    [key(n).as_bytes(), &kept.to_be_bytes()[2..], &open.to_be_bytes()[2..], &[0; 4]].concat()
}

async fn write_index(url: &str, entries: &[Vec<u8>]) {
    let mut connection = connection(url).await;
    cmd("SET")
        .arg(INDEX)
        .arg(entries.concat())
        .query_async::<()>(&mut connection)
        .await
        .expect("it is written");
}

#[tokio::test]
async fn an_index_goes_with_its_last_record() {
    let server = Server::redis();
    let url = server.url("0");
    let (store, now) = (store(&url).await, SystemClock.now());
    let mut later = draft(now);
    later.header.latest = now.plus(Duration::from_hours(24));
    store.commit(&key(1), None, later.clone(), now).await.expect("an answer");
    store.commit(&key(2), None, draft(now), now).await.expect("an answer");
    let swept: u64 =
        cmd("PEXPIRETIME").arg(INDEX).query_async(&mut connection(&url).await).await.expect("an instant");
    assert_eq!(swept, later.header.latest.plus(Duration::from_mins(1)).as_millis());
    // A longer life of a record is one of the index.
    later.header.latest = now.plus(Duration::from_hours(48));
    store.commit(&key(2), Some(Version::FIRST), later.clone(), now).await.expect("an answer");
    let swept: u64 =
        cmd("PEXPIRETIME").arg(INDEX).query_async(&mut connection(&url).await).await.expect("an instant");
    assert_eq!(swept, later.header.latest.plus(Duration::from_mins(1)).as_millis());
    for n in [1, 2] {
        store.remove(&key(n), now).await.expect("an answer");
    }
    assert_eq!(store.count(&ADA, now).await.expect("an answer"), 0);
    assert_eq!(server.ask("DBSIZE"), "0", "nothing is left");
}

#[tokio::test]
async fn who_signs_in_and_out_over_and_over_leaves_nothing_behind() {
    let (server, cluster) = (Server::redis(), RedisCluster::start());
    for url in [server.url("0"), cluster.url()] {
        let (store, now) = (store(&url).await, SystemClock.now());
        for n in 0..10 {
            store.commit(&key(n), None, draft(now), now).await.expect("an answer");
            assert!(store.remove(&key(n), now).await.expect("an answer"));
            let outcome = store.admit(&key(n + 10), None, draft(now), ONE, now).await.expect("an answer");
            assert_eq!(outcome, Admission::Committed { version: Version::FIRST, ended: Vec::new() });
            assert!(store.remove(&key(n + 10), now).await.expect("an answer"));
        }
        assert_eq!(store.count(&ADA, now).await.expect("an answer"), 0);
    }
    let left: Vec<_> = cluster.masters.iter().chain([&server]).map(|one| one.ask("DBSIZE")).collect();
    assert_eq!(left, ["0", "0", "0", "0"]);
}

/// Where the index is.
fn home(cluster: &RedisCluster) -> String {
    cluster.masters[place(cluster, INDEX)].url("0")
}

/// Which master has this key.
fn place(cluster: &RedisCluster, key: &str) -> usize {
    let slot: u16 = cluster.masters[0].ask(&format!("CLUSTER KEYSLOT {key}")).parse().expect("a slot");
    usize::from(slot) / 5461
}

#[tokio::test]
async fn who_is_refused_for_certain_holds_nobody_up() {
    let cluster = RedisCluster::start();
    let (store, now, home) = (store(&cluster.url()).await, SystemClock.now(), place(&cluster, INDEX));
    let name = |n: u8| format!("carryall:{}", char::from(b'a' + n).to_string().repeat(16));
    let elsewhere = |n: &u8| place(&cluster, &name(*n)) != home;
    let mut keys = (0..20).filter(elsewhere);
    let (first, second) = (keys.next().expect("a key"), keys.next().expect("a key"));
    let at_home = (0..20).find(|n| !elsewhere(n)).expect("a key");
    let url = cluster.masters[home].url("0");
    let refuse = |n, replicas| {
        cluster.masters[place(&cluster, &name(n))]
            .tell(&format!("CONFIG SET min-replicas-to-write {replicas}"));
    };

    // Its record's master does not write.
    refuse(first, 1);
    let refused = store.admit(&key(first), None, draft(now), ONE, now).await;
    assert_eq!(refused.expect_err("no replicas").kind(), StoreErrorKind::Unavailable);
    assert_eq!(length(&url).await, 0);
    refuse(first, 0);

    // The master of the one who has to leave does not.
    store.commit(&key(second), None, draft(now), now).await.expect("an answer");
    refuse(second, 1);
    let cap = Cap { when_full: WhenFull::EndOldest, ..ONE };
    store.admit(&key(at_home), None, draft(now), cap, now).await.expect_err("no replicas");
    assert_eq!(length(&url).await, 32);

    // The entry stands for the record that is hers already.
    let again = store.admit(&key(second), Some(Version::FIRST), draft(now), ONE, now).await;
    assert_eq!(again.expect_err("no replicas").kind(), StoreErrorKind::Unavailable);
    refuse(second, 0);
    assert_eq!(store.count(&ADA, now).await.expect("an answer"), 1);
}

#[tokio::test]
async fn an_entry_that_stands_for_another_admission_of_the_same_record_is_left_alone() {
    let cluster = RedisCluster::start();
    let (store, now, home) = (store(&cluster.url()).await, SystemClock.now(), place(&cluster, INDEX));
    let elsewhere = (0..20).find(|n| {
        place(&cluster, &format!("carryall:{}", char::from(b'a' + n).to_string().repeat(16))) != home
    });
    let other = elsewhere.expect("a key");
    let url = cluster.masters[home].url("0");
    let until = |time| now.plus(time).as_millis();
    write_index(&url, &[entry(other, until(Duration::from_hours(1)), until(Duration::from_mins(1)))]).await;
    for master in cluster.masters.iter().enumerate().filter(|(place, _)| *place != home) {
        master.1.tell("CONFIG SET min-replicas-to-write 1");
    }
    store.admit(&key(other), None, draft(now), ONE, now).await.expect_err("no replicas");
    assert_eq!(length(&url).await, 32);
}

#[tokio::test]
async fn who_signs_in_does_not_suffer_from_records_that_cannot_be_looked_at() {
    let cluster = RedisCluster::start();
    let (store, now, url) = (store(&cluster.url()).await, SystemClock.now(), home(&cluster));
    let kept = now.plus(Duration::from_hours(1)).as_millis();
    write_index(&url, &(1..16).map(|n| entry(n, kept, 0)).collect::<Vec<_>>()).await;
    let name = "b".repeat(16);
    cluster.masters[place(&cluster, &format!("carryall:{name}"))].ask(&format!("HSET carryall:{name} a b"));
    let outcome = store.commit(&key(0), None, draft(now), now).await.expect("an answer");
    assert_eq!(outcome, Commit::Committed(Version::FIRST));
}

#[tokio::test]
async fn entries_of_records_that_expired_are_dropped_when_another_is_added_or_they_are_listed() {
    let (server, cluster) = (Server::redis(), RedisCluster::start());
    for (url, home) in [(server.url("0"), server.url("0")), (cluster.url(), home(&cluster))] {
        let (store, now) = (store(&url).await, SystemClock.now());
        let kept = now.plus(Duration::from_hours(1)).as_millis();
        let gone: Vec<_> = (1..16).map(|n| entry(n, kept, 0)).collect();
        write_index(&home, &gone).await;
        store.commit(&key(0), None, draft(now), now).await.expect("an answer");
        assert_eq!(length(&home).await, 32);

        write_index(&home, &gone[..3]).await;
        assert_eq!(store.list(&ADA, 9, now).await.expect("an answer"), []);
        assert_eq!(length(&home).await, 0);
    }
}

#[tokio::test]
async fn a_place_that_somebody_took_and_never_used_is_free_again_by_itself() {
    let (server, cluster) = (Server::redis(), RedisCluster::start());
    let options = RedisOptions::default().patience(Duration::from_secs(2));
    for (url, home) in [(server.url("0"), server.url("0")), (cluster.url(), home(&cluster))] {
        let (store, now) =
            (RedisStore::connect_with(&url, &options).await.expect("a store"), SystemClock.now());
        let until = |time| now.plus(time).as_millis();
        let kept = until(Duration::from_hours(1));
        write_index(&home, &[entry(1, kept, until(Duration::from_hours(1)))]).await;
        ask(&home, "CONFIG RESETSTAT").await;
        let outcome = store.admit(&key(0), None, draft(now), ONE, now).await;
        assert_eq!(outcome.expect_err("it is taken").kind(), StoreErrorKind::TimedOut);
        let asked = commands(&home).await["evalsha"];
        assert!(asked < 100, "it waits for two seconds and has asked {asked} times");
        assert_eq!(store.load(&key(0), now).await.expect("an answer"), None);

        let soon = SystemClock.now().plus(Duration::from_millis(500)).as_millis();
        write_index(&home, &[entry(1, kept, soon)]).await;
        let outcome = store.admit(&key(0), None, draft(now), ONE, now).await.expect("an answer");
        assert_eq!(outcome, Admission::Committed { version: Version::FIRST, ended: Vec::new() });
        assert!(SystemClock.now().as_millis() >= soon, "it was taken until then");
        let outcome = store.admit(&key(2), None, draft(now), ONE, now).await.expect("an answer");
        assert_eq!(outcome, Admission::Full);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_who_sign_in_at_once_on_two_nodes_as_many_get_in_as_may() {
    let (server, cluster) = (Server::redis(), RedisCluster::start());
    for url in [server.url("0"), cluster.url()] {
        let (nodes, now) = ([store(&url).await, store(&url).await], SystemClock.now());
        for most in 1..4 {
            let cap = Cap { most: NonZeroUsize::new(most).expect("some"), when_full: WhenFull::Refuse };
            let admissions: Vec<_> = (0..20)
                .map(|n| {
                    let store = nodes[usize::from(n % 2)].clone();
                    tokio::spawn(async move { store.admit(&key(n), None, draft(now), cap, now).await })
                })
                .collect();
            let mut inside = 0;
            for admission in admissions {
                match admission.await.expect("an end").expect("an answer") {
                    Admission::Committed { ended, .. } if ended.is_empty() => inside += 1,
                    outcome => assert_eq!(outcome, Admission::Full),
                }
            }
            let live = nodes[0].list(&ADA, 100, now).await.expect("an answer");
            assert_eq!((inside, live.len()), (most, most));
            for (key, _) in live {
                assert!(nodes[1].remove(&key, now).await.expect("an answer"));
            }
        }
    }
}

#[tokio::test]
async fn an_index_that_is_none_is_corrupt() {
    let server = Server::redis();
    let url = server.url("0");
    let (store, now) = (store(&url).await, SystemClock.now());
    for words in ["SET KEY nonsense", "HSET KEY field value"] {
        ask(&url, "FLUSHALL").await;
        ask(&url, &words.replace("KEY", INDEX)).await;
        let error = store.list(&ADA, 9, now).await.expect_err(words);
        assert_eq!(error.kind(), StoreErrorKind::Corrupt, "{words}");
    }
}
