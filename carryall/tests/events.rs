//! Every event: told once, with the right data.

mod common;

use std::time::Duration;

use axum::http::StatusCode;
use carryall::clock::Clock as _;
use carryall::event::{End, Event, IdentityChange, Refusal, Revoked};
use carryall::id::Handle;
use carryall::policy::OnMismatch;
use carryall::store::{Commit, Draft, Store as _};
use carryall::{Carrier, FingerprintPolicy, Session};
use common::house::{HOMES, Home, House};
use common::jwt::Jwt;
use common::lab::{Lab, Tab};

async fn handle_of(tab: &mut Tab) -> Handle {
    tab.visit(|session| Ok(session.meta().unwrap().handle)).await.ok()
}

/// What is told when this browser comes by.
async fn told(lab: &Lab, tab: &Tab) -> Vec<Event> {
    lab.events.take();
    tab.clone().visit(|session| session.get::<u64>("value")).await.ok();
    lab.events.take()
}

fn refused(reason: Refusal, handle: Option<&Handle>) -> Vec<Event> {
    vec![Event::Refused { reason, handle: handle.cloned() }]
}

fn holding(tab: &Tab, cookie: &str) -> Tab {
    Tab { cookie: Some(cookie.to_owned()), ..tab.clone() }
}

#[tokio::test]
async fn a_cookie_that_is_not_authentic_is_told_without_a_handle() {
    for home in HOMES {
        let lab = Lab::new(home);
        let tab = lab.user("ada").await;
        assert_eq!(told(&lab, &tab).await, [], "{home:?}: nothing happened");
        let token = tab.cookie.clone().unwrap();
        for malformed in ["x", "a.b.c", &token[..20], "AAAA", "....", "\"quoted\""] {
            let seen = told(&lab, &holding(&tab, malformed)).await;
            assert_eq!(seen, refused(Refusal::Malformed, None), "{home:?} {malformed}");
        }
        let last =
            format!("{}{}", &token[..token.len() - 4], if token.ends_with("AAAA") { "AAAB" } else { "AAAA" });
        assert_eq!(told(&lab, &holding(&tab, &last)).await, refused(Refusal::Tampered, None), "{home:?}");
        let foreign = House::new(home).visited().await;
        assert_eq!(
            told(&lab, &holding(&tab, &foreign)).await,
            refused(Refusal::UnknownKey, None),
            "{home:?}"
        );
    }
}

#[tokio::test]
async fn an_authentic_cookie_that_is_refused_is_told_with_its_handle() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let handle = handle_of(&mut tab).await;
        let now = lab.clock.now();
        lab.clock.set(now.minus(Duration::from_hours(1)));
        assert_eq!(told(&lab, &tab).await, refused(Refusal::FromTheFuture, Some(&handle)), "{home:?}");
        lab.clock.set(now.plus(Duration::from_mins(30)));
        let reason = if home == Home::Store { Refusal::UnknownId } else { Refusal::Expired };
        assert_eq!(told(&lab, &tab).await, refused(reason, Some(&handle)), "{home:?}");
        lab.clock.set(now);
        let mut old = tab.clone();
        tab.visit(|session| session.login("ada")).await.ok();
        assert_eq!(told(&lab, &old).await, refused(Refusal::Superseded, Some(&handle)), "{home:?}");
        old = tab.clone();
        tab.visit(Session::regenerate).await.ok();
        tab.visit(|_| Ok(())).await.ok();
        lab.wait(31);
        assert_eq!(told(&lab, &old).await, refused(Refusal::Reuse, Some(&handle)), "{home:?}");
        lab.sessions.revoke_subject("ada").await.unwrap();
        assert_eq!(told(&lab, &tab).await, refused(Refusal::Revoked, Some(&handle)), "{home:?}");
    }
}

#[tokio::test]
async fn another_client_is_told_and_kept_out_or_let_in_as_configured() {
    for home in HOMES {
        for (action, is_in) in [(OnMismatch::Refuse, false), (OnMismatch::Report, true)] {
            let policy = FingerprintPolicy::default().exact_agent().on_mismatch(action);
            let lab = Lab::with(home, |builder| builder.fingerprint(policy));
            let mut tab = lab.tab().sending(&[("user-agent", "ours/1")]);
            tab.visit(|session| session.set("value", &1)).await.ok();
            let handle = handle_of(&mut tab).await;
            assert_eq!(told(&lab, &tab).await, [], "{home:?}");
            let mut thief = tab.sending(&[("user-agent", "theirs/2")]);
            let reason = Refusal::FingerprintMismatch;
            assert_eq!(told(&lab, &thief).await, refused(reason, Some(&handle)), "{home:?}");
            let value = thief.visit(|session| session.get::<u64>("value")).await.ok();
            assert_eq!(value.is_some(), is_in, "{home:?}");
        }
    }
}

#[tokio::test]
async fn an_authentic_token_that_cannot_be_read_is_told() {
    let jwt = Jwt::default();
    let lab = Lab::with(Home::Signed, |builder| builder.carrier(Carrier::SignedWith(jwt.keys())));
    let mut tab = lab.user("ada").await;
    let handle = handle_of(&mut tab).await;
    let token =
        jwt.replace(tab.cookie.as_deref().unwrap(), r#"{"data":{"value":1}}"#, |_| r#"{"later":[]}"#.into());
    assert_eq!(told(&lab, &holding(&tab, &token)).await, refused(Refusal::Unreadable, Some(&handle)));
}

#[tokio::test]
async fn the_life_of_a_session_is_told_step_by_step() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.tab();
        tab.visit(|session| session.get::<u64>("value")).await.ok();
        assert_eq!(lab.events.take(), [], "{home:?}: nobody came");
        tab.visit(|session| session.set("value", &1)).await.ok();
        let handle = handle_of(&mut tab).await;
        assert_eq!(lab.events.take(), [Event::Created { handle: handle.clone() }], "{home:?}");
        for (deed, change) in [
            ("login", IdentityChange::Login),
            ("elevate", IdentityChange::Elevate),
            ("regenerate", IdentityChange::Regenerate),
        ] {
            tab.visit(move |session| match deed {
                "login" => session.login("ada"),
                "elevate" => session.elevate(2),
                _ => session.regenerate(),
            })
            .await
            .ok();
            let changed = Event::IdentityChanged { handle: handle.clone(), change };
            assert_eq!(lab.events.take(), [changed], "{home:?} {deed}");
        }
        tab.visit(|session| session.set("value", &2)).await.ok();
        assert_eq!(lab.events.take(), [], "{home:?}: plain writes are not told");
        tab.visit(Session::logout).await.ok();
        assert_eq!(lab.events.take(), [Event::Ended { handle, end: End::Logout }], "{home:?}");
    }
}

#[tokio::test]
async fn a_session_that_begins_with_a_login_tells_both() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.tab();
        tab.visit(|session| session.login("ada")).await.ok();
        let told = lab.events.take();
        let handle = handle_of(&mut tab).await;
        let login = Event::IdentityChanged { handle: handle.clone(), change: IdentityChange::Login };
        assert_eq!(told, [Event::Created { handle }, login], "{home:?}");
    }
}

#[tokio::test]
async fn a_session_in_which_nothing_is_left_ends_as_emptied() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let handle = handle_of(&mut tab).await;
        tab.visit(Session::clear).await.ok();
        assert_eq!(lab.events.take(), [Event::Ended { handle, end: End::Emptied }], "{home:?}");
    }
}

#[tokio::test]
async fn revocations_are_told_when_they_hold() {
    let lab = Lab::new(Home::Sealed);
    lab.sessions.revoke_subject("ada").await.unwrap();
    lab.sessions.revoke_everyone().await.unwrap();
    let key = carryall::KeyRing::random().unwrap().inventory()[0].0;
    lab.sessions.revoke_key(key).await.unwrap();
    let whats = [Revoked::Subject, Revoked::Everyone, Revoked::Key];
    assert_eq!(lab.events.take(), whats.map(|what| Event::Revoked { what }));
}

#[tokio::test]
async fn changes_that_are_dropped_with_their_handler_are_told() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let handle = handle_of(&mut tab).await;
        for (tab, handle, writes) in
            [(tab.clone(), Some(handle), true), (lab.tab(), None, true), (tab.clone(), None, false)]
        {
            let call = tokio::spawn(async move {
                let deed = move |session: carryall::Session| async move {
                    if writes {
                        session.set("value", &9)?;
                    }
                    panic!("in the handler");
                    #[allow(unreachable_code, reason = "says what the handler would answer")]
                    Ok(())
                };
                tab.peek(deed).await
            });
            assert!(call.await.unwrap_err().is_panic());
            let expected = if writes { vec![Event::Abandoned { handle }] } else { vec![] };
            assert_eq!(lab.events.take(), expected, "{home:?}");
        }
        assert_eq!(tab.visit(|session| session.get::<u64>("value")).await.ok(), Some(1), "{home:?}");
    }
}

#[tokio::test]
async fn a_store_that_lost_writes_is_told_and_the_session_goes_on() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    let handle = handle_of(&mut tab).await;
    let (key, now) = (lab.store.keys()[0], lab.clock.now());
    let backup = lab.store.inner.load(&key, now).await.unwrap().unwrap();
    tab.visit(|session| session.elevate(2)).await.ok();
    let version = lab.store.inner.load(&key, now).await.unwrap().unwrap().version;
    let draft = Draft { header: backup.header, payload: backup.payload };
    let restored = lab.store.inner.commit(&key, Some(version), draft, now).await.unwrap();
    assert!(matches!(restored, Commit::Committed(_)));
    assert_eq!(told(&lab, &tab).await, [Event::StoreRolledBack { handle }]);
    assert_eq!(told(&lab, &tab).await, [], "raised once");
    let seen = tab.visit(|session| Ok((session.level(), session.meta().unwrap().generation))).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert_eq!(seen.ok(), (1, 2), "what the store knows, under the generation that the client holds");
}
