//! Commits whose failure nobody awaited: no later answer hides it, and a logout holds all the same.

mod common;

use std::future::Future;
use std::time::Duration;

use axum::http::StatusCode;
use carryall::{Error, ErrorKind, Session};
use common::lab::Tab;
use common::nodes::at;
use common::slow::{HOLDS, Hold, poll_once, slow_lab, slow_lab_and_neighbour};
use tokio::time::{sleep, timeout};

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

/// Begins a commit, which the store holds, and drops it.
async fn drop_commit(session: &Session) {
    let mut commit = Box::pin(session.commit());
    assert!(poll_once(&mut commit).await.is_pending());
}

/// Whatever goes on by itself does so before time does.
async fn let_go_on() {
    sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_fails_when_nobody_awaits_it_any_more_is_no_success() {
    for hold in HOLDS {
        for is_over in [false, true] {
            let (lab, slow) = slow_lab();
            let mut tab = lab.user("ada").await;
            slow.hold('C', hold);
            let store = slow.clone();
            let seen = tab.stay(move |session| async move {
                add_one(&session)?;
                drop_commit(&session).await;
                store.fail();
                store.free();
                if is_over {
                    let_go_on().await;
                }
                Ok(())
            });
            let seen = in_time(seen).await;
            let value = value_of(&tab).await;
            assert!(
                value == Some(2) || seen.status == StatusCode::SERVICE_UNAVAILABLE,
                "{hold:?}: {value:?}"
            );
            assert!(value <= Some(2), "{hold:?}: counted twice");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_after_a_commit_that_failed_unseen_holds() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let mut tab = lab.user("ada").await;
        slow.hold('C', hold);
        let store = slow.clone();
        let seen = tab.stay(move |session| async move {
            add_one(&session)?;
            drop_commit(&session).await;
            store.fail();
            store.free();
            let_go_on().await;
            session.logout()
        });
        let seen = in_time(seen).await;
        assert!(seen.removes_cookie(), "{hold:?}");
        let subject = tab.peek(|session| async move { Ok(session.subject().is_some()) }).await;
        assert!(!subject.ok(), "{hold:?}");
        assert!(slow.inner.is_empty(), "{hold:?}: nothing is left in the store");
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_after_one_whose_conflict_nobody_saw_does_not_say_that_all_is_kept() {
    let (lab, slow, neighbour) = slow_lab_and_neighbour();
    let mut tab = lab.user("ada").await;
    let mut other = at(&neighbour, &tab);
    slow.hold('C', Hold::Before);
    let store = slow.clone();
    let seen = tab.stay(move |session| async move {
        session.get::<u64>("value")?;
        session.set("value", &2)?;
        drop_commit(&session).await;
        other.visit(|session| session.set("value", &10)).await.ok();
        store.free();
        let_go_on().await;
        assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::Conflict, "the value is not kept");
        // Told now, so the handler may go on from what there is.
        let n = session.get::<u64>("value")?.unwrap_or(0);
        session.set("value", &(n + 1))?;
        session.commit().await
    });
    in_time(seen).await.ok();
    assert_eq!(value_of(&tab).await, Some(11));
}

#[tokio::test(start_paused = true)]
async fn what_failed_and_was_told_is_not_written_behind_the_handlers_back() {
    let (lab, slow) = slow_lab();
    let mut tab = lab.user("ada").await;
    let store = slow.clone();
    let seen = tab.stay(move |session| async move {
        add_one(&session)?;
        store.hold('C', Hold::Before);
        store.fail();
        let failed = session.commit().await.unwrap_err().kind();
        store.free();
        Ok(failed)
    });
    assert_eq!(in_time(seen).await.ok(), ErrorKind::Outage, "the answer is the handler's business");
    assert_eq!(value_of(&tab).await, Some(1));
}
