//! A server that dies, stops or is slow, under an application that goes on.

use std::time::Duration;

use axum::Router;
use carryall::KeyRing;
use carryall::store::AnyStore;
use http::StatusCode;

use crate::node::{Browser, Pause, at, node, state_of, visitor};
use crate::server::Server;

/// How long a request waits for the store.
const PATIENCE: Duration = Duration::from_secs(1);
/// A request that takes so long hangs.
const HANGS: Duration = Duration::from_secs(20);

/// Two nodes with little patience.
pub fn two(stores: [AnyStore; 2]) -> [Router; 2] {
    let ring = KeyRing::random().unwrap();
    stores.map(|store| node(&ring, store, PATIENCE, Pause::Nothing))
}

/// Adds something to the browser's session, or fails in time.
pub async fn add(browser: &mut Browser, key: &str) -> StatusCode {
    let path = format!("/add/{key}");
    let answer = tokio::time::timeout(HANGS, browser.post(&path)).await;
    answer.expect("a request hangs").status
}

/// Tries until it works again, which it does without being told. Meanwhile the answer is 503.
pub async fn recover(browser: &mut Browser) {
    const ATTEMPTS: usize = 600;
    for _ in 0..ATTEMPTS {
        match add(browser, "after").await {
            StatusCode::OK => return,
            status => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not recover");
}

/// Writes through both nodes while the server is killed and started again, some times over: what was answered with
/// success is there afterwards, failures are 503, and each node recovers by itself.
pub async fn nothing_committed_is_lost_when_the_server_is_killed(server: &mut Server, stores: [AnyStore; 2]) {
    let nodes = two(stores);
    let mut browsers = [visitor(&nodes[0]).await, visitor(&nodes[1]).await];
    for round in 0..3 {
        let writers: Vec<_> = (0..2)
            .map(|n| {
                let browser = at(&nodes[n], &browsers[n]);
                tokio::spawn(write_until_it_fails(browser, round))
            })
            .collect();
        // Some writes under way.
        while state_of(&mut browsers[0]).await.keys.len() < 20 * (round + 1) {
            tokio::task::yield_now().await;
        }
        server.kill();
        let mut written = Vec::new();
        for writer in writers {
            written.push(writer.await.unwrap());
        }
        for browser in &mut browsers {
            assert_eq!(add(browser, "during").await, StatusCode::SERVICE_UNAVAILABLE);
            assert!(!browser.cookies().is_empty(), "an outage removes no cookie");
        }
        server.start();
        for (n, browser) in browsers.iter_mut().enumerate() {
            recover(browser).await;
            let mut elsewhere = at(&nodes[1 - n], browser);
            recover(&mut elsewhere).await;
            let keys = state_of(&mut elsewhere).await.keys;
            for key in &written[n] {
                assert!(keys.contains(&format!("key-{key}")), "{key} of {} is lost", written[n].len());
            }
        }
    }
}

/// Writes key after key until one fails; answers with those that did not.
pub async fn write_until_it_fails(mut browser: Browser, round: usize) -> Vec<String> {
    let mut written = Vec::new();
    loop {
        let key = format!("{round}-{}", written.len());
        match add(&mut browser, &key).await {
            StatusCode::OK => written.push(key),
            status => {
                assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
                return written;
            }
        }
    }
}

/// More requests than there are connections meet a server that says nothing: each fails in time, and they work
/// again as soon as it speaks.
pub async fn silence_is_waited_for_no_longer_than_the_deadline(
    stores: [AnyStore; 2],
    silence: impl AsyncFn(),
    end: impl AsyncFn(),
) {
    let nodes = two(stores);
    let browser = visitor(&nodes[0]).await;
    silence().await;
    let requests: Vec<_> = (0..30)
        .map(|n| {
            let mut browser = at(&nodes[n % 2], &browser);
            tokio::spawn(async move { add(&mut browser, "during").await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    end().await;
    for node in &nodes {
        recover(&mut at(node, &browser)).await;
    }
    assert!(state_of(&mut at(&nodes[1], &browser)).await.counter >= 3);
}

/// Writes to a record that somebody holds run out of time, more of them than there are connections. Meanwhile other
/// visitors come and notice nothing: no connection is stuck with what nobody waits for.
pub async fn a_record_that_is_held_stalls_no_other(
    stores: [AnyStore; 2],
    hold: impl AsyncFn(),
    release: impl AsyncFn(),
) {
    let nodes = two(stores);
    let browser = visitor(&nodes[0]).await;
    hold().await;
    let requests: Vec<_> = (0..30)
        .map(|n| {
            let mut browser = at(&nodes[n % 2], &browser);
            tokio::spawn(async move { add(&mut browser, "held").await })
        })
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    }
    for node in &nodes {
        visitor(node).await;
    }
    release().await;
    recover(&mut at(&nodes[1], &browser)).await;
}
