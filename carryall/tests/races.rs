//! Commits that meet rollbacks, updates, failures, logins and logouts of the same request or of another.

mod common;

use std::sync::mpsc;
use std::time::Duration;

use axum::http::StatusCode;
use carryall::{Error, ErrorKind, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};
use common::nodes::at;
use common::slow::{HOLDS, Hold, poll_once, quiet, slow_lab, slow_lab_and_neighbour};
use tokio::sync::oneshot;

type Deed = fn(&Session) -> Result<(), Error>;

async fn value_of(tab: &Tab) -> Option<u64> {
    tab.peek(|session| async move { session.get("value") }).await.ok()
}

async fn subject_of(tab: &Tab) -> Option<String> {
    let subject = |session: Session| async move { Ok(session.subject().map(|id| id.as_str().to_owned())) };
    tab.peek(subject).await.ok()
}

#[tokio::test(start_paused = true)]
async fn a_rollback_during_a_commit_takes_nothing_back_that_is_committed() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let mut tab = lab.user("ada").await;
        slow.hold('C', hold);
        let store = slow.clone();
        let seen = tab.stay(move |session| async move {
            session.set("value", &2)?;
            let mut commit = Box::pin(session.commit());
            assert!(poll_once(&mut commit).await.is_pending());
            session.rollback();
            store.free();
            commit.await?;
            let found = session.get::<u64>("value")?;
            session.set("else", &1)?;
            Ok(found)
        });
        assert_eq!(seen.await.ok(), Some(2), "{hold:?}: the handler sees what it committed");
        let found = tab.visit(|session| Ok((session.get("value")?, session.get("else")?))).await.ok();
        assert_eq!(found, (Some(2), Some(1)), "{hold:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rollback_during_the_commit_of_a_login_leaves_the_user_signed_in() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let mut tab = lab.visitor().await;
        slow.hold('C', hold);
        let store = slow.clone();
        let seen = tab.stay(move |session| async move {
            session.login("ada")?;
            let mut commit = Box::pin(session.commit());
            assert!(poll_once(&mut commit).await.is_pending());
            session.rollback();
            store.free();
            commit.await
        });
        seen.await.ok();
        assert_eq!(subject_of(&tab).await.as_deref(), Some("ada"), "{hold:?}");
    }
}

/// One task of a request commits and replays on what another request wrote, while the closure of another task runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_update_that_meets_a_commit_of_its_request_counts_from_what_that_commit_found() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    let mut other = tab.clone();
    let seen = tab.stay(|session| async move {
        session.set("else", &1)?;
        let (running, runs) = oneshot::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        let gate = std::sync::Mutex::new(Some((running, may_go_on)));
        let counting = session.clone();
        let update = tokio::task::spawn_blocking(move || {
            counting.update("value", move |n: Option<u64>| {
                if let Some((running, may_go_on)) = gate.lock().unwrap().take() {
                    running.send(()).unwrap();
                    may_go_on.recv().unwrap();
                }
                n.unwrap_or(0) + 1
            })
        });
        runs.await.unwrap();
        other.visit(|session| session.set("value", &10)).await.ok();
        session.commit().await?;
        go_on.send(()).unwrap();
        update.await.unwrap()
    });
    assert_eq!(seen.await.ok(), 11);
    assert_eq!(value_of(&tab).await, Some(11));
}

#[tokio::test]
async fn an_early_commit_sets_no_cookie_over_that_of_a_later_login() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut slow = lab.visitor().await;
        let mut tab = slow.clone();
        let deeds: [Deed; 3] = [
            |session| session.set("value", &2),
            Session::regenerate,
            |session| session.persist_for(Duration::from_hours(24)),
        ];
        for deed in deeds {
            let before = slow.clone();
            slow = before.clone();
            let seen = slow.stay(move |session| async move {
                deed(&session)?;
                session.commit().await?;
                let mut later = before;
                assert!(later.visit(|session| session.login("ada")).await.sets_cookie());
                Ok(later)
            });
            let seen = seen.await;
            assert!(!seen.sets_cookie(), "{home:?}: it would sign the user out");
            tab.cookie.clone_from(&seen.answer.unwrap().unwrap().cookie);
            assert_eq!(subject_of(&tab).await.as_deref(), Some("ada"), "{home:?}");
            slow = lab.visitor().await;
        }
    }
}

#[tokio::test]
async fn an_early_commit_sets_no_cookie_after_a_logout() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut slow = lab.user("ada").await;
        let mut other = slow.clone();
        let seen = slow.stay(|session| async move {
            session.regenerate()?;
            session.set("value", &2)?;
            session.commit().await?;
            assert!(other.visit(Session::logout).await.removes_cookie());
            Ok(())
        });
        assert!(!seen.await.sets_cookie(), "{home:?}");
        assert_eq!(subject_of(&slow).await, None, "{home:?}");
    }
}

#[tokio::test]
async fn a_login_that_is_committed_has_its_cookie_though_a_later_commit_fails() {
    for letters in ["C", "CL"] {
        for is_told in [false, true] {
            let lab = Lab::new(Home::Store);
            let mut tab = lab.visitor().await;
            let store = lab.store.clone();
            let seen = tab.stay(move |session| async move {
                session.login("ada")?;
                session.commit().await?;
                session.set("value", &2)?;
                store.set_failing(letters);
                if is_told { session.commit().await } else { Ok(()) }
            });
            let seen = seen.await;
            assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
            lab.store.set_failing("");
            assert!(seen.sets_cookie(), "the cookie from before the login is superseded");
            assert_eq!(subject_of(&tab).await.as_deref(), Some("ada"));
            assert_eq!(value_of(&tab).await, Some(1));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_fresh_login_that_failed_can_be_tried_again() {
    for hold in HOLDS {
        for has_session in [false, true] {
            let (lab, slow) = slow_lab();
            let mut tab = if has_session { lab.visitor().await } else { lab.tab() };
            let store = slow.clone();
            let seen = tab.stay(move |session| async move {
                session.login("ada")?;
                session.set("value", &2)?;
                store.hold('C', hold);
                store.fail();
                assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::Outage);
                store.free();
                session.commit().await
            });
            let seen = seen.await;
            assert_eq!(seen.answer, Some(Ok(())), "{hold:?}, session before: {has_session}");
            assert_eq!((seen.status, seen.sets_cookie()), (StatusCode::OK, true), "{hold:?}, {has_session}");
            assert_eq!(subject_of(&tab).await.as_deref(), Some("ada"), "{hold:?}, {has_session}");
            assert_eq!(value_of(&tab).await, Some(2), "{hold:?}, {has_session}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_loads_while_another_logs_out_begins_no_session() {
    for hold in HOLDS {
        for elsewhere in [false, true] {
            let (lab, slow, neighbour) = slow_lab_and_neighbour();
            let tab = lab.user("ada").await;
            let (go_on, may_go_on) = oneshot::channel::<()>();
            let leaving = at(if elsewhere { &neighbour } else { &lab }, &tab);
            let leaving = tokio::spawn(async move {
                let deed = |session: Session| async move {
                    may_go_on.await.unwrap();
                    session.logout()
                };
                leaving.peek(deed).await
            });
            quiet().await;
            slow.hold('L', hold);
            let late = tab.clone();
            let late =
                tokio::spawn(
                    async move { late.peek(|session| async move { session.set("value", &9) }).await },
                );
            slow.held(1).await;
            go_on.send(()).unwrap();
            assert!(leaving.await.unwrap().removes_cookie());
            slow.free();
            let seen = late.await.unwrap();
            // A node that hears of no ends takes a session without record for none.
            if !elsewhere || hold == Hold::After {
                assert!(!seen.sets_cookie(), "{hold:?}, elsewhere: {elsewhere}");
                assert_eq!(seen.status, StatusCode::CONFLICT, "{hold:?}, elsewhere: {elsewhere}");
            }
            assert_eq!(subject_of(&tab).await, None);
        }
    }
}
