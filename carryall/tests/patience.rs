//! How long a request waits for a store, and what goes on after it.

mod common;

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::http::StatusCode;
use carryall::clock::Timestamp;
use carryall::event::Event;
use carryall::id::RecordKey;
use carryall::store::{AnyStore, Commit, Draft, Durability, Record, Store, StoreError, Version};
use common::house::Home;
use common::lab::{Lab, Seen, Tab};
use common::recorder::Recorder;
use tokio::time::Instant;

fn assert_unavailable<R>(seen: &Seen<R>) {
    assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(seen.header("cache-control"), Some("no-store"));
    assert!(!seen.sets_cookie(), "the cookie stays as it is");
}

async fn read(tab: &mut Tab) -> Seen<Option<u64>> {
    tab.visit(|session| session.get::<u64>("value")).await
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_waited_for_no_longer_than_the_deadline() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    lab.store.set_silent(true);
    let begun = Instant::now();
    assert_unavailable(&read(&mut tab).await);
    assert_eq!(begun.elapsed().as_secs(), 2, "the default patience for one operation");
    lab.store.set_silent(false);
    let store = lab.store.clone();
    let begun = Instant::now();
    let seen = tab.visit(move |session| {
        store.set_silent(true);
        session.set("value", &2)
    });
    assert_unavailable(&seen.await);
    assert_eq!(begun.elapsed().as_secs(), 2);
    lab.store.set_silent(false);
    let hasty = Lab::with(Home::Store, |builder| {
        builder.patience(Duration::from_millis(300), Duration::from_millis(300))
    });
    let mut tab = hasty.user("ada").await;
    hasty.store.set_silent(true);
    let begun = Instant::now();
    assert_unavailable(&read(&mut tab).await);
    assert_eq!(begun.elapsed().as_millis(), 300);
}

/// A store in which somebody else is always faster.
#[derive(Clone, Debug, Default)]
struct Contested(Recorder);

impl Store for Contested {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.0.load(key, now).await
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        if expected.is_none() {
            return self.0.commit(key, expected, draft, now).await;
        }
        tokio::time::sleep(Duration::from_millis(70)).await;
        Ok(self.0.inner.load(key, now).await?.map_or(Commit::Gone, Commit::Conflict))
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.0.touch(key, seen, expires, now).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        self.0.remove(key, now).await
    }

    fn durability(&self) -> Durability {
        self.0.durability()
    }
}

#[tokio::test(start_paused = true)]
async fn replays_are_bounded_by_a_deadline_and_not_by_a_count() {
    let lab = Lab::with(Home::Store, |builder| builder.store(AnyStore::of(Contested::default())));
    let mut tab = lab.tab();
    tab.visit(|session| session.set("value", &1)).await.ok();
    let begun = Instant::now();
    let seen = tab.visit(|session| session.update("value", |value: Option<u64>| value.unwrap_or(0) + 1));
    assert_unavailable(&seen.await);
    assert_eq!(begun.elapsed().as_secs(), 5, "the default patience for a commit");
    assert_eq!(lab.events.take().last(), Some(&Event::Outage { during: "commit" }));
}

#[tokio::test(start_paused = true)]
async fn a_commit_under_way_survives_the_visitor_hanging_up() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let store = lab.store.clone();
    {
        let mut call = pin!(tab.peek(|session| async move {
            store.set_slow(Duration::from_secs(1));
            session.set("value", &2)
        }));
        let polled = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
        assert!(polled.is_pending(), "the store takes its time");
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    lab.store.set_slow(Duration::ZERO);
    assert_eq!(read(&mut tab.clone()).await.ok(), Some(2));
}
