//! Requests of one session at the same time: what a store keeps of both, and who is told.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::http::StatusCode;
use carryall::event::Event;
use carryall::{Error, ErrorKind, SegmentData, Session};
use common::house::Home;
use common::lab::{Lab, Seen};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

impl SegmentData for Cart {
    const NAME: &'static str = "cart";
}

type Deed = fn(&Session) -> Result<(), Error>;

/// One request does `before`, then another does `inner` from beginning to end, then the first does `after`.
async fn race(lab: &Lab, before: Deed, inner: Deed, after: Deed) -> (common::lab::Tab, Seen<()>) {
    let mut tab = lab.visitor().await;
    let mut other = tab.clone();
    lab.events.take();
    let seen = tab.stay(move |session| async move {
        before(&session)?;
        other.visit(inner).await.ok();
        after(&session)
    });
    let seen = seen.await;
    (tab, seen)
}

const NOTHING: Deed = |_| Ok(());

#[tokio::test]
async fn a062_both_requests_keep_the_keys_they_added() {
    let lab = Lab::new(Home::Store);
    let (mut tab, seen) = race(&lab, |s| s.set("a", &1), |s| s.set("b", &2), NOTHING).await;
    seen.ok();
    assert_eq!(tab.visit(Session::keys).await.ok(), ["value", "b", "a"]);
    let replayed = |event: &Event| matches!(event, Event::Replayed { .. });
    assert_eq!(lab.events.take().iter().filter(|event| replayed(event)).count(), 1);
}

#[tokio::test]
async fn an_update_runs_again_on_the_freshest_value() {
    let lab = Lab::new(Home::Store);
    let add: Deed = |s| s.update("value", |n: Option<u64>| n.unwrap_or(0) + 1).map(drop);
    let (mut tab, seen) = race(&lab, add, add, add).await;
    seen.ok();
    assert_eq!(tab.visit(|session| session.get::<u64>("value")).await.ok(), Some(4));
    let cart: Deed = |s| s.document::<Cart>()?.update(|cart| cart.items.push("tea".into()));
    let (mut tab, seen) = race(&lab, cart, cart, NOTHING).await;
    seen.ok();
    assert_eq!(tab.visit(|session| Ok(session.document::<Cart>()?.read()?.items.len())).await.ok(), 2);
}

#[tokio::test]
async fn fifty_requests_at_once_lose_no_count() {
    let lab = Lab::new(Home::Store);
    let tab = lab.visitor().await;
    let runs = Arc::new(AtomicUsize::new(0));
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let (mut tab, runs) = (tab.clone(), Arc::clone(&runs));
            tokio::spawn(async move {
                let deed = |session: Session| async move {
                    tokio::task::yield_now().await;
                    session
                        .update_now("value", move |n: Option<u64>| {
                            runs.fetch_add(1, Ordering::SeqCst);
                            n.unwrap_or(0) + 1
                        })
                        .await
                };
                tab.stay(deed).await.ok()
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers.sort_unstable();
    assert_eq!(answers, (2..=51).collect::<Vec<_>>(), "each was told a number of its own");
    assert!(runs.load(Ordering::SeqCst) >= 50);
}

#[tokio::test]
async fn a_blind_set_wins_and_a_set_of_what_was_read_is_a_conflict() {
    let lab = Lab::new(Home::Store);
    let (mut tab, seen) = race(&lab, NOTHING, |s| s.set("value", &2), |s| s.set("value", &3)).await;
    seen.ok();
    assert_eq!(tab.visit(|session| session.get::<u64>("value")).await.ok(), Some(3));
    let read: Deed = |s| s.get::<u64>("value").map(drop);
    let (mut tab, seen) = race(&lab, read, |s| s.set("value", &2), |s| s.set("value", &3)).await;
    assert_eq!((seen.status, seen.sets_cookie()), (StatusCode::CONFLICT, false));
    assert_eq!(tab.visit(|session| session.get::<u64>("value")).await.ok(), Some(2));
    let (_, seen) = race(&lab, read, |s| s.set("other", &2), |s| s.set("value", &3)).await;
    seen.ok();
    let absent: Deed = |s| s.get::<u64>("new").map(drop);
    let (_, seen) = race(&lab, absent, |s| s.set("new", &2), |s| s.set("new", &3)).await;
    assert_eq!(seen.status, StatusCode::CONFLICT, "that there was nothing is worth remembering too");
}

#[tokio::test]
async fn a_conflict_is_told_to_the_handler_that_commits_and_nothing_of_it_is_kept() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.visitor().await;
    let mut other = tab.clone();
    let seen = tab.stay(|session| async move {
        let n = session.get::<u64>("value")?.unwrap();
        other.visit(|session| session.set("value", &10)).await.ok();
        session.set("value", &(n + 1))?;
        session.set("mine", &1)?;
        Ok(session.commit().await.unwrap_err().kind())
    });
    assert_eq!(seen.await.ok(), ErrorKind::Conflict);
    let found = tab.visit(|session| Ok((session.get::<u64>("value")?, session.get::<u64>("mine")?)));
    assert_eq!(found.await.ok(), (Some(10), None));
}

#[tokio::test]
async fn removals_and_clears_are_replayed_and_an_ended_session_stays_ended() {
    let lab = Lab::new(Home::Store);
    let (mut tab, seen) = race(&lab, NOTHING, |s| s.set("b", &1), |s| s.remove("value").map(drop)).await;
    seen.ok();
    assert_eq!(tab.visit(Session::keys).await.ok(), ["b"]);
    let (_, seen) = race(&lab, NOTHING, |s| s.set("b", &1), Session::clear).await;
    assert!(seen.removes_cookie(), "what the other one added is cleared too");
    let (mut tab, seen) = race(&lab, NOTHING, |s| s.set("b", &1), |s| s.remove("value").map(drop)).await;
    seen.ok();
    assert_eq!(tab.visit(|session| session.get::<u64>("b")).await.ok(), Some(1), "no longer empty, so kept");
    let (_, seen) = race(&lab, NOTHING, Session::clear, |s| s.set("value", &2)).await;
    assert_eq!((seen.status, seen.sets_cookie()), (StatusCode::CONFLICT, false), "removal always wins");
}

#[tokio::test]
async fn a_document_that_was_read_is_not_overwritten_when_another_request_changed_it() {
    let lab = Lab::new(Home::Store);
    let push: Deed = |s| s.document::<Cart>()?.update(|cart| cart.items.push("tea".into()));
    let read: Deed = |s| s.document::<Cart>()?.read().map(drop);
    let replace: Deed = |s| s.document::<Cart>()?.set(&Cart { items: vec!["jam".into(); 2] });
    let (_, seen) = race(&lab, read, push, replace).await;
    assert_eq!(seen.status, StatusCode::CONFLICT);
    let (_, seen) = race(&lab, NOTHING, push, replace).await;
    seen.ok();
}

#[tokio::test]
async fn an_identity_change_and_a_write_of_another_request_both_hold() {
    let lab = Lab::new(Home::Store);
    let (mut tab, seen) = race(&lab, NOTHING, |s| s.set("b", &1), |s| s.login("ada")).await;
    seen.ok();
    assert_eq!(tab.visit(|session| session.get::<u64>("b")).await.ok(), Some(1));
    assert!(tab.visit(|session| Ok(session.subject().is_some())).await.ok());
    let (_, seen) = race(&lab, NOTHING, |s| s.login("ada"), |s| s.set("b", &2)).await;
    assert_eq!(seen.status, StatusCode::CONFLICT, "a request from before the login writes nothing after it");
}
