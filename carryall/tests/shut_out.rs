//! Requests of whoever was shut out by a login, an end or a race: they see nothing of what came after, undo nothing of
//! it, and get no cookie of it.

mod common;

use std::time::Duration;

use axum::http::StatusCode;
use carryall::random::{Random as _, SystemRandom};
use carryall::store::AnyStore;
use carryall::{ErrorKind, Key, KeyRing, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};
use common::nodes::nodes_with;
use common::slow::{Hold, Slow, poll_once, quiet, slow_lab};

async fn subject_of(tab: &Tab) -> Option<String> {
    let subject = |session: Session| async move { Ok(session.subject().map(|id| id.as_str().to_owned())) };
    tab.peek(subject).await.ok()
}

fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    SystemRandom.secret(&mut secret).unwrap();
    secret
}

#[tokio::test]
async fn a_conflict_shows_nothing_of_a_login_made_meanwhile_and_gives_no_cookie_of_it() {
    for commits_early in [false, true] {
        let lab = Lab::new(Home::Store);
        let mut planted = lab.visitor().await;
        let mut victim = planted.clone();
        let seen = planted.stay(move |session| async move {
            if commits_early {
                session.persist_for(Duration::from_hours(24))?;
                session.commit().await?;
            }
            session.get::<u64>("value")?;
            victim.visit(|session| session.set("value", &100)).await.ok();
            victim.visit(|session| session.login("victim")).await.ok();
            session.set("value", &2)?;
            let told = session.commit().await.unwrap_err().kind();
            Ok((told, session.subject().is_some(), session.get::<u64>("value").ok()))
        });
        let seen = seen.await;
        let is_kept_back = !seen.sets_cookie();
        let (told, sees_login, value) = seen.ok();
        assert_eq!((told, sees_login), (ErrorKind::Superseded, false), "early: {commits_early}");
        assert_ne!(value, Some(Some(100)), "early: {commits_early}");
        assert!(is_kept_back, "early: {commits_early}");
        assert_eq!(subject_of(&planted).await, None, "early: {commits_early}");
    }
}

#[tokio::test]
async fn emptying_a_session_does_not_end_a_login_made_meanwhile() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut slow = lab.visitor().await;
        let mut tab = slow.clone();
        let seen = slow.stay(move |session| async move {
            session.clear()?;
            tab.visit(|session| session.login("ada")).await.ok();
            Ok(tab)
        });
        let seen = seen.await;
        assert!(!seen.sets_cookie() && !seen.removes_cookie(), "{home:?}");
        assert_eq!(seen.status, StatusCode::CONFLICT, "{home:?}");
        let tab = seen.answer.unwrap().unwrap();
        assert_eq!(subject_of(&tab).await.as_deref(), Some("ada"), "{home:?}");
    }
}

#[tokio::test]
async fn a_refresh_sets_no_cookie_over_that_of_a_login_made_meanwhile() {
    for is_lasting in [true, false] {
        let [old, new] = [(); 2].map(|()| secret());
        let ring = KeyRing::new(Key::from_bytes(&old).unwrap()).build().unwrap();
        let mut lab = Lab::with_keys(Home::Store, ring, |builder| builder);
        let mut slow = lab.visitor().await;
        if is_lasting {
            slow.visit(|session| session.persist_for(Duration::from_hours(24))).await.ok();
            lab.wait(90);
        } else {
            let old = Key::from_bytes(&old).unwrap();
            lab = lab.rotated(KeyRing::new(Key::from_bytes(&new).unwrap()).accept(old).build().unwrap());
            slow.app = lab.app.clone();
        }
        let mut tab = slow.clone();
        let seen = slow.stay(move |session| async move {
            let read = session.get::<u64>("value")?;
            tab.visit(|session| session.login("ada")).await.ok();
            Ok((tab, read))
        });
        let seen = seen.await;
        assert_eq!(seen.status, StatusCode::OK);
        assert!(!seen.sets_cookie() && !seen.removes_cookie(), "lasting: {is_lasting}");
        let (tab, _) = seen.answer.unwrap().unwrap();
        assert_eq!(subject_of(&tab).await.as_deref(), Some("ada"), "lasting: {is_lasting}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_logout_during_a_commit_that_fails_and_is_told_holds() {
    let (lab, slow) = slow_lab();
    let mut tab = lab.user("ada").await;
    slow.hold('C', Hold::Before);
    let store = slow.clone();
    let seen = tab.stay(move |session| async move {
        session.set("value", &2)?;
        let mut commit = Box::pin(session.commit());
        assert!(poll_once(&mut commit).await.is_pending());
        session.logout()?;
        store.fail();
        let told = commit.await.unwrap_err().kind();
        store.free();
        Ok(told)
    });
    let seen = seen.await;
    assert!(seen.removes_cookie());
    assert_eq!(seen.ok(), ErrorKind::Outage);
    assert_eq!(subject_of(&tab).await, None);
    assert!(slow.inner.is_empty(), "nothing is left in the store");
}

#[tokio::test(start_paused = true)]
async fn a_commit_cut_off_by_its_deadline_is_not_made_twice() {
    let slow = Slow::default();
    // The deadline of the whole commit strikes, not that of one operation.
    let nodes = nodes_with(1, AnyStore::of(slow.clone()), |builder| {
        builder.patience(Duration::from_secs(2), Duration::from_secs(3))
    });
    let mut tab = nodes[0].user("ada").await;
    let mut other = tab.clone();
    let store = slow.clone();
    let seen = tab.stay(move |session| async move {
        session.update("count", |n: Option<u64>| n.unwrap_or(0) + 1)?;
        other.visit(|session| session.set("else", &1)).await.ok();
        store.hold('C', Hold::After);
        // The first try has lost a race, and the second is cut off when the store has made the change.
        let lose = async {
            tokio::time::sleep(Duration::from_millis(1900)).await;
            store.release();
        };
        let (told, ()) = tokio::join!(session.commit(), lose);
        assert_eq!(told.unwrap_err().kind(), ErrorKind::Outage);
        store.free();
        quiet().await;
        Ok(session.commit().await.map_err(|error| error.kind()))
    });
    assert_eq!(seen.await.ok(), Err(ErrorKind::Conflict), "nobody can tell whose change it was");
    let count = tab.peek(|session| async move { session.get::<u64>("count") }).await.ok();
    assert_eq!(count, Some(1));
}

#[tokio::test]
async fn a_first_sight_that_cannot_be_noted_fails_no_page() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        tab.visit(Session::regenerate).await.ok();
        let mut other = tab.clone();
        let seen = tab.stay(move |session| async move {
            let value = session.get::<u64>("value")?;
            other.visit(Session::logout).await.ok();
            Ok(value)
        });
        let seen = seen.await;
        assert_eq!(seen.status, StatusCode::OK, "{home:?}");
        assert!(!seen.sets_cookie(), "{home:?}");
        assert_eq!(subject_of(&tab).await, None, "{home:?}");
    }
}

#[tokio::test]
async fn tokens_made_after_a_login_and_an_elevation_of_one_request_are_good() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let token = tab
            .visit(|session| {
                session.login("ada")?;
                session.elevate(2)?;
                session.csrf().token()
            })
            .await
            .ok();
        assert!(tab.visit(move |session| Ok(session.csrf().verify(&token))).await.ok(), "{home:?}");
    }
}
