//! Expired sessions are removed in the background, whatever the store does meanwhile.

mod common;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carryall::clock::{Clock as _, Timestamp};
use carryall::event::Event;
use carryall::id::RecordKey;
use carryall::random::Random;
use carryall::store::{
    AnyStore, Commit, Draft, Durability, Header, MemoryStore, Record, Store, StoreError, StoreErrorKind,
    Sweep, Version,
};
use carryall::testing::FrozenClock;
use carryall::{Error, ErrorKind, KeyRing, Sessions, Sweeping};
use common::events::Events;
use tokio::time::Instant;

const MINUTE: Duration = Duration::from_mins(1);

/// What becomes of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Works,
    /// As many as were asked for are gone, and there are more.
    Removes,
    Fails,
    Hangs,
    Panics,
}

/// A store in memory that notes when it is swept, and fails as it is told beforehand.
#[derive(Clone, Debug, Default)]
struct Swept {
    inner: MemoryStore,
    fates: Arc<Mutex<VecDeque<Fate>>>,
    sweeps: Arc<Mutex<Vec<(Instant, usize)>>>,
}

impl Swept {
    fn set(&self, fates: &[Fate]) {
        *self.fates.lock().unwrap() = fates.iter().copied().collect();
    }

    /// The seconds between sweeps, and their limits.
    fn take(&self) -> (Vec<u64>, Vec<usize>) {
        let sweeps = std::mem::take(&mut *self.sweeps.lock().unwrap());
        let pauses = sweeps.windows(2).map(|two| (two[1].0 - two[0].0).as_secs()).collect();
        (pauses, sweeps.into_iter().map(|(_, limit)| limit).collect())
    }

    fn count(&self) -> usize {
        self.sweeps.lock().unwrap().len()
    }

    /// Fills it with records that end a minute after `now`.
    async fn fill(&self, records: u32, now: Timestamp) {
        let expires = now.plus(MINUTE);
        let header = Header { created: now, seen: now, expires, latest: expires, subject: None };
        for n in 0..records {
            let mut key = [0; 16];
            key[12..].copy_from_slice(&n.to_be_bytes());
            let draft = Draft { header, payload: bytes::Bytes::new() };
            self.inner.commit(&RecordKey::from_bytes(key), None, draft, now).await.unwrap();
        }
    }
}

impl Store for Swept {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.inner.load(key, now).await
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.inner.commit(key, expected, draft, now).await
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.touch(key, seen, expires, now).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        self.inner.remove(key, now).await
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }
}

impl Sweep for Swept {
    async fn sweep_once(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.sweeps.lock().unwrap().push((Instant::now(), limit));
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Works);
        match fate {
            Fate::Works => self.inner.sweep_once(now, limit).await,
            Fate::Removes => Ok(limit),
            Fate::Fails => Err(StoreError::new(StoreErrorKind::Unavailable)),
            Fate::Hangs => std::future::pending().await,
            Fate::Panics => panic!("the store is broken"),
        }
    }
}

/// Chance that is none: these two bytes, whenever two are asked for.
#[derive(Debug)]
struct Chance([u8; 2]);

impl Random for Chance {
    fn secret(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(7);
        Ok(())
    }

    fn nonce(&self, out: &mut [u8]) {
        out.iter_mut().zip(self.0.iter().cycle()).for_each(|(byte, chance)| *byte = *chance);
    }
}

const EVEN: Chance = Chance([0x80, 0]);

struct Node {
    sessions: Sessions,
    clock: FrozenClock,
    events: Events,
}

fn node(store: &Swept, chance: Chance) -> Node {
    let (clock, events) = (FrozenClock::default(), Events::default());
    let sessions = Sessions::builder(KeyRing::random().unwrap())
        .store(AnyStore::of(store.clone()).sweeps())
        .clock(clock.clone())
        .random(chance)
        .observer(events.clone())
        .build()
        .unwrap();
    Node { sessions, clock, events }
}

impl Node {
    fn sweep(&self) -> Sweeping {
        self.sessions.sweep_every(MINUTE).unwrap()
    }
}

/// Lets so many minutes pass, with all that happens in them.
async fn minutes(minutes: u32) {
    tokio::time::sleep(MINUTE * minutes).await;
}

#[tokio::test(start_paused = true)]
async fn expired_sessions_go_in_batches_and_the_living_stay() {
    let store = Swept::default();
    let node = node(&store, EVEN);
    store.fill(1_200, node.clock.now()).await;
    let sweeping = node.sweep();
    minutes(3).await;
    assert_eq!(store.inner.len(), 1_200, "none has expired");
    assert_eq!(
        store.take(),
        (vec![60, 60], vec![500; 3]),
        "half a minute after the start, then every minute"
    );
    node.clock.advance(MINUTE);
    minutes(1).await;
    assert!(store.inner.is_empty());
    assert_eq!(store.take(), (vec![0, 0], vec![500; 3]), "at one go");
    assert_eq!(node.events.take(), []);
    sweeping.stop().await;
}

#[tokio::test(start_paused = true)]
async fn failures_are_told_once_each_and_waited_out() {
    let store = Swept::default();
    let node = node(&store, EVEN);
    store.fill(10, node.clock.now()).await;
    node.clock.advance(MINUTE);
    store.set(&[Fate::Fails, Fate::Hangs, Fate::Panics, Fate::Works]);
    let _sweeping = node.sweep();
    minutes(17).await;
    let (pauses, limits) = store.take();
    assert_eq!(pauses, [120, 242, 480, 60, 60], "patience of 2 s is part of the second");
    assert_eq!(limits, [500, 250, 125, 62, 500, 500]);
    let told = node.events.take();
    assert_eq!(told, vec![Event::Outage { during: "sweep" }; 3]);
    assert!(store.inner.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_pass_is_bounded_and_the_next_one_comes_sooner() {
    let store = Swept::default();
    let node = node(&store, EVEN);
    store.set(&[Fate::Removes; 300]);
    assert_eq!(node.sessions.sweep_once().await.unwrap(), 100_000);
    assert_eq!(store.take().1.len(), 200);
    assert_eq!(node.sessions.sweep_once().await.unwrap(), 50_000);
    assert_eq!(store.take().1.len(), 101);

    store.set(&[Fate::Removes; 300]);
    let _sweeping = node.sweep();
    minutes(1).await;
    let (pauses, _) = store.take();
    assert_eq!((pauses.len(), pauses[199]), (300, 6), "{pauses:?}");
    assert_eq!(pauses.iter().sum::<u64>(), 6);
}

#[tokio::test(start_paused = true)]
async fn it_stops_when_told_and_when_dropped() {
    let store = Swept::default();
    let node = node(&store, EVEN);
    let sweeping = node.sweep();
    minutes(2).await;
    assert!(format!("{sweeping:?}").contains("true"));
    sweeping.stop().await;
    assert_eq!(store.take().1.len(), 2);
    minutes(5).await;
    assert_eq!(store.count(), 0);
    let dropped = node.sweep();
    minutes(2).await;
    drop(dropped);
    assert_eq!(store.take().1.len(), 2);
    minutes(5).await;
    assert_eq!(store.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_hangs_is_no_hindrance_to_stopping() {
    let store = Swept::default();
    let node = node(&store, EVEN);
    store.set(&[Fate::Hangs]);
    let sweeping = node.sweep();
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(store.count(), 1);
    sweeping.stop().await;
    minutes(5).await;
    assert_eq!((store.count(), node.events.take()), (1, vec![]));
}

#[tokio::test(start_paused = true)]
async fn nodes_that_start_together_sweep_at_moments_of_their_own() {
    let store = Swept::default();
    let nodes = [[0, 0], [0x40, 0], [0xff, 0xff]].map(|chance| node(&store, Chance(chance)));
    store.fill(3_000, nodes[0].clock.now()).await;
    let _sweeping = nodes.each_ref().map(Node::sweep);
    tokio::time::sleep(Duration::from_millis(1)).await;
    for node in &nodes {
        node.clock.advance(MINUTE);
    }
    minutes(3).await;
    let (pauses, _) = store.take();
    assert!(store.inner.is_empty());
    // After 0, 45, 90, 135, 180 seconds; 15, 67, 120, 172; 60, 135.
    let apart: Vec<_> = pauses.into_iter().filter(|pause| *pause > 0).collect();
    assert_eq!(apart, [15, 30, 15, 7, 22, 30, 15, 37, 7]);
    assert!(nodes.iter().all(|node| node.events.take().is_empty()));
}

#[tokio::test]
async fn a_job_that_fails_is_told_so_and_keeps_what_it_did() {
    let store = Swept::default();
    let node = node(&store, EVEN);
    store.fill(1_200, node.clock.now()).await;
    node.clock.advance(MINUTE);
    store.set(&[Fate::Works, Fate::Fails]);
    assert_eq!(node.sessions.sweep_once().await.unwrap_err().kind(), ErrorKind::Outage);
    assert_eq!(store.inner.len(), 700);
    assert_eq!(node.events.take(), [Event::Outage { during: "sweep" }]);
    assert_eq!(node.sessions.sweep_once().await.unwrap(), 700);
    assert_eq!(node.sessions.sweep_once().await.unwrap(), 0);
}

#[tokio::test]
async fn where_nothing_has_to_be_removed_nothing_runs() {
    let ring = KeyRing::random().unwrap();
    let carried = Sessions::builder(ring.clone()).single_node().build().unwrap();
    let undeclared = Sessions::builder(ring).store(AnyStore::of(MemoryStore::new())).build().unwrap();
    for sessions in [carried, undeclared] {
        assert_eq!(sessions.sweep_once().await.unwrap(), 0);
        let sweeping = sessions.sweep_every(MINUTE).unwrap();
        assert!(format!("{sweeping:?}").contains("false"));
        sweeping.stop().await;
    }
}

#[test]
fn an_interval_of_zero_and_a_missing_runtime_are_misuse() {
    let node = node(&Swept::default(), EVEN);
    let outside = node.sessions.sweep_every(MINUTE).unwrap_err();
    assert_eq!(outside.kind(), ErrorKind::Misuse, "{outside}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let zero = runtime.block_on(async { node.sessions.sweep_every(Duration::ZERO).unwrap_err() });
    assert_eq!(zero.kind(), ErrorKind::Misuse, "{zero}");
}
