//! Commits that fail: what may be tried again, and what an answer then says.

mod common;

use std::future::Future;
use std::time::Duration;

use carryall::{Error, ErrorKind, Session};
use common::lab::Tab;
use common::slow::{Hold, slow_lab};
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

#[tokio::test(start_paused = true)]
async fn a_failed_commit_can_be_tried_again_and_says_ok_only_if_it_wrote() {
    let (lab, slow) = slow_lab();
    let mut tab = lab.user("ada").await;
    let store = slow.clone();
    let seen = tab.stay(move |session| async move {
        add_one(&session)?;
        store.hold('C', Hold::Before);
        store.fail();
        assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::Outage);
        store.free();
        session.commit().await
    });
    let is_ok = in_time(seen).await.answer.unwrap().is_ok();
    assert!(is_ok, "the store is back");
    assert_eq!(value_of(&tab).await, Some(2));
}

#[tokio::test(start_paused = true)]
async fn an_update_whose_acknowledgement_was_lost_is_not_counted_twice_by_trying_again() {
    let (lab, slow) = slow_lab();
    let mut tab = lab.user("ada").await;
    let store = slow.clone();
    let seen = tab.stay(move |session| async move {
        add_one(&session)?;
        store.hold('C', Hold::After);
        store.fail();
        assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::Outage);
        store.free();
        session.commit().await
    });
    in_time(seen).await;
    assert_eq!(value_of(&tab).await, Some(2));
}
