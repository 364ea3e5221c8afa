//! Requests of one session with a store that is slow and fails, with handlers that drop commits and visitors who hang
//! up: what was acknowledged is there, nothing is there twice, what was taken back is not there, and a logout holds.

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use axum::http::StatusCode;
use carryall::event::Event;
use carryall::store::AnyStore;
use carryall::{Error, ErrorKind, Session};
use common::fickle::{Fate, Fickle};
use common::lab::Tab;
use common::nodes::{at, nodes_with};
use common::properties::cases;
use common::slow::{poll_once, quiet};
use proptest::prelude::*;
use tokio::time::{sleep, timeout};

/// What a handler does.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// Adds a number of its own to the list.
    Add,
    Commit,
    /// Commits, and does not wait for the end.
    DropCommit,
    /// Commits, and neither waits nor lets go.
    KeepCommit,
    Rollback,
    Wait(u64),
    /// Signs out, and does nothing after it.
    Logout,
}

/// One request: its node, when it comes, after how long its visitor hangs up, and what its handler does.
#[derive(Clone, Debug)]
struct Request {
    node: usize,
    comes: u64,
    hangs_up: Option<u64>,
    deeds: Vec<Deed>,
}

fn any_request() -> impl Strategy<Value = Request> {
    let deed = prop_oneof![
        6 => Just(Deed::Add),
        3 => Just(Deed::Commit),
        2 => Just(Deed::DropCommit),
        1 => Just(Deed::KeepCommit),
        1 => Just(Deed::Rollback),
        2 => (0..60_u64).prop_map(Deed::Wait),
    ];
    let deed = prop_oneof![30 => deed, 1 => Just(Deed::Logout)];
    let hangs_up = prop::option::weighted(0.3, 1..150_u64);
    (0..2_usize, 0..80_u64, hangs_up, prop::collection::vec(deed, 1..7))
        .prop_map(|(node, comes, hangs_up, deeds)| Request { node, comes, hangs_up, deeds })
}

fn any_fates() -> impl Strategy<Value = Vec<(u64, u64, Fate)>> {
    let fate = prop_oneof![8 => Just(Fate::Works), 1 => Just(Fate::FailsBefore), 1 => Just(Fate::FailsAfter)];
    let time = || prop_oneof![2 => Just(0), 3 => 0..50_u64, 1 => Just(150_u64)];
    prop::collection::vec((time(), time(), fate), 0..20)
}

/// What has to be found in the end.
#[derive(Debug, Default)]
struct Book {
    /// The visitor or the handler was told that it is kept.
    kept: BTreeSet<u32>,
    /// It was added, and not taken back.
    added: BTreeSet<u32>,
    /// It was taken back before any commit.
    taken_back: BTreeSet<u32>,
    /// Somebody was told that the session will end.
    is_over: bool,
}

type Shared = Arc<Mutex<Book>>;

/// Does the deeds; answers which numbers are added and not known to be kept.
async fn run(session: &Session, deeds: &[Deed], first: u32, book: &Shared) -> Result<Vec<u32>, Error> {
    let (mut open, mut tried) = (Vec::new(), 0);
    // Whether the handler knows that none of what it did since is kept, unless it says so again.
    let mut is_told = false;
    let mut held = None;
    for (number, deed) in (first..).zip(deeds) {
        match deed {
            Deed::Add => {
                let added = session.update("list", move |old: Option<Vec<u32>>| {
                    let mut list = old.unwrap_or_default();
                    list.push(number);
                    list
                });
                if added.is_ok() {
                    open.push(number);
                    book.lock().unwrap().added.insert(number);
                    is_told = false;
                }
            }
            Deed::Commit | Deed::DropCommit | Deed::KeepCommit => {
                let mut commit = Box::pin({
                    let session = session.clone();
                    async move { session.commit().await }
                });
                let ended = match deed {
                    Deed::Commit => Poll::Ready(commit.await),
                    Deed::KeepCommit => poll_once(held.insert(commit)).await,
                    _ => poll_once(&mut commit).await,
                };
                match ended {
                    Poll::Pending => {}
                    Poll::Ready(Ok(())) => book.lock().unwrap().kept.extend(open.drain(..)),
                    Poll::Ready(Err(error)) if error.kind() == ErrorKind::Outage => is_told = true,
                    // They are given up, or perhaps made already.
                    Poll::Ready(Err(_)) => open.clear(),
                }
                tried = open.len();
            }
            Deed::Rollback => {
                session.rollback();
                let mut book = book.lock().unwrap();
                book.added.retain(|number| !open.contains(number));
                book.taken_back.extend(open.drain(..).skip(tried));
                tried = 0;
            }
            Deed::Wait(time) => sleep(Duration::from_millis(*time)).await,
            Deed::Logout => {
                let is_over = session.logout().is_ok();
                book.lock().unwrap().is_over |= is_over;
                if is_over {
                    return Ok(Vec::new());
                }
            }
        }
    }
    // Never polled again, and never dropped.
    std::mem::forget(held);
    Ok(if is_told { Vec::new() } else { open })
}

async fn visit(tab: Tab, request: Request, first: u32, book: Shared) {
    sleep(Duration::from_millis(request.comes)).await;
    let (deeds, in_handler) = (request.deeds, Arc::clone(&book));
    let visit = tab.peek(move |session| async move { run(&session, &deeds, first, &in_handler).await });
    let patience = request.hangs_up.map_or(Duration::from_mins(5), Duration::from_millis);
    match timeout(patience, visit).await {
        Ok(seen) if seen.status == StatusCode::OK => {
            book.lock().unwrap().kept.extend(seen.answer.unwrap().unwrap());
        }
        Ok(_) => {}
        Err(_) => assert!(request.hangs_up.is_some(), "a response never left"),
    }
}

async fn play(requests: &[Request], fates: &[(u64, u64, Fate)]) -> Result<(), TestCaseError> {
    let store = Fickle::default();
    let nodes = nodes_with(2, AnyStore::of(store.clone()), |builder| {
        builder.patience(Duration::from_millis(100), Duration::from_millis(300))
    });
    let tab = nodes[0].user("ada").await;
    store.set(fates);
    let book = Shared::default();
    let mut running = Vec::new();
    for (first, request) in (0..).step_by(100).zip(requests) {
        let tab = at(&nodes[request.node], &tab);
        running.push(tokio::spawn(visit(tab, request.clone(), first, Arc::clone(&book))));
    }
    for request in running {
        request.await.map_err(|error| TestCaseError::fail(error.to_string()))?;
    }
    quiet().await;
    store.set(&[]);
    let look = |session: Session| async move { Ok((session.subject().is_some(), session.get("list")?)) };
    let (is_alive, list) = at(&nodes[1], &tab).peek(look).await.ok();
    let list: Vec<u32> = list.unwrap_or_default();
    let found: BTreeSet<u32> = list.iter().copied().collect();
    let book = book.lock().unwrap();
    if book.is_over {
        prop_assert!(!is_alive && list.is_empty() && store.inner.is_empty(), "it is alive: {:?}", list);
        return Ok(());
    }
    prop_assert_eq!(found.len(), list.len(), "twice: {:?}", list);
    prop_assert!(book.kept.is_subset(&found), "kept {:?}, found {:?}", book.kept, found);
    prop_assert!(book.taken_back.is_disjoint(&found), "taken back {:?}, found {:?}", book.taken_back, found);
    let events: Vec<Event> = nodes.iter().flat_map(|node| node.events.take()).collect();
    let is_abandoned = events.iter().any(|event| matches!(event, Event::Abandoned { .. }));
    let is_outage = events.iter().any(|event| matches!(event, Event::Outage { .. }));
    if book.added.is_subset(&found) {
        // After an outage nobody knows.
        prop_assert!(is_outage || !is_abandoned, "everything is there, and called lost");
    } else {
        prop_assert!(is_outage || is_abandoned, "added {:?}, found {:?}, and no event", book.added, found);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn what_is_acknowledged_is_there_and_nothing_is_there_twice(
        requests in prop::collection::vec(any_request(), 1..5),
        fates in any_fates(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(play(&requests, &fates))?;
    }
}
