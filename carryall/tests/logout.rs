//! The end of a session: it holds, whatever happens around it.

mod common;

use std::future::{Future as _, poll_fn};
use std::pin::pin;
use std::task::Poll;

use axum::http::StatusCode;
use carryall::event::{End, Event};
use carryall::{ErrorKind, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Seen, Tab};

async fn subject_of(tab: &mut Tab) -> Option<String> {
    tab.visit(|session| Ok(session.subject().map(|subject| subject.as_str().to_owned()))).await.ok()
}

fn is_logout(event: &Event) -> bool {
    matches!(event, Event::Ended { end: End::Logout, .. })
}

/// The session of these cookies is over, the removal went out, and the store has nothing left.
async fn assert_over(lab: &Lab, tabs: &mut [Tab]) {
    for tab in tabs {
        assert_eq!(subject_of(tab).await, None, "{:?}", lab.home);
    }
    assert_eq!(lab.store.records().await, 0, "{:?}", lab.home);
}

#[tokio::test]
async fn logout_leaves_nothing_and_every_older_cookie_is_refused() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let anonymous = tab.clone();
        tab.visit(|session| session.login("ada")).await.ok();
        let before = tab.clone();
        tab.visit(|session| session.set("value", &2)).await.ok();
        let saved = tab.clone();
        let seen = tab.visit(|session| {
            session.logout()?;
            assert!(session.subject().is_none() && session.keys()?.is_empty());
            Ok(())
        });
        assert!(seen.await.removes_cookie(), "{home:?}");
        assert_eq!(lab.events.take().iter().filter(|event| is_logout(event)).count(), 1);
        assert_over(&lab, &mut [tab, anonymous, before, saved.clone()]).await;
        let mut saved = saved;
        let seen = saved.visit(|session| session.set("value", &3)).await;
        assert_eq!((seen.error(), seen.sets_cookie()), (ErrorKind::Superseded, false), "{home:?}");
        lab.wait(61);
        saved.visit(|session| session.set("value", &3)).await.ok();
        assert_eq!(subject_of(&mut saved).await, None, "{home:?}: long after, the cookie counts as none");
    }
}

#[tokio::test]
async fn a_logout_that_is_repeated_or_of_nobody_is_nothing() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let mut again = tab.clone();
        tab.visit(|session| session.logout().and_then(|()| session.logout())).await.ok();
        assert_eq!(lab.events.take().iter().filter(|event| is_logout(event)).count(), 1, "{home:?}");
        for tab in [&mut tab, &mut again, &mut lab.tab()] {
            let seen = tab.visit(Session::logout).await;
            assert!(!seen.sets_cookie(), "{home:?}");
            seen.ok();
        }
        assert!(!lab.events.take().iter().any(is_logout));
    }
}

#[tokio::test]
async fn a_slow_writer_does_not_bring_a_logged_out_session_back() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut slow = lab.user("ada").await;
        let mut other = slow.clone();
        let seen = slow.stay(|session| async move {
            assert!(other.visit(Session::logout).await.removes_cookie());
            session.set("value", &2)
        });
        let seen = seen.await;
        assert_eq!(seen.status, StatusCode::CONFLICT, "{home:?}");
        assert!(!seen.sets_cookie(), "{home:?}: not even a removal, it could hit a new login");
        assert_over(&lab, &mut [slow]).await;
    }
}

#[tokio::test]
async fn a_slow_reader_sets_no_cookie_after_a_logout() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut slow = lab.user("ada").await;
        lab.wait(100);
        let mut other = slow.clone();
        let seen = slow.stay(|session| async move {
            other.visit(Session::logout).await.ok();
            session.get::<u64>("value")
        });
        let seen = seen.await;
        assert!(!seen.sets_cookie(), "{home:?}: the refresh that was due is dropped");
        assert_eq!(seen.ok(), Some(1), "what was loaded stays readable");
        assert_over(&lab, &mut [slow]).await;
    }
}

#[tokio::test]
async fn a_commit_in_the_handler_hears_of_the_logout() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut slow = lab.user("ada").await;
        let mut other = slow.clone();
        let seen = slow.stay(|session| async move {
            other.visit(Session::logout).await.ok();
            session.update_now("value", |value: Option<u64>| value.unwrap_or(0) + 1).await
        });
        let seen = seen.await;
        assert_eq!((seen.error(), seen.sets_cookie()), (ErrorKind::Superseded, false), "{home:?}");
        assert_over(&lab, &mut [slow]).await;
    }
}

#[tokio::test]
async fn logout_survives_a_panic_of_the_handler() {
    for home in HOMES {
        let lab = Lab::new(home);
        let tab = lab.user("ada").await;
        let panicking = tab.clone();
        let call = tokio::spawn(async move {
            let deed = |session: Session| async move {
                session.logout()?;
                session.set("after", &1)?;
                panic!("after the logout");
                #[allow(unreachable_code, reason = "says what the handler would answer")]
                Ok(())
            };
            panicking.peek(deed).await
        });
        assert!(call.await.unwrap_err().is_panic());
        // Refused from the panic on, and in the store as soon as it answers.
        assert_eq!(subject_of(&mut tab.clone()).await, None, "{home:?}");
        lab.events.wait_for(is_logout).await;
        assert_over(&lab, &mut [tab]).await;
    }
}

#[tokio::test]
async fn logout_survives_a_cancelled_handler() {
    for home in HOMES {
        let lab = Lab::new(home);
        let tab = lab.user("ada").await;
        {
            let mut call = pin!(tab.peek(|session| async move {
                session.logout()?;
                std::future::pending::<()>().await;
                Ok(())
            }));
            let polled = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
        }
        assert_eq!(subject_of(&mut tab.clone()).await, None, "{home:?}");
        lab.events.wait_for(is_logout).await;
        assert_over(&lab, &mut [tab]).await;
    }
}

#[tokio::test]
async fn logout_survives_rollback_and_what_was_written_after_it_does_not() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let saved = tab.clone();
        let seen = tab.visit(|session| {
            session.set("value", &2)?;
            session.logout()?;
            session.set("value", &3)?;
            session.rollback();
            session.get::<u64>("value")
        });
        let seen = seen.await;
        assert!(seen.removes_cookie(), "{home:?}");
        assert_eq!(seen.ok(), None);
        assert_over(&lab, &mut [saved]).await;
    }
}

#[tokio::test]
async fn logout_survives_an_error_status_and_a_failing_write_beside_it() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let saved = tab.clone();
        tab.status = StatusCode::INTERNAL_SERVER_ERROR;
        let seen = tab.visit(|session| {
            session.logout()?;
            session.set("value", &"x".repeat(10_000_000))
        });
        let seen = seen.await;
        assert_eq!(seen.error(), ErrorKind::TooLarge);
        assert!(seen.removes_cookie(), "{home:?}");
        assert_over(&lab, &mut [saved]).await;
    }
}

/// A logout while the store does nothing but fail.
async fn logout_without_store(lab: &Lab, tab: &mut Tab) -> Seen<()> {
    let store = lab.store.clone();
    tab.visit(move |session| {
        store.set_down(true);
        session.logout()
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_logout_while_the_store_is_down_holds_here_at_once_and_there_as_soon_as_it_is_back() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    let mut saved = tab.clone();
    let seen = logout_without_store(&lab, &mut tab).await;
    assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(seen.removes_cookie(), "whoever asked to be signed out is, as far as this browser goes");
    lab.store.take();
    assert_eq!(subject_of(&mut saved).await, None, "this node refuses at once");
    assert_eq!(lab.store.take(), "", "and needs no store for that");
    assert_eq!((lab.sessions.waiting_ends(), lab.store.records().await), (1, 1));
    assert!(!lab.events.take().iter().any(is_logout), "an end that nobody holds is not announced");
    lab.store.set_down(false);
    lab.events.wait_for(is_logout).await;
    tokio::task::yield_now().await;
    assert_eq!((lab.sessions.waiting_ends(), lab.store.records().await), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_session_is_retried_no_longer_than_a_cookie_could_be_good() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    logout_without_store(&lab, &mut tab).await;
    tokio::task::yield_now().await;
    assert_eq!(lab.sessions.waiting_ends(), 1);
    lab.wait(31 * 86_400);
    while lab.sessions.waiting_ends() > 0 {
        tokio::time::advance(std::time::Duration::from_secs(1)).await;
    }
    assert!(!lab.events.take().iter().any(is_logout));
}

#[tokio::test]
async fn a_failed_logout_does_not_begin_the_session_that_was_to_follow() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    let store = lab.store.clone();
    let seen = tab.stay(|session| async move {
        store.set_down(true);
        session.logout()?;
        session.set("next", &1)?;
        let failed = session.commit().await.unwrap_err();
        store.set_down(false);
        Ok(failed.kind())
    });
    let seen = seen.await;
    assert!(seen.removes_cookie(), "the handler was told, so nothing else is written");
    assert_eq!(seen.ok(), ErrorKind::Outage);
    assert_eq!(tab.cookie, None);
}
