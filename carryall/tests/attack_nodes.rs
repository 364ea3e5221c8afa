//! Attacks on an application of several nodes, by number.

mod common;

use axum::http::StatusCode;
use carryall::revocation::Revocations;
use carryall::{ErrorKind, KeyRing, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};
use common::shared_log::{Line, SharedLog};

async fn subject_of(tab: &mut Tab) -> Option<String> {
    tab.visit(|session| Ok(session.subject().map(|subject| subject.as_str().to_owned()))).await.ok()
}

/// Two nodes of one application, and the log between them.
fn nodes(home: Home) -> (Lab, Lab, SharedLog) {
    let (ring, log) = (KeyRing::random().unwrap(), SharedLog::default());
    let revocations = || Revocations::new(log.clone());
    let one = Lab::with_keys(home, ring.clone(), |builder| builder.revocations(revocations()));
    let store = carryall::store::AnyStore::of(one.store.clone());
    let two = Lab::with_keys(home, ring, |builder| {
        let builder = builder.clock(one.clock.clone()).revocations(revocations());
        if home == Home::Store { builder.store(store) } else { builder }
    });
    (one, two, log)
}

#[tokio::test]
async fn a058_no_cookie_of_a_logged_out_session_is_good_here_or_on_another_node() {
    for home in HOMES {
        let (one, two, _log) = nodes(home);
        let mut tab = one.user("ada").await;
        let older = tab.clone();
        tab.visit(|session| session.set("value", &2)).await.ok();
        let replayed = tab.clone();
        let elsewhere = |tab: &Tab| Tab { app: two.app.clone(), ..tab.clone() };
        assert_eq!(subject_of(&mut elsewhere(&tab)).await.as_deref(), Some("ada"), "{home:?}");
        tab.visit(Session::logout).await.ok();
        for mut tab in [replayed.clone(), older.clone(), elsewhere(&replayed), elsewhere(&older)] {
            assert_eq!(subject_of(&mut tab).await, None, "{home:?}");
        }
    }
}

#[tokio::test]
async fn a067_revoking_reaches_every_session_on_every_node_and_spares_whom_it_should() {
    for home in HOMES {
        let (one, two, _log) = nodes(home);
        let (mut here, mut there) = (one.user("ada").await, two.user("ada").await);
        let mut bob = two.user("bob").await;
        one.sessions.revoke_subject("ada").await.unwrap();
        assert_eq!((subject_of(&mut here).await, subject_of(&mut there).await), (None, None), "{home:?}");
        assert_eq!(subject_of(&mut bob).await.as_deref(), Some("bob"), "{home:?}");
        two.sessions.revoke_everyone().await.unwrap();
        assert_eq!(subject_of(&mut bob).await, None, "{home:?}");
    }
}

#[tokio::test]
async fn a113_without_the_log_nobody_is_let_in_and_nothing_pretends_to_be_done() {
    for home in HOMES {
        let (one, _two, log) = nodes(home);
        let (mut tab, mut other) = (one.user("ada").await, one.user("bob").await);
        log.set(Line::Broken);
        assert_eq!(
            subject_of(&mut tab).await.as_deref(),
            Some("ada"),
            "{home:?}: what is known is still fresh"
        );
        if home != Home::Store {
            for change in [|session: &Session| session.elevate(2), |session: &Session| session.regenerate()] {
                let seen = tab.clone().visit(change).await;
                assert_eq!((seen.status, seen.sets_cookie()), (StatusCode::SERVICE_UNAVAILABLE, false));
                assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"), "{home:?}: nothing is lost");
            }
        }
        assert_eq!(one.sessions.revoke_subject("bob").await.unwrap_err().kind(), ErrorKind::Outage);
        assert_eq!(subject_of(&mut other).await, None, "{home:?}: refused here all the same");
        log.set(Line::Lost);
        assert_eq!(subject_of(&mut tab).await, None, "{home:?}: never silently open");
        let seen = tab.visit(|session| session.get::<u64>("value")).await;
        assert!(!seen.sets_cookie(), "{home:?}: and no cookie is lost for it");
        log.set(Line::Up);
        assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"), "{home:?}: back with the log");
    }
}

#[tokio::test]
async fn a_change_of_identity_on_one_node_closes_the_old_cookie_on_the_other() {
    for home in HOMES {
        let (one, two, _log) = nodes(home);
        let mut tab = one.visitor().await;
        let mut planted = Tab { app: two.app.clone(), ..tab.clone() };
        tab.visit(|session| session.login("ada")).await.ok();
        assert_eq!(subject_of(&mut planted).await, None, "{home:?}");
        let seen = planted.visit(|session| session.set("value", &666)).await;
        assert_eq!((seen.error(), seen.sets_cookie()), (ErrorKind::Superseded, false), "{home:?}");
        let mut elsewhere = Tab { app: two.app.clone(), ..tab.clone() };
        assert_eq!(subject_of(&mut elsewhere).await.as_deref(), Some("ada"), "{home:?}");
    }
}

#[tokio::test]
async fn a_lost_response_is_forgiven_by_every_node_and_its_window_ends_on_every_node() {
    for home in HOMES {
        let (one, two, _log) = nodes(home);
        let mut old = one.user("ada").await;
        let mut new = old.clone();
        new.visit(Session::regenerate).await.ok();
        one.wait(20 * 60);
        let mut elsewhere = Tab { app: two.app.clone(), ..old.clone() };
        assert_eq!(
            subject_of(&mut elsewhere).await.as_deref(),
            Some("ada"),
            "{home:?}: never seen, still open"
        );
        let mut arrived = Tab { app: two.app.clone(), ..new.clone() };
        assert_eq!(subject_of(&mut arrived).await.as_deref(), Some("ada"), "{home:?}");
        one.wait(30);
        for app in [&one.app, &two.app] {
            old.app = app.clone();
            assert_eq!(subject_of(&mut old.clone()).await, None, "{home:?}");
        }
    }
}
