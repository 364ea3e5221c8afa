//! Handlers that are dropped, commits that are dropped, and clients that hang up, at each point where a store is
//! waited for: an update counts once, or not at all and somebody is told.

mod common;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use carryall::event::Event;
use carryall::{Error, Session};
use common::lab::{Lab, Seen, Tab};
use common::nodes::at;
use common::slow::{HOLDS, Hold, Slow, poll_once, quiet, slow_lab, slow_lab_and_neighbour};
use tokio::time::timeout;

fn add_one(session: &Session) -> Result<u64, Error> {
    session.update("value", |n: Option<u64>| n.unwrap_or(0) + 1)
}

async fn value_of(tab: &Tab) -> Option<u64> {
    tab.peek(|session| async move { session.get("value") }).await.ok()
}

/// Longer than the patience for a commit (5 s) and for what comes before it (2 s an operation) together.
async fn in_time<R>(future: impl Future<Output = R>) -> R {
    timeout(Duration::from_secs(15), future).await.expect("the response leaves in time")
}

/// Begins a request, and hangs up once an operation of the store is held.
async fn hang_up<F>(slow: &Slow, tab: &Tab, deed: impl FnOnce(Session) -> F + Send + 'static)
where
    F: Future<Output = Result<(), Error>> + Send + 'static,
{
    let tab = tab.clone();
    let request = tokio::spawn(async move { tab.peek(deed).await });
    in_time(slow.held(1)).await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
}

fn is_told_lost(lab: &Lab) -> bool {
    lab.events.take().iter().any(|event| matches!(event, Event::Abandoned { .. } | Event::Outage { .. }))
}

/// The update was counted and nobody complains, or it was not and somebody was told.
async fn assert_counted_or_told(lab: &Lab, tab: &Tab, what: &str) {
    let is_told = is_told_lost(lab);
    match value_of(tab).await {
        Some(1) => assert!(is_told, "{what}: lost without an event"),
        Some(2) => assert!(!is_told, "{what}: counted, and called lost"),
        other => panic!("{what}: {other:?}"),
    }
}

async fn committed(session: Session) -> Result<(), Error> {
    add_one(&session)?;
    session.commit().await
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_hangs_up_while_the_session_is_loaded_changes_nothing() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let tab = lab.user("ada").await;
        slow.hold('L', hold);
        hang_up(&slow, &tab, |session| async move { add_one(&session).map(drop) }).await;
        slow.free();
        quiet().await;
        assert!(!is_told_lost(&lab), "nothing was changed, so nothing was abandoned");
        assert_eq!(value_of(&tab).await, Some(1), "{hold:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_of_a_visitor_who_hangs_up_during_the_commit_counts_once() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let tab = lab.user("ada").await;
        slow.hold('C', hold);
        hang_up(&slow, &tab, |session| async move { add_one(&session).map(drop) }).await;
        slow.free();
        quiet().await;
        assert_eq!(value_of(&tab).await, Some(2), "{hold:?} of the response");
        assert!(!is_told_lost(&lab), "{hold:?}: what is committed was not abandoned");
        slow.hold('C', hold);
        hang_up(&slow, &tab, committed).await;
        slow.free();
        quiet().await;
        assert_eq!(value_of(&tab).await, Some(3), "{hold:?} of the handler");
        assert!(!is_told_lost(&lab), "{hold:?}: what is committed was not abandoned");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_commit_fails_after_the_visitor_has_hung_up_is_told() {
    for deed in [true, false] {
        let (lab, slow) = slow_lab();
        let tab = lab.user("ada").await;
        slow.hold('C', Hold::Before);
        hang_up(&slow, &tab, move |session| async move {
            add_one(&session)?;
            if deed { session.commit().await } else { Ok(()) }
        })
        .await;
        slow.fail();
        quiet().await;
        slow.free();
        assert_counted_or_told(&lab, &tab, "a failed commit").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_dropped_half_way_counts_once() {
    for hold in HOLDS {
        for again in [false, true] {
            let (lab, slow, neighbour) = slow_lab_and_neighbour();
            let tab = lab.user("ada").await;
            slow.hold('C', hold);
            let visitor = tab.clone();
            let seen = tokio::spawn(async move {
                let deed = move |session: Session| async move {
                    add_one(&session)?;
                    let mut commit = Box::pin(session.commit());
                    assert!(poll_once(&mut commit).await.is_pending());
                    drop(commit);
                    if again { session.commit().await } else { Ok(()) }
                };
                visitor.peek(deed).await
            });
            in_time(slow.held(1)).await;
            slow.release();
            // Whatever goes on by itself does so before time does.
            tokio::time::sleep(Duration::from_millis(1)).await;
            at(&neighbour, &tab).visit(|session| session.set("theirs", &1)).await.ok();
            slow.free();
            in_time(seen).await.unwrap().ok();
            quiet().await;
            assert_eq!(value_of(&tab).await, Some(2), "{hold:?}, again: {again}");
            assert!(!is_told_lost(&lab));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_after_a_dropped_commit_is_refused_or_counts_once_too() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let mut tab = lab.user("ada").await;
        slow.hold('C', hold);
        let store = slow.clone();
        let seen = tab.stay(move |session| async move {
            add_one(&session)?;
            let mut commit = Box::pin(session.commit());
            assert!(poll_once(&mut commit).await.is_pending());
            drop(commit);
            let second = add_one(&session);
            store.free();
            Ok(u64::from(second.is_ok()))
        });
        let counted = in_time(seen).await.ok();
        quiet().await;
        assert_eq!(value_of(&tab).await, Some(2 + counted), "{hold:?}");
    }
}

/// A request whose handler keeps a commit that was polled once, if at all, and answers.
async fn keep_commit(slow: &Slow, tab: &Tab, is_polled: bool) -> (Seen<()>, impl Future + Unpin + use<>) {
    let kept = Arc::new(Mutex::new(None));
    let (place, store) = (Arc::clone(&kept), slow.clone());
    let seen = tab.peek(move |session| async move {
        add_one(&session)?;
        let mut commit = Box::pin(async move { session.commit().await });
        if is_polled {
            assert!(poll_once(&mut commit).await.is_pending());
        }
        *place.lock().unwrap() = Some(commit);
        store.free();
        Ok(())
    });
    let seen = in_time(seen).await;
    let commit = kept.lock().unwrap().take().unwrap();
    (seen, commit)
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_nobody_polls_does_not_hold_up_the_response() {
    for is_polled in [false, true] {
        for hold in HOLDS {
            let (lab, slow) = slow_lab();
            let tab = lab.user("ada").await;
            slow.hold('C', hold);
            let (seen, commit) = keep_commit(&slow, &tab, is_polled).await;
            let is_kept = seen.status == StatusCode::OK;
            assert!(is_kept || seen.status == StatusCode::SERVICE_UNAVAILABLE);
            drop(commit);
            quiet().await;
            let value = value_of(&tab).await;
            assert!(
                value == Some(2) || value == Some(1) && !is_kept,
                "{hold:?}: {value:?} of {}",
                seen.status
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_is_polled_after_the_response_has_left_counts_nothing_twice() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let tab = lab.user("ada").await;
        slow.hold('C', hold);
        let (seen, commit) = keep_commit(&slow, &tab, true).await;
        in_time(commit).await;
        quiet().await;
        let value = value_of(&tab).await;
        let is_kept = seen.status == StatusCode::OK;
        assert!(value == Some(2) || value == Some(1) && !is_kept, "{hold:?}: {value:?} of {}", seen.status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_holds_up_no_response() {
    for hold in HOLDS {
        for letter in ['L', 'C', 'X'] {
            let (lab, slow) = slow_lab();
            let tab = lab.user("ada").await;
            slow.hold(letter, hold);
            let seen = tab.peek(move |session| async move {
                add_one(&session)?;
                if letter == 'X' { session.logout() } else { session.commit().await }
            });
            let seen = in_time(seen).await;
            assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE, "{letter} {hold:?}");
            assert_eq!(seen.sets_cookie(), letter == 'X');
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_touch_that_never_answers_or_whose_visitor_leaves_costs_nothing() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let mut tab = lab.user("ada").await;
        lab.wait(100);
        slow.hold('T', hold);
        hang_up(&slow, &tab, |session| async move { session.get::<u64>("value").map(drop) }).await;
        let read = tab.visit(|session| session.get::<u64>("value"));
        assert_eq!(in_time(read).await.ok(), Some(1), "{hold:?}");
        slow.free();
        quiet().await;
        tab.visit(add_one).await.ok();
        assert_eq!(value_of(&tab).await, Some(2), "{hold:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_survives_hanging_up_wherever_it_happens() {
    for hold in HOLDS {
        for (letter, commits) in [('X', false), ('X', true)] {
            let (lab, slow) = slow_lab();
            let tab = lab.user("ada").await;
            slow.hold(letter, hold);
            hang_up(&slow, &tab, move |session| async move {
                session.logout()?;
                if commits { session.commit().await } else { Ok(()) }
            })
            .await;
            slow.free();
            quiet().await;
            let subject = tab.peek(|session| async move { Ok(session.subject().is_some()) }).await;
            assert!(!subject.ok(), "{hold:?}");
            assert!(slow.inner.is_empty(), "{hold:?}: nothing is left in the store");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_survives_hanging_up_during_a_commit_of_what_was_before_it() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let tab = lab.user("ada").await;
        slow.hold('C', hold);
        hang_up(&slow, &tab, move |session| async move {
            add_one(&session)?;
            let mut commit = Box::pin(session.commit());
            assert!(poll_once(&mut commit).await.is_pending());
            session.logout()?;
            commit.await
        })
        .await;
        slow.free();
        quiet().await;
        let subject = tab.peek(|session| async move { Ok(session.subject().is_some()) }).await;
        assert!(!subject.ok(), "{hold:?}");
        assert!(slow.inner.is_empty(), "{hold:?}: nothing is left in the store");
    }
}
