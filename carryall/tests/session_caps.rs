//! How many sessions a user may have at once.

mod common;

use axum::http::StatusCode;
use carryall::event::{End, Event};
use carryall::id::Handle;
use carryall::store::{AnyStore, MemoryStore, WhenFull};
use carryall::{ErrorKind, KeyRing, Session, Sessions};
use common::fickle::{Fate, Fickle};
use common::house::Home;
use common::lab::{Lab, Tab};
use common::nodes::{at, nodes_with, repeats};
use tokio::sync::oneshot;

fn capped(most: usize, when_full: WhenFull) -> Lab {
    Lab::with(Home::Store, |builder| builder.store(MemoryStore::new()).sessions_per_user(most, when_full))
}

async fn subject_of(tab: &mut Tab) -> Option<String> {
    tab.visit(|session| Ok(session.subject().map(|subject| subject.as_str().to_owned()))).await.ok()
}

async fn handle_of(tab: &mut Tab) -> Handle {
    tab.visit(|session| Ok(session.meta().unwrap().handle)).await.ok()
}

#[tokio::test]
async fn a_login_too_many_is_refused_and_changes_nothing() {
    let lab = capped(2, WhenFull::Refuse);
    let (mut first, mut second) = (lab.user("ada").await, lab.user("ada").await);
    let mut third = lab.visitor().await;
    let seen = third.visit(|session| session.login("ada")).await;
    assert_eq!((seen.status, seen.sets_cookie()), (StatusCode::CONFLICT, false), "nobody handled it");
    assert_eq!(subject_of(&mut third).await, None);
    assert_eq!(
        third.visit(|session| session.get::<u64>("value")).await.ok(),
        Some(1),
        "the cart is still there"
    );
    let seen = lab.tab().visit(|session| session.login("ada")).await;
    assert_eq!((seen.status, seen.sets_cookie()), (StatusCode::CONFLICT, false), "without a session before");
    for tab in [&mut first, &mut second] {
        assert_eq!(subject_of(tab).await.as_deref(), Some("ada"));
    }
    assert_eq!(lab.sessions.count("ada").await.unwrap(), 2);
    third.visit(|session| session.login("bob")).await.ok();
    assert_eq!(subject_of(&mut third).await.as_deref(), Some("bob"), "somebody else has places of their own");
}

#[tokio::test]
async fn a_handler_can_say_what_to_do_about_a_login_too_many() {
    let lab = capped(1, WhenFull::Refuse);
    let mut first = lab.user("ada").await;
    let mut second = lab.visitor().await;
    let seen = second.stay(|session| async move {
        session.login("ada")?;
        let error = session.commit().await.unwrap_err();
        assert!(error.to_string().contains("1 sessions already"), "{error}");
        session.rollback();
        session.flash().set("notice", &"sign out elsewhere first")?;
        Ok(error.kind())
    });
    assert_eq!(seen.await.ok(), ErrorKind::TooManySessions);
    let notice = second.visit(|session| session.flash().get::<String>("notice")).await.ok();
    assert_eq!(notice.as_deref(), Some("sign out elsewhere first"));
    assert_eq!(subject_of(&mut second).await, None);
    first.visit(Session::logout).await.ok();
    second.visit(|session| session.login("ada")).await.ok();
    assert_eq!(subject_of(&mut second).await.as_deref(), Some("ada"), "once there is a place");
}

#[tokio::test]
async fn the_oldest_session_makes_room_for_a_login_and_is_told_of() {
    let configure = |builder: carryall::SessionsBuilder| builder.sessions_per_user(2, WhenFull::EndOldest);
    let nodes = nodes_with(2, MemoryStore::new(), configure);
    let mut tabs = Vec::new();
    for _ in 0..3 {
        tabs.push(nodes[0].visitor().await);
        nodes[0].wait(1);
    }
    let (ready, is_ready) = oneshot::channel();
    let mut streams = Vec::new();
    tabs[1].visit(|session| session.login("ada")).await.ok();
    let watch = move |session: &Session| {
        session.login("ada")?;
        let session = session.clone();
        Ok(tokio::spawn(async move {
            let _ = ready.send(());
            session.ended().await;
        }))
    };
    streams.push(tabs[0].visit(watch).await.ok());
    is_ready.await.unwrap();
    let oldest = handle_of(&mut tabs[0]).await;
    nodes[0].events.take();
    tabs[2].visit(|session| session.login("ada")).await.ok();
    let told = nodes[0].events.take();
    let displaced = Event::Ended { handle: oldest, end: End::Displaced };
    assert_eq!(
        told.iter().filter(|event| matches!(event, Event::Ended { .. })).collect::<Vec<_>>(),
        [&displaced]
    );
    for stream in streams {
        stream.await.unwrap();
    }
    for node in &nodes {
        assert_eq!(
            subject_of(&mut at(node, &tabs[0])).await,
            None,
            "the one that began first, not that signed in first"
        );
        for tab in &tabs[1..] {
            assert_eq!(subject_of(&mut at(node, tab)).await.as_deref(), Some("ada"));
        }
    }
}

#[tokio::test]
async fn a_user_who_is_in_already_needs_no_other_place() {
    for when_full in [WhenFull::Refuse, WhenFull::EndOldest] {
        let lab = capped(1, when_full);
        let mut tab = lab.user("ada").await;
        tab.visit(|session| session.set("value", &2)).await.ok();
        tab.visit(|session| session.elevate(2)).await.ok();
        tab.visit(|session| session.login("ada")).await.ok();
        tab.visit(Session::regenerate).await.ok();
        assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"), "{when_full:?}");
        assert_eq!(tab.visit(|session| session.get::<u64>("value")).await.ok(), Some(2), "{when_full:?}");
        let told = lab.events.take();
        assert!(!told.iter().any(|event| matches!(event, Event::Ended { .. })), "{told:?}");
    }
}

#[tokio::test]
async fn sessions_that_are_over_take_no_place() {
    let lab = capped(1, WhenFull::Refuse);
    lab.user("ada").await;
    lab.wait(31 * 60);
    lab.user("ada").await;
    lab.sessions.revoke_subject("ada").await.unwrap();
    let mut tab = lab.user("ada").await;
    lab.wait(1);
    lab.sessions.revoke_everyone().await.unwrap();
    assert_eq!(subject_of(&mut tab).await, None);
    let mut tab = lab.user("ada").await;
    assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"));
    assert_eq!(lab.sessions.count("ada").await.unwrap(), 1);
}

#[tokio::test]
async fn a_login_of_which_the_store_said_nothing_takes_one_place_only() {
    let store = Fickle::default();
    let any = AnyStore::of(store.clone()).lists_subjects();
    let lab = Lab::with(Home::Store, |builder| builder.store(any).sessions_per_user(1, WhenFull::Refuse));
    for mut tab in [lab.tab(), lab.visitor().await] {
        let knows = tab.cookie.is_some();
        let fickle = store.clone();
        let seen = tab.stay(move |session| async move {
            session.login("ada")?;
            fickle.set(&[(0, 0, Fate::FailsAfter)]);
            assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::Outage);
            session.commit().await
        });
        seen.await.ok();
        assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"), "{knows}");
        assert_eq!(lab.sessions.count("ada").await.unwrap(), 1, "{knows}");
        tab.visit(Session::logout).await.ok();
    }
}

#[tokio::test]
async fn a_cap_that_nobody_could_keep_is_refused_when_the_application_is_built() {
    let (ring, refuse) = (KeyRing::random().unwrap(), WhenFull::Refuse);
    let zero = Sessions::builder(ring.clone()).store(MemoryStore::new()).sessions_per_user(0, refuse);
    let carried = Sessions::builder(ring.clone()).single_node().sessions_per_user(3, refuse);
    let undeclared =
        Sessions::builder(ring).store(AnyStore::of(MemoryStore::new())).sessions_per_user(3, refuse);
    for (builder, why) in [(zero, "zero"), (carried, "needs a store"), (undeclared, "needs a store")] {
        let error = builder.build().unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_logins_at_once_on_two_nodes_never_pass_the_cap() {
    for round in 0..repeats() {
        let when_full = [WhenFull::Refuse, WhenFull::EndOldest][round % 2];
        let nodes = nodes_with(2, MemoryStore::new(), |builder| builder.sessions_per_user(3, when_full));
        let mut logins = Vec::new();
        for n in 0..50 {
            let mut tab = if n % 4 < 2 { nodes[n % 2].tab() } else { nodes[n % 2].visitor().await };
            logins.push(tokio::spawn(async move {
                let status = tab.visit(|session| session.login("ada")).await.status;
                (tab, status)
            }));
        }
        let mut live = 0;
        for login in logins {
            assert!(nodes[0].sessions.count("ada").await.unwrap() <= 3, "{when_full:?}: while they come in");
            let (mut tab, status) = login.await.unwrap();
            let expected =
                status == StatusCode::OK || when_full == WhenFull::Refuse && status == StatusCode::CONFLICT;
            assert!(expected, "{when_full:?}: {status}");
            let is_in = subject_of(&mut tab).await.is_some();
            assert!(!is_in || status == StatusCode::OK);
            live += usize::from(when_full == WhenFull::Refuse && is_in);
        }
        assert_eq!(nodes[1].sessions.list("ada").await.unwrap().len(), 3, "{when_full:?}");
        assert!(when_full == WhenFull::EndOldest || live == 3, "{live} are in");
    }
}
