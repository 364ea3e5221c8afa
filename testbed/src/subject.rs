//! Races over the sessions of one user: how many there are, and that one which was revoked stays dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use carryall::store::{AnyStore, WhenFull};
use carryall::testing::TestClient;
use carryall::{KeyRing, Sessions};
use http::StatusCode;

use crate::node::{Browser, Pause, at, serving, state_of, user, visitor};

/// Longer than fifty logins of one user take on a slow disk.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many sessions a user may have here.
const MOST: usize = 3;

fn two(stores: &[AnyStore; 2], when_full: Option<WhenFull>, pause: Pause) -> [(Sessions, Router); 2] {
    let ring = KeyRing::random().unwrap();
    stores.clone().map(|store| {
        let builder = Sessions::builder(ring.clone()).store(store).patience(PATIENCE, PATIENCE);
        let builder = match when_full {
            Some(when_full) => builder.sessions_per_user(MOST, when_full),
            None => builder,
        };
        let sessions = builder.build().unwrap();
        let app = serving(&sessions, pause);
        (sessions, app)
    })
}

/// Fifty logins at once on two nodes, half of them of visitors who had a session before: at no time, and not in the
/// end, are there more than three, whether the oldest go or the newest are refused.
pub async fn fifty_logins_never_pass_the_cap(stores: [AnyStore; 2]) {
    for when_full in [WhenFull::Refuse, WhenFull::EndOldest] {
        let nodes = two(&stores, Some(when_full), Pause::Nothing);
        let is_over = Arc::new(AtomicBool::new(false));
        let watching = tokio::spawn(watch(nodes[0].0.clone(), Arc::clone(&is_over)));
        let mut logins = Vec::new();
        for n in 0..50 {
            let app = &nodes[n % 2].1;
            let browser = if n % 4 < 2 { visitor(app).await } else { TestClient::new(app.clone()) };
            logins.push(tokio::spawn(sign_in(browser)));
        }
        let mut inside = 0;
        for login in logins {
            let (mut browser, status) = login.await.unwrap();
            let is_refused = when_full == WhenFull::Refuse && status == StatusCode::CONFLICT;
            assert!(status == StatusCode::OK || is_refused, "{when_full:?}: an answer of {status}");
            let is_in = state_of(&mut browser).await.subject.is_some();
            assert!(!(is_in && is_refused), "{when_full:?}: refused, and in");
            inside += usize::from(is_in);
        }
        is_over.store(true, Ordering::SeqCst);
        watching.await.unwrap();
        let listed = nodes[1].0.list("ada").await.unwrap();
        assert_eq!(listed.len(), MOST, "{when_full:?}: {listed:?}");
        // Who was in for a while when asked may have been ended since.
        assert!(
            inside >= MOST && (when_full == WhenFull::EndOldest || inside == MOST),
            "{when_full:?}: {inside}"
        );
    }
}

async fn sign_in(mut browser: Browser) -> (Browser, StatusCode) {
    let status = browser.post("/login/ada").await.status;
    (browser, status)
}

async fn watch(sessions: Sessions, is_over: Arc<AtomicBool>) {
    while !is_over.load(Ordering::SeqCst) {
        let count = sessions.count("ada").await.unwrap();
        assert!(count <= MOST, "at one time there were {count}");
        tokio::task::yield_now().await;
    }
}

/// Writers on two nodes change a session over and over while it is revoked by its name on one of them: it is dead
/// afterwards on both, with any cookie that any of them had, and the user's other session goes on.
pub async fn a_revoked_session_is_never_undone(stores: [AnyStore; 2]) {
    for pause in [Pause::Nothing, Pause::Yield, Pause::Millis] {
        let nodes = two(&stores, None, pause);
        let mut kept = user(&nodes[1].1, "ada").await;
        let before = nodes[0].0.list("ada").await.unwrap();
        let lost = user(&nodes[0].1, "ada").await;
        let listed = nodes[0].0.list("ada").await.unwrap();
        let named = listed.iter().find(|session| !before.contains(session)).expect("the one that was added");
        let is_out = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..6)
            .map(|n| tokio::spawn(write_until_out(at(&nodes[n % 2].1, &lost), Arc::clone(&is_out))))
            .collect();
        tokio::task::yield_now().await;
        assert!(nodes[1].0.revoke_one("ada", named.handle.as_str()).await.unwrap());
        is_out.store(true, Ordering::SeqCst);
        let mut browsers = vec![lost];
        for writer in writers {
            browsers.extend(writer.await.unwrap());
        }
        for (sessions, app) in &nodes {
            for browser in &browsers {
                assert_eq!(state_of(&mut at(app, browser)).await.subject, None, "{pause:?}: it is back");
            }
            assert_eq!(sessions.count("ada").await.unwrap(), before.len(), "{pause:?}");
        }
        assert_eq!(state_of(&mut kept).await.subject.as_deref(), Some("ada"), "{pause:?}");
    }
}

/// Keeps the cookies that come back, until a write that began after the revocation was answered.
async fn write_until_out(mut browser: Browser, is_out: Arc<AtomicBool>) -> Vec<Browser> {
    let mut had = Vec::new();
    loop {
        let was_out = is_out.load(Ordering::SeqCst);
        had.push(browser.clone());
        let status = browser.post("/add/slow").await.status;
        assert!(matches!(status, StatusCode::OK | StatusCode::CONFLICT), "an answer of {status}");
        if was_out {
            return had;
        }
    }
}
