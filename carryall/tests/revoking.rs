//! Signing users out from outside, and hearing of the end of a session.

mod common;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use carryall::revocation::{Revocations, SingleNode};
use carryall::store::AnyStore;
use carryall::{ErrorKind, KeyRing, Session, Sessions};
use common::clock::TokioClock;
use common::house::HOMES;
use common::lab::{Lab, Tab};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

async fn subject_of(tab: &mut Tab) -> Option<String> {
    tab.visit(|session| Ok(session.subject().map(|subject| subject.as_str().to_owned()))).await.ok()
}

#[tokio::test]
async fn revoking_a_user_ends_all_their_sessions_and_nobody_elses() {
    for home in HOMES {
        let lab = Lab::new(home);
        let (mut first, mut second) = (lab.user("ada").await, lab.user("ada").await);
        let (mut bob, mut visitor) = (lab.user("bob").await, lab.visitor().await);
        lab.sessions.revoke_subject("ada").await.unwrap();
        assert_eq!(subject_of(&mut first).await, None, "{home:?}");
        let seen = second.visit(|session| session.get::<u64>("value")).await;
        assert!(!seen.sets_cookie());
        assert_eq!(seen.ok(), None, "{home:?}: not even the values");
        assert_eq!(subject_of(&mut bob).await.as_deref(), Some("bob"));
        assert_eq!(visitor.visit(|session| session.get::<u64>("value")).await.ok(), Some(1));
        first.visit(|session| session.login("ada")).await.ok();
        assert_eq!(subject_of(&mut first).await.as_deref(), Some("ada"), "{home:?}: not born dead");
        assert_eq!(subject_of(&mut second).await, None);
    }
}

#[tokio::test]
async fn a_refresh_does_not_launder_a_revoked_session() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        lab.wait(100);
        let sessions = lab.sessions.clone();
        let seen = tab.stay(|session| async move {
            sessions.revoke_subject("ada").await?;
            session.get::<u64>("value")
        });
        assert!(!seen.await.sets_cookie(), "{home:?}: nothing is minted after the revocation");
        assert_eq!(subject_of(&mut tab).await, None);
    }
}

#[tokio::test]
async fn what_a_slow_request_writes_does_not_outlive_the_revocation() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let sessions = lab.sessions.clone();
        let seen = tab.stay(|session| async move {
            sessions.revoke_subject("ada").await?;
            session.set("value", &2)
        });
        let seen = seen.await;
        assert_eq!((seen.status, seen.sets_cookie()), (StatusCode::CONFLICT, false), "{home:?}");
    }
}

#[tokio::test]
async fn a_change_of_password_signs_out_everywhere_but_here() {
    for home in HOMES {
        let lab = Lab::new(home);
        let (mut here, mut elsewhere) = (lab.user("ada").await, lab.user("ada").await);
        let sessions = lab.sessions.clone();
        here.stay(|session| async move {
            sessions.revoke_subject("ada").await?;
            session.login("ada")
        })
        .await
        .ok();
        assert_eq!(subject_of(&mut here).await.as_deref(), Some("ada"), "{home:?}");
        assert_eq!(here.visit(|session| session.get::<u64>("value")).await.ok(), Some(1), "{home:?}");
        assert_eq!(subject_of(&mut elsewhere).await, None, "{home:?}");
    }
}

#[tokio::test]
async fn revoking_everyone_leaves_nobody_and_lets_everybody_come_again() {
    for home in HOMES {
        let lab = Lab::new(home);
        let (mut ada, mut visitor) = (lab.user("ada").await, lab.visitor().await);
        lab.sessions.revoke_everyone().await.unwrap();
        assert_eq!(subject_of(&mut ada).await, None, "{home:?}");
        assert_eq!(visitor.visit(|session| session.get::<u64>("value")).await.ok(), None, "{home:?}");
        ada.visit(|session| session.login("ada")).await.ok();
        assert_eq!(subject_of(&mut ada).await.as_deref(), Some("ada"), "{home:?}");
        lab.wait(1);
        visitor.visit(|session| session.set("value", &2)).await.ok();
        assert_eq!(visitor.visit(|session| session.get::<u64>("value")).await.ok(), Some(2), "{home:?}");
    }
}

#[tokio::test]
async fn an_anonymous_session_that_begins_right_after_a_revocation_is_good() {
    for (home, millis) in HOMES.into_iter().flat_map(|home| [(home, 0), (home, 300)]) {
        let lab = Lab::new(home);
        lab.clock.advance(Duration::from_millis(100));
        lab.sessions.revoke_everyone().await.unwrap();
        lab.clock.advance(Duration::from_millis(millis));
        let mut tab = lab.tab();
        tab.visit(|session| session.set("value", &2)).await.ok();
        assert_eq!(tab.visit(|session| session.get::<u64>("value")).await.ok(), Some(2), "{home:?}");
    }
}

#[tokio::test]
async fn revoking_a_key_ends_what_was_made_under_it() {
    for home in HOMES {
        let ring = KeyRing::random().unwrap();
        let id = ring.inventory()[0].0;
        let lab = Lab::with_keys(home, ring, |builder| builder);
        let mut tab = lab.user("ada").await;
        lab.sessions.revoke_key(KeyRing::random().unwrap().inventory()[0].0).await.unwrap();
        assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"), "{home:?}: another key");
        lab.sessions.revoke_key(id).await.unwrap();
        assert_eq!(subject_of(&mut tab).await, None, "{home:?}");
    }
}

#[tokio::test]
async fn a_restart_can_log_everybody_out() {
    for home in HOMES {
        let lab = Lab::new(home);
        let started = carryall::clock::Clock::now(&lab.clock);
        let again = Revocations::new(SingleNode::log_out_at_restart(started));
        let ring = KeyRing::random().unwrap();
        let before = Lab::with_keys(home, ring.clone(), |builder| builder);
        let mut tab = before.user("ada").await;
        let after = Lab::with_keys(home, ring, |builder| builder.revocations(again));
        tab.app = after.app.clone();
        assert_eq!(subject_of(&mut tab).await, None, "{home:?}");
        tab.visit(|session| session.login("ada")).await.ok();
        assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"), "{home:?}");
    }
}

#[tokio::test]
async fn revoking_without_revocations_is_a_mistake_that_says_what_is_missing() {
    let store = AnyStore::of(carryall::MemoryStore::default());
    let sessions = Sessions::builder(KeyRing::random().unwrap()).store(store).build().unwrap();
    let error = sessions.revoke_subject("ada").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misuse);
    assert!(error.to_string().contains("single_node()"), "{error}");
    assert_eq!(sessions.revoke_subject("").await.unwrap_err().kind(), ErrorKind::Misuse);
}

/// A task that outlives its request and waits for the end of the session.
async fn watch(tab: &mut Tab) -> JoinHandle<()> {
    let ready = Arc::new(Notify::new());
    let tell = Arc::clone(&ready);
    let deed = move |session: &Session| {
        let session = session.clone();
        Ok(tokio::spawn(async move {
            tell.notify_one();
            session.ended().await;
        }))
    };
    let task = tab.visit(deed).await.ok();
    ready.notified().await;
    tokio::task::yield_now().await;
    task
}

#[tokio::test(start_paused = true)]
async fn a_stream_hears_that_its_user_was_revoked() {
    for home in HOMES {
        let lab = Lab::with(home, |builder| builder.clock(TokioClock::default()));
        let (mut ada, mut bob) = (lab.user("ada").await, lab.user("bob").await);
        let (of_ada, of_bob) = (watch(&mut ada).await, watch(&mut bob).await);
        assert!(!of_ada.is_finished());
        lab.sessions.revoke_subject("ada").await.unwrap();
        of_ada.await.unwrap();
        assert!(!of_bob.is_finished(), "{home:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_hears_of_a_logout_in_another_request() {
    for home in HOMES {
        let lab = Lab::with(home, |builder| builder.clock(TokioClock::default()));
        let mut tab = lab.user("ada").await;
        let task = watch(&mut tab).await;
        tab.visit(|session| session.set("value", &2)).await.ok();
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "{home:?}: a write ends nothing");
        tab.visit(Session::logout).await.ok();
        task.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_hears_that_its_session_is_past_its_deadline() {
    for home in HOMES {
        let lab = Lab::with(home, |builder| builder.clock(TokioClock::default()));
        let mut tab = lab.user("ada").await;
        let task = watch(&mut tab).await;
        tokio::time::advance(Duration::from_secs(30 * 60 - 1)).await;
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "{home:?}");
        task.await.unwrap();
        assert_eq!(subject_of(&mut tab).await, None, "{home:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_does_not_exist_never_ends() {
    for home in HOMES {
        let lab = Lab::with(home, |builder| builder.clock(TokioClock::default()));
        let task = watch(&mut lab.tab()).await;
        lab.sessions.revoke_everyone().await.unwrap();
        tokio::time::advance(Duration::from_hours(12000)).await;
        tokio::task::yield_now().await;
        assert!(!task.is_finished(), "{home:?}");
    }
}
