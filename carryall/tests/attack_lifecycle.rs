//! Attacks on the life of sessions, by number.

mod common;

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carryall::axum::{Fresh, FreshPolicy};
use carryall::clock::Clock as _;
use carryall::random::{Random as _, SystemRandom};
use carryall::store::Store as _;
use carryall::{Key, KeyRing, Session, Sessions};
use common::house::{HOMES, Home, House};
use common::lab::{Lab, Tab};

async fn subject_of(tab: &mut Tab) -> Option<String> {
    tab.visit(|session| Ok(session.subject().map(|subject| subject.as_str().to_owned()))).await.ok()
}

#[tokio::test]
async fn a054_an_id_that_nobody_issued_is_never_adopted() {
    for home in HOMES {
        let house = House::new(home);
        let lost = house.visited().await;
        house.forget(&lost).await;
        let foreign = house.unknown(&lost).await;
        let cookies = common::house::Cookies::one(&foreign);
        let fresh = house.request("write", &cookies).await.expect("a session of its own");
        assert_ne!(fresh, foreign, "{home:?}");
        if home == Home::Store {
            let family = |token: &str| URL_SAFE_NO_PAD.decode(token).unwrap()[9..25].to_vec();
            assert_ne!(family(&fresh), family(&foreign), "not even the id inside");
        }
    }
}

#[tokio::test]
async fn a057_a_subject_never_comes_without_a_new_generation_and_a_new_cookie() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let mut seen = Vec::new();
        for level in [1, 1, 2, 3] {
            let before = tab.cookie.clone();
            let generation = tab.visit(|session| Ok(session.meta().unwrap().generation)).await.ok();
            let change = tab
                .visit(move |session| if level == 1 { session.login("ada") } else { session.elevate(level) });
            change.await.ok();
            let after = tab.visit(|session| Ok(session.meta().unwrap().generation)).await.ok();
            assert!(after > generation && tab.cookie != before, "{home:?}");
            assert_eq!(
                subject_of(&mut Tab { cookie: before.clone(), ..tab.clone() }).await,
                None,
                "{home:?}"
            );
            seen.push(before);
        }
        seen.dedup();
        assert_eq!(seen.len(), 4);
    }
}

#[tokio::test]
async fn a059_an_older_copy_of_a_living_session_shows_the_newest_values_only_from_a_store() {
    for home in HOMES {
        let mut tab = Lab::new(home).user("ada").await;
        let mut copy = tab.clone();
        tab.visit(|session| session.set("value", &0)).await.ok();
        let balance = copy.visit(|session| session.get::<u64>("value")).await.ok();
        // Documented: what the client carries, the client can bring back. What must not be brought back is kept.
        assert_eq!(balance, Some(u64::from(home != Home::Store)), "{home:?}");
    }
}

#[tokio::test]
async fn a072_a_dump_of_the_store_holds_no_cookie() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let token = tab.cookie.clone().unwrap();
    let ticket = URL_SAFE_NO_PAD.decode(&token).unwrap();
    let (key, now) = (lab.store.keys()[0], lab.clock.now());
    let record = lab.store.inner.load(&key, now).await.unwrap().unwrap();
    assert!(!ticket.windows(16).any(|part| part == key.as_bytes()), "the key is a hash");
    let tag = &ticket[ticket.len() - 16..];
    assert!(!record.payload.windows(16).any(|part| part == tag));
    // The best that a thief can do: everything of a ticket but the tag, which needs the key.
    let mut forged = ticket.clone();
    for byte in forged.iter_mut().rev().take(16) {
        *byte = 0;
    }
    for cookie in [
        URL_SAFE_NO_PAD.encode(key.as_bytes()),
        URL_SAFE_NO_PAD.encode(&record.payload),
        URL_SAFE_NO_PAD.encode(forged),
    ] {
        assert_eq!(subject_of(&mut Tab { cookie: Some(cookie), ..tab.clone() }).await, None);
    }
    assert!(!format!("{record:?}").contains("Family(["));
}

#[tokio::test]
async fn a074_a_visitor_cannot_tell_why_a_cookie_was_refused() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let token = tab.cookie.clone().unwrap();
        let mut responses = Vec::new();
        let foreign = House::new(home).visited().await;
        for cookie in ["garbage".to_owned(), House::tamper(&token), foreign] {
            responses.push(answer(&Tab { cookie: Some(cookie), ..tab.clone() }).await);
        }
        lab.wait(31 * 60);
        responses.push(answer(&tab).await);
        tab = lab.user("ada").await;
        lab.sessions.revoke_subject("ada").await.unwrap();
        responses.push(answer(&tab).await);
        tab = lab.user("bob").await;
        let saved = tab.clone();
        tab.visit(Session::logout).await.ok();
        responses.push(answer(&saved).await);
        assert!(responses.windows(2).all(|pair| pair[0] == pair[1]), "{home:?}: {responses:?}");
    }
}

/// Everything that a visitor sees of a page.
async fn answer(tab: &Tab) -> (StatusCode, String, String) {
    let deed =
        common::lab::Deed::new(|session| async move { session.get::<u64>("value").map(|_| StatusCode::OK) });
    let response = tab.send(Method::GET, "/", Body::empty(), Some(deed)).await;
    let headers = format!("{:?}", response.headers());
    let status = response.status();
    let body = to_bytes(response.into_body(), 1000).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a076_the_previous_key_is_good_and_one_that_left_or_never_came_is_not() {
    for home in HOMES {
        let mut secrets = [[0; 32]; 3];
        for secret in &mut secrets {
            SystemRandom.secret(secret).unwrap();
        }
        let key = |n: usize| Key::from_bytes(&secrets[n]).unwrap();
        let ring = |n| KeyRing::new(key(n)).build().unwrap();
        let (previous, removed) = (
            Lab::with_keys(home, ring(0), |builder| builder),
            Lab::with_keys(home, ring(1), |builder| builder),
        );
        let now = previous.rotated(KeyRing::new(key(2)).accept(key(0)).build().unwrap());
        let mut tab = Tab { app: now.app.clone(), ..previous.user("ada").await };
        let seen = tab.visit(|session| Ok(session.subject().is_some())).await;
        assert!(seen.sets_cookie(), "{home:?}: issued anew");
        assert!(seen.ok(), "{home:?}");
        let mut tab = Tab { app: now.app, ..removed.user("ada").await };
        assert_eq!(subject_of(&mut tab).await, None, "{home:?}");
    }
}

#[test]
fn a082_what_holds_keys_shows_their_names_alone() {
    let mut secret = [0; 32];
    SystemRandom.secret(&mut secret).unwrap();
    let (text, id) = (URL_SAFE_NO_PAD.encode(secret), Key::from_bytes(&secret).unwrap().id());
    let ring = KeyRing::parse(&text).unwrap();
    let shown =
        format!("{:?} {ring:?} {:#?}", Key::from_bytes(&secret).unwrap(), Sessions::builder(ring.clone()));
    assert!(shown.contains(&id.to_string()), "{shown}");
    for hidden in [&text[..10], &format!("{secret:?}")[1..20]] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    let error = KeyRing::parse(&format!("active:{text} active:{text}x")).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&text[..10]));
}

/// A route for which a password is not enough.
struct Complete;

impl FreshPolicy for Complete {
    const MAX_AGE: Duration = Duration::from_hours(1);
    const LEVEL: u8 = 2;
}

#[tokio::test]
async fn a123_a_session_that_waits_for_its_second_factor_opens_nothing_that_needs_it() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let app = Router::new().fallback(|_: Fresh<Complete>| async {}).layer(lab.sessions.layer());
        let status = async |tab: &Tab| {
            let tab = Tab { app: app.clone(), ..tab.clone() };
            tab.send(Method::GET, "/", Body::empty(), None).await.status()
        };
        let pending = tab.clone();
        assert_eq!(status(&tab).await, StatusCode::FORBIDDEN, "{home:?}");
        tab.visit(|session| session.elevate(2)).await.ok();
        assert_eq!(status(&tab).await, StatusCode::OK, "{home:?}");
        assert_eq!(
            status(&pending).await,
            StatusCode::UNAUTHORIZED,
            "{home:?}: the copy from before is nobody's"
        );
    }
}
