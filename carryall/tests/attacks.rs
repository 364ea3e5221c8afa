//! What a thief, a racer, a flood or another holder of a key tries, and what it gains: nothing.

mod common;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use carryall::key::Key;
use carryall::random::{Random as _, SystemRandom};
use carryall::revocation::{Revocations, SingleNode};
use carryall::{Carrier, ErrorKind, KeyRing, Session};
use common::house::{HOMES, Home};
use common::jwt::Jwt;
use common::lab::{Lab, Seen, Tab};
use tokio::sync::Notify;

/// A request that loads its session and does `deed`, and goes on only when it is let go.
#[derive(Debug)]
struct Slow {
    go: Arc<Notify>,
    task: tokio::task::JoinHandle<Seen<()>>,
}

impl Slow {
    async fn begin(
        tab: &Tab,
        deed: impl FnOnce(&Session) -> Result<(), carryall::Error> + Send + 'static,
    ) -> Self {
        let (go, ready) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tab, held, loaded) = (tab.clone(), Arc::clone(&go), Arc::clone(&ready));
        let task = tokio::spawn(async move {
            tab.peek(|session| async move {
                deed(&session)?;
                loaded.notify_one();
                held.notified().await;
                Ok(())
            })
            .await
        });
        ready.notified().await;
        Self { go, task }
    }

    async fn finish(self) -> Seen<()> {
        self.go.notify_one();
        self.task.await.unwrap()
    }
}

#[tokio::test]
async fn a_slow_login_does_not_join_an_elevation_made_meanwhile() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut user = lab.user("ada").await;
        // A thief of the cookie who knows the password too, but has no second factor.
        let mut thief = user.clone();
        let slow = Slow::begin(&thief, |session| session.login("ada")).await;
        user.visit(|session| session.elevate(2)).await.ok();
        let seen = slow.finish().await;
        thief.keep(&seen.headers);
        let level = thief.visit(|session| Ok(session.level())).await.ok();
        assert_eq!(level, 1, "{home:?}");
        assert_eq!(user.visit(|session| Ok(session.level())).await.ok(), 2, "{home:?}");
    }
}

#[tokio::test]
async fn a_login_sent_twice_leaves_a_good_cookie_whichever_response_comes_last() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut user = lab.user("ada").await;
        let slow = Slow::begin(&user, |session| session.login("ada")).await;
        user.visit(|session| session.login("ada")).await.ok();
        let seen = slow.finish().await;
        user.keep(&seen.headers);
        let subject = user.visit(|session| Ok(session.subject())).await.ok();
        assert_eq!(subject.map(|subject| subject.as_str().to_owned()).as_deref(), Some("ada"), "{home:?}");
    }
}

#[tokio::test]
async fn no_cookie_of_a_revoked_key_is_minted_anew_by_a_slow_request() {
    for home in HOMES {
        for writes in [false, true] {
            let (old, new) = (secret(), secret());
            let key = |secret: &[u8; 32]| Key::from_bytes(secret).unwrap();
            let lab = Lab::with_keys(home, KeyRing::new(key(&old)).build().unwrap(), |builder| builder);
            let mut user = lab.user("ada").await;
            lab.wait(61);
            let lab = lab.rotated(KeyRing::new(key(&new)).accept(key(&old)).build().unwrap());
            user.app = lab.app.clone();
            let slow =
                Slow::begin(&user, move |session| if writes { session.set("value", &2) } else { Ok(()) })
                    .await;
            lab.sessions.revoke_key(key(&old).id()).await.unwrap();
            let seen = slow.finish().await;
            user.keep(&seen.headers);
            let subject = user.visit(|session| Ok(session.subject())).await.ok();
            assert_eq!(subject, None, "{home:?}, a write: {writes}");
        }
    }
}

fn secret() -> [u8; 32] {
    let mut secret = [0; 32];
    SystemRandom.secret(&mut secret).unwrap();
    secret
}

#[tokio::test]
async fn a_session_as_full_as_it_may_be_never_breaks_a_response() {
    for home in [Home::Sealed, Home::Signed] {
        for millis in [0, 1] {
            let lab = Lab::new(home);
            lab.clock.advance(Duration::from_millis(millis));
            let mut tab = lab.tab();
            let filled = tab.visit(fill).await;
            assert_eq!(filled.status, StatusCode::OK, "{home:?}: filled");
            for round in 0..23 {
                lab.clock.advance(Duration::from_millis(29 * 60_000 + round));
                let seen = tab.visit(|session| session.get::<String>("value")).await;
                assert_eq!(seen.status, StatusCode::OK, "{home:?}: read {round}");
                assert!(seen.ok().is_some(), "{home:?}: read {round}");
                let seen = tab.visit(Session::regenerate).await;
                assert_eq!(seen.status, StatusCode::OK, "{home:?}: regenerated {round}");
            }
        }
    }
}

/// Stores the longest value that is taken.
fn fill(session: &Session) -> Result<(), carryall::Error> {
    let mut fits = 0;
    for step in (0..12).rev().map(|bit| 1 << bit) {
        match session.set("value", &"x".repeat(fits + step)) {
            Ok(()) => fits += step,
            Err(error) => assert_eq!(error.kind(), ErrorKind::TooLarge),
        }
    }
    session.set("value", &"x".repeat(fits))
}

#[tokio::test]
async fn flash_messages_that_cannot_be_read_do_not_keep_the_session_from_being_read() {
    let jwt = Jwt::default();
    let keys = jwt.keys();
    let lab = Lab::with(Home::Sealed, |builder| builder.carrier(Carrier::SignedWith(keys)));
    let mut user = lab.user("ada").await;
    let token = user.cookie.take().unwrap();
    user.cookie = Some(
        jwt.replace(&token, r#""session":{"#, |_| r#""session":{"segments":{"~flash":[0,5]},"#.to_owned()),
    );
    let seen = user.visit(|session| Ok(session.subject().is_some())).await;
    assert!(seen.ok());
}

#[tokio::test]
async fn whoever_waits_for_the_end_hears_of_a_revoked_key() {
    for home in HOMES {
        let old = secret();
        let ring = KeyRing::new(Key::from_bytes(&old).unwrap()).build().unwrap();
        let lab = Lab::with_keys(home, ring, |builder| builder);
        let user = lab.user("ada").await;
        let (ended, heard) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let told = Arc::clone(&ended);
        let ready = Arc::clone(&heard);
        let waiting = tokio::spawn(async move {
            user.peek(|session| async move {
                ready.notify_one();
                session.ended().await;
                told.notify_one();
                Ok(())
            })
            .await
        });
        heard.notified().await;
        lab.sessions.revoke_key(Key::from_bytes(&old).unwrap().id()).await.unwrap();
        let in_time = tokio::time::timeout(Duration::from_secs(5), ended.notified()).await;
        assert!(in_time.is_ok(), "{home:?}");
        waiting.await.unwrap().ok();
    }
}

#[tokio::test]
async fn a_flood_of_sessions_that_end_leaves_nothing_behind_beside_a_store() {
    let revocations = Revocations::new(SingleNode::default());
    let shown = revocations.clone();
    let lab = Lab::with(Home::Store, |builder| builder.revocations(revocations));
    for _ in 0..500 {
        let mut robot = lab.tab();
        robot.visit(|session| session.set("value", &1)).await.ok();
        robot.visit(Session::logout).await.ok();
        lab.wait(2);
    }
    let remembered = families(&format!("{shown:?}"));
    assert!(remembered < 250, "{remembered}");
}

/// How many families the debug output of revocations counts.
fn families(shown: &str) -> usize {
    let count = shown.split("families: ").nth(1).and_then(|rest| rest.split(',').next());
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{shown}"))
}
