//! Keys over time: sessions move to the active key as they are used, and nobody is logged out on the way.

mod common;

use axum::body::Body;
use axum::http::{Method, StatusCode};
use carryall::event::Event;
use carryall::key::{SigningKey, SigningKeys, VerifyingKey};
use carryall::random::{Random as _, SystemRandom};
use carryall::{Carrier, ErrorKind, Key, KeyRing, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};

type Secret = [u8; 32];

fn secrets() -> (Secret, Secret) {
    let (mut one, mut two) = ([0; 32], [0; 32]);
    SystemRandom.secret(&mut one).unwrap();
    SystemRandom.secret(&mut two).unwrap();
    (one, two)
}

fn key(secret: &Secret) -> Key {
    Key::from_bytes(secret).unwrap()
}

fn only(secret: &Secret) -> KeyRing {
    KeyRing::new(key(secret)).build().unwrap()
}

async fn subject_of(tab: &mut Tab) -> Option<String> {
    tab.visit(|session| Ok(session.subject().map(|subject| subject.as_str().to_owned()))).await.ok()
}

/// A user of an application with `secret`, who goes on with `next`.
async fn moved(home: Home, secret: &Secret, next: KeyRing) -> (Lab, Tab) {
    let before = Lab::with_keys(home, only(secret), |builder| builder);
    let mut tab = before.user("ada").await;
    let after = before.rotated(next);
    tab.app = after.app.clone();
    after.events.take();
    (after, tab)
}

fn rotations(lab: &Lab) -> usize {
    lab.events.take().iter().filter(|event| matches!(event, Event::KeyRotated { .. })).count()
}

#[tokio::test]
async fn a_session_under_an_older_key_moves_to_the_active_one_when_it_is_used_and_only_then() {
    for home in HOMES {
        let (old, new) = secrets();
        let ring = || KeyRing::new(key(&new)).accept(key(&old)).build().unwrap();
        let (lab, mut tab) = moved(home, &old, ring()).await;
        let response = tab.send(Method::GET, "/", Body::empty(), None).await;
        assert!(!response.headers().contains_key("set-cookie"), "{home:?}: not used");
        let seen = tab.visit(|session| session.get::<u64>("value")).await;
        assert!(seen.sets_cookie(), "{home:?}");
        assert_eq!(seen.ok(), Some(1));
        assert_eq!(rotations(&lab), 1, "{home:?}");
        assert_eq!(lab.store.take(), if home == Home::Store { "LL" } else { "" }, "{home:?}: no write");
        assert!(!tab.visit(|session| session.get::<u64>("value")).await.sets_cookie(), "{home:?}: once");
        assert_eq!(rotations(&lab), 0);
        tab.app = lab.rotated(only(&new)).app;
        assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"), "{home:?}: the old key is gone");
    }
}

#[tokio::test]
async fn a_write_or_a_login_moves_the_session_too() {
    for home in HOMES {
        let (old, new) = secrets();
        let ring = || KeyRing::new(key(&new)).accept(key(&old)).build().unwrap();
        for deed in ["write", "login", "regenerate", "commit"] {
            let (lab, mut tab) = moved(home, &old, ring()).await;
            let seen = tab.stay(move |session| async move {
                match deed {
                    "login" => session.login("ada"),
                    "regenerate" => session.regenerate(),
                    "commit" => {
                        session.commit().await?;
                        session.set("value", &2)
                    }
                    _ => session.set("value", &2),
                }
            });
            assert!(seen.await.sets_cookie(), "{home:?} {deed}");
            assert_eq!(rotations(&lab), 1, "{home:?} {deed}");
            assert!(!tab.visit(|session| session.get::<u64>("value")).await.sets_cookie(), "{home:?} {deed}");
        }
    }
}

#[tokio::test]
async fn csrf_tokens_and_handles_survive_a_rotation() {
    for home in HOMES {
        let (old, new) = secrets();
        let before = Lab::with_keys(home, only(&old), |builder| builder);
        let mut tab = before.user("ada").await;
        let facts = tab.visit(|session| Ok((session.csrf().token()?, session.meta().unwrap().handle)));
        let (token, handle) = facts.await.ok();
        tab.app = before.rotated(KeyRing::new(key(&new)).accept(key(&old)).build().unwrap()).app;
        let facts =
            tab.visit(move |session| Ok((session.csrf().verify(&token), session.meta().unwrap().handle)));
        assert_eq!(facts.await.ok(), (true, handle), "{home:?}");
    }
}

#[tokio::test]
async fn a_token_under_an_announced_key_is_good_and_not_minted_back() {
    for home in HOMES {
        let (now, next) = secrets();
        let ring = KeyRing::new(key(&now)).announce(key(&next)).build().unwrap();
        let (lab, mut tab) = moved(home, &next, ring).await;
        let seen = tab.visit(|session| session.get::<u64>("value")).await;
        assert!(!seen.sets_cookie(), "{home:?}: a node that is ahead made it");
        assert_eq!((seen.ok(), rotations(&lab)), (Some(1), 0));
    }
}

#[tokio::test]
async fn a_token_under_a_removed_key_is_nobody_and_keeps_its_cookie() {
    for home in HOMES {
        let (old, new) = secrets();
        let (lab, mut tab) = moved(home, &old, only(&new)).await;
        let seen = tab.visit(|session| Ok(session.exists())).await;
        assert!(!seen.sets_cookie(), "{home:?}: one node that lags would log out the fleet");
        assert!(!seen.ok(), "{home:?}");
        tab.visit(Session::logout).await.ok();
        assert!(tab.cookie.is_some(), "{home:?}");
        tab.app = lab.rotated(KeyRing::new(key(&new)).accept(key(&old)).build().unwrap()).app;
        assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"), "{home:?}: a node that knows it");
    }
}

#[tokio::test]
async fn two_applications_on_one_ring_never_take_each_others_sessions() {
    for home in HOMES {
        let (secret, _) = secrets();
        let shop = Lab::with_keys(home, only(&secret), |builder| builder.app("shop"));
        let mut tab = shop.user("ada").await;
        let mail = Lab::with_keys(home, only(&secret), |builder| builder.app("mail"));
        tab.app = mail.app.clone();
        assert_eq!(subject_of(&mut tab).await, None, "{home:?}");
        assert!(tab.cookie.is_some());
    }
}

#[test]
fn rings_that_leave_a_doubt_are_refused_while_building() {
    let (one, two) = secrets();
    assert!(KeyRing::new(key(&one)).accept(key(&one)).build().is_err(), "the same key twice");
    assert!(KeyRing::new(key(&one)).accept(key(&two)).announce(key(&two)).build().is_err());
    assert!(KeyRing::parse("").is_err(), "no key");
}

/// An application that signs, and one that can only verify what it signs.
fn signer_and_reader() -> (Lab, Lab) {
    let pair = SigningKey::ed25519_from_seed(&secrets().0).unwrap();
    let public = VerifyingKey::ed25519(pair.verifying_key().unwrap().as_bytes()).unwrap();
    let signer = Lab::with(Home::Signed, |builder| {
        builder.app("shop").carrier(Carrier::SignedWith(SigningKeys::new(pair)))
    });
    let reader = Lab::with(Home::Signed, |builder| {
        builder.app("shop").carrier(Carrier::SignedWith(SigningKeys::verify_only([public])))
    });
    (signer, reader)
}

#[tokio::test]
async fn an_application_that_can_only_verify_reads_and_never_sets_a_cookie() {
    let (signer, reader) = signer_and_reader();
    let mut tab = signer.user("ada").await;
    tab.visit(|session| session.flash().set("notice", "saved")).await.ok();
    tab.app = reader.app.clone();
    reader.wait(100);
    for _ in 0..2 {
        let seen = tab.visit(|session| {
            let notice = session.flash().get::<String>("notice")?;
            Ok((session.subject().unwrap().as_str().to_owned(), session.get::<u64>("value")?, notice))
        });
        let seen = seen.await;
        assert!(!seen.sets_cookie(), "a refresh that is due is skipped");
        assert_eq!(seen.ok(), ("ada".into(), Some(1), Some("saved".into())));
    }
    assert_eq!(subject_of(&mut Tab { cookie: None, ..tab }).await, None);
}

#[tokio::test]
async fn every_write_is_an_error_where_sessions_can_only_be_verified() {
    let (signer, reader) = signer_and_reader();
    let tab = Tab { app: reader.app.clone(), ..signer.user("ada").await };
    for tab in [&tab, &reader.tab()] {
        let mut tab = tab.clone();
        let seen = tab.visit(|session| {
            let document = session.segment("other")?;
            for refused in [
                session.set("value", &2),
                session.clear(),
                session.remove("value").map(drop),
                session.update("value", |old: Option<u64>| old.unwrap_or(0)).map(drop),
                session.login("bob"),
                session.regenerate(),
                session.logout(),
                session.flash().set("notice", "x"),
                document.set("x", &1),
                session.persist_for(std::time::Duration::from_secs(100)),
            ] {
                assert_eq!(refused.unwrap_err().kind(), ErrorKind::ReadOnly);
            }
            Ok(session.is_changed())
        });
        let seen = seen.await;
        assert_eq!((seen.status, seen.sets_cookie()), (StatusCode::OK, false));
        assert!(!seen.ok());
    }
}
