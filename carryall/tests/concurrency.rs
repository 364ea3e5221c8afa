//! Fifty requests of one session at once, on one node and on two: nothing committed is lost, nothing ended comes back.

mod common;

use std::future::Future;
use std::time::Duration;

use axum::http::StatusCode;
use carryall::{Error, ErrorKind, SegmentData, Session};
use common::lab::{Lab, Seen, Tab};
use common::nodes::{at, nodes_in_memory, repeats};
use serde::{Deserialize, Serialize};

const REQUESTS: u64 = 50;

/// What lies between reading and writing.
#[derive(Clone, Copy, Debug)]
enum Pause {
    Nothing,
    Yield,
    Millis(u64),
}

const PAUSES: [Pause; 3] = [Pause::Nothing, Pause::Yield, Pause::Millis(5)];

impl Pause {
    async fn take(self) {
        match self {
            Self::Nothing => {}
            Self::Yield => tokio::task::yield_now().await,
            Self::Millis(time) => tokio::time::sleep(Duration::from_millis(time)).await,
        }
    }
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Basket {
    items: Vec<u64>,
}

impl SegmentData for Basket {
    const NAME: &'static str = "basket";
}

/// All requests at once, in turn to each node; what came of each.
async fn storm<R: Send + 'static, F>(
    nodes: &[Lab],
    tab: &Tab,
    deed: impl Fn(Session, u64) -> F + Clone + Send + 'static,
) -> Vec<Seen<R>>
where
    F: Future<Output = Result<R, Error>> + Send + 'static,
{
    let mut tasks = Vec::new();
    for (n, node) in (0..REQUESTS).zip(nodes.iter().cycle()) {
        let (tab, deed) = (at(node, tab), deed.clone());
        tasks.push(tokio::spawn(async move { tab.peek(move |session| deed(session, n)).await }));
    }
    let mut seen = Vec::new();
    for task in tasks {
        seen.push(task.await.unwrap());
    }
    seen
}

fn add_one(n: Option<u64>) -> u64 {
    n.unwrap_or(0) + 1
}

async fn value_of(tab: &mut Tab) -> Option<u64> {
    tab.visit(|session| session.get("value")).await.ok()
}

/// Runs the test on one node and on two, with each pause, several times.
async fn everywhere<F: Future<Output = ()>>(test: impl Fn(Vec<Lab>, Tab, Pause) -> F) {
    for _ in 0..repeats() {
        for count in [1, 2] {
            for pause in PAUSES {
                let nodes = nodes_in_memory(count);
                let tab = nodes[0].user("ada").await;
                test(nodes, tab, pause).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_leave_fifty_keys_and_a_count_of_exactly_fifty() {
    everywhere(async |nodes, mut tab, pause| {
        let seen = storm(&nodes, &tab, move |session, n| async move {
            let key = format!("key-{n}");
            assert_eq!(session.get::<u64>(&key)?, None);
            session.get::<u64>("count")?;
            pause.take().await;
            session.set(&key, &n)?;
            session.update("count", add_one).map(drop)
        });
        seen.await.into_iter().for_each(Seen::ok);
        let all = tab.visit(|session| {
            assert_eq!(session.get::<u64>("count")?, Some(REQUESTS));
            (0..REQUESTS).map(|n| session.get::<u64>(&format!("key-{n}"))).collect::<Result<Vec<_>, _>>()
        });
        assert_eq!(all.await.ok(), (0..REQUESTS).map(Some).collect::<Vec<_>>(), "{pause:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everyone_who_counts_is_told_a_number_of_its_own() {
    everywhere(async |nodes, tab, pause| {
        let seen = storm(&nodes, &tab, move |session, _| async move {
            pause.take().await;
            session.update_now("count", add_one).await
        });
        let mut told: Vec<u64> = seen.await.into_iter().map(Seen::ok).collect();
        told.sort_unstable();
        assert_eq!(told, (1..=REQUESTS).collect::<Vec<_>>(), "{pause:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_document_has_what_everyone_put_into_it() {
    everywhere(async |nodes, mut tab, pause| {
        let seen = storm(&nodes, &tab, move |session, n| async move {
            pause.take().await;
            session.document::<Basket>()?.update(move |basket| basket.items.push(n))
        });
        seen.await.into_iter().for_each(Seen::ok);
        let mut items = tab.visit(|session| session.document::<Basket>()?.read()).await.ok().items;
        items.sort_unstable();
        assert_eq!(items, (0..REQUESTS).collect::<Vec<_>>(), "{pause:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_and_then_sets_is_counted_or_told_of_the_conflict() {
    everywhere(async |nodes, mut tab, pause| {
        let seen = storm(&nodes, &tab, move |session, _| async move {
            let n = session.get_or("value", 0)?;
            pause.take().await;
            session.set("value", &(n + 1))
        });
        let seen = seen.await;
        let kept = seen.iter().filter(|seen| seen.status == StatusCode::OK).count();
        assert!(seen.iter().all(|seen| [StatusCode::OK, StatusCode::CONFLICT].contains(&seen.status)));
        assert_eq!(value_of(&mut tab).await, Some(1 + kept as u64), "{pause:?}: what was kept, and no more");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_reads_and_then_sets_a_document_is_kept_or_told_of_the_conflict() {
    everywhere(async |nodes, mut tab, pause| {
        let seen = storm(&nodes, &tab, move |session, n| async move {
            let basket = session.document::<Basket>()?;
            let mut inside = basket.read()?;
            pause.take().await;
            inside.items.push(n);
            basket.set(&inside)?;
            session.commit().await.map(|()| n)
        });
        let mut kept = Vec::new();
        for seen in seen.await {
            match seen.answer.unwrap() {
                Ok(n) => kept.push(n),
                Err(kind) => assert_eq!(kind, ErrorKind::Conflict),
            }
        }
        let mut items = tab.visit(|session| session.document::<Basket>()?.read()).await.ok().items;
        items.sort_unstable();
        kept.sort_unstable();
        assert_eq!(items, kept, "{pause:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_among_slow_writers_stays() {
    everywhere(async |nodes, tab, pause| {
        let seen = storm(&nodes, &tab, move |session, n| async move {
            if n == REQUESTS / 2 {
                return session.logout();
            }
            session.get::<u64>("value")?;
            pause.take().await;
            session.update("count", add_one).map(drop)
        });
        let seen = seen.await;
        let said = [StatusCode::OK, StatusCode::CONFLICT];
        assert!(seen.iter().all(|seen| said.contains(&seen.status)), "{pause:?}");
        for node in nodes.iter().chain(&nodes) {
            let mut tab = at(node, &tab);
            let mut late = tab.clone();
            let refused = late.visit(|session| session.set("value", &9)).await;
            assert_eq!((refused.status, refused.sets_cookie()), (StatusCode::CONFLICT, false));
            let found = tab.visit(|session| Ok((session.subject().is_some(), session.keys()?))).await;
            assert_eq!(found.ok(), (false, Vec::new()), "{pause:?}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_message_is_shown_to_somebody_however_many_look_while_others_are_set() {
    everywhere(async |nodes, mut tab, pause| {
        // Whoever does not look answers with a redirect, which shows nothing.
        tab.status = StatusCode::SEE_OTHER;
        let seen = storm(&nodes, &tab, move |session, n| async move {
            if n % 2 == 0 {
                session.flash().set(&format!("message-{n}"), &n)?;
                return Ok(Vec::new());
            }
            pause.take().await;
            session.flash().keys()
        });
        let mut shown: Vec<String> = seen.await.into_iter().flat_map(Seen::ok).collect();
        shown.extend(tab.visit(|session| session.flash().keys()).await.ok());
        shown.sort();
        shown.dedup();
        assert_eq!(shown.len() as u64, REQUESTS / 2, "{pause:?}");
        assert!(tab.visit(|session| session.flash().keys()).await.ok().is_empty(), "{pause:?}: used up");
    })
    .await;
}
