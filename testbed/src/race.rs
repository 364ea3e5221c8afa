//! Races of requests over two nodes, through the whole of HTTP layer, lifecycle and store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use carryall::KeyRing;
use carryall::store::AnyStore;
use http::StatusCode;

use crate::node::{Browser, Pause, at, node, state_of, user, visitor};

/// Longer than fifty writers of one record take on a slow disk.
const PATIENCE: Duration = Duration::from_mins(1);

fn two(stores: &[AnyStore; 2], pause: Pause) -> [Router; 2] {
    let ring = KeyRing::random().unwrap();
    stores.clone().map(|store| node(&ring, store, PATIENCE, pause))
}

/// Fifty requests at once on two nodes, each with a key of its own and adding one to the same counter: all fifty
/// keys are there and the counter has counted every one, however long the handlers take.
pub async fn fifty_requests_lose_nothing(stores: [AnyStore; 2]) {
    for pause in [Pause::Nothing, Pause::Yield, Pause::Millis] {
        let nodes = two(&stores, pause);
        let browser = visitor(&nodes[0]).await;
        let requests: Vec<_> = (0..50)
            .map(|n| {
                let mut browser = at(&nodes[n % 2], &browser);
                tokio::spawn(async move { browser.post(&format!("/add/{n}")).await.status })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.unwrap(), StatusCode::OK, "{pause:?}");
        }
        for node in &nodes {
            let state = state_of(&mut at(node, &browser)).await;
            let mut expected: Vec<_> = (0..50).map(|n| format!("key-{n}")).collect();
            expected.push("key-first".to_owned());
            expected.sort_unstable();
            assert_eq!((state.counter, state.keys), (51, expected), "{pause:?}");
        }
    }
}

/// Requests on two nodes that lock their session, look at a counter and set it, while others write the session without
/// asking: the counter has counted every one, and nobody was refused.
pub async fn requests_that_lock_take_turns(stores: [AnyStore; 2]) {
    for pause in [Pause::Nothing, Pause::Yield, Pause::Millis] {
        let nodes = two(&stores, pause);
        let browser = user(&nodes[0], "ada").await;
        let requests: Vec<_> = (0..24)
            .map(|n| {
                let mut browser = at(&nodes[n % 2], &browser);
                tokio::spawn(async move {
                    match n % 4 {
                        3 => browser.post(&format!("/put/{n}")).await.status,
                        _ => browser.post("/count-alone").await.status,
                    }
                })
            })
            .collect();
        for request in requests {
            assert_eq!(request.await.unwrap(), StatusCode::OK, "{pause:?}");
        }
        let state = state_of(&mut at(&nodes[1], &browser)).await;
        assert_eq!((state.counter, state.keys.len()), (1 + 18, 1 + 6), "{pause:?}");
    }
}

/// Writers on two nodes change a session over and over while it is signed out: nobody is signed in afterwards, on
/// either node, with any cookie that any of them had.
pub async fn a_logout_is_never_undone(stores: [AnyStore; 2]) {
    for pause in [Pause::Nothing, Pause::Yield, Pause::Millis] {
        let nodes = two(&stores, pause);
        let mut leaving = user(&nodes[0], "ada").await;
        let saved = leaving.clone();
        let is_out = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..6)
            .map(|n| {
                let browser = at(&nodes[n % 2], &saved);
                tokio::spawn(write_until_out(browser, Arc::clone(&is_out)))
            })
            .collect();
        tokio::task::yield_now().await;
        assert_eq!(leaving.post("/logout").await.status, 200);
        is_out.store(true, Ordering::SeqCst);
        let mut browsers = vec![leaving];
        for writer in writers {
            browsers.extend(writer.await.unwrap());
        }
        for node in &nodes {
            let state = state_of(&mut at(node, &saved)).await;
            assert_eq!((state.subject, state.counter), (None, 0), "{pause:?}: it is back");
            for browser in &browsers {
                let state = state_of(&mut at(node, browser)).await;
                assert_eq!(state.subject, None, "{pause:?}: somebody is signed in");
            }
        }
    }
}

/// Keeps the cookies that come back, as a browser does, until a write that began after the logout was answered:
/// refused, or taken for that of a new visitor. Answers with every cookie it had.
async fn write_until_out(mut browser: Browser, is_out: Arc<AtomicBool>) -> Vec<Browser> {
    let mut had = Vec::new();
    loop {
        let was_out = is_out.load(Ordering::SeqCst);
        had.push(browser.clone());
        let status = browser.post("/add/slow").await.status;
        assert!(matches!(status, StatusCode::OK | StatusCode::CONFLICT), "an answer of {status}");
        if was_out {
            had.push(browser);
            return had;
        }
    }
}
