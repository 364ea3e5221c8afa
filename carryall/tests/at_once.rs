//! A store in memory is asked without a future, and nobody can tell by what comes of it.

mod common;

use std::time::Duration;

use axum::http::StatusCode;
use carryall::clock::Clock as _;
use carryall::event::Event;
use carryall::store::{AnyStore, MemoryStore, Sweep as _};
use carryall::{Error, Session};
use common::house::Home;
use common::lab::{Lab, Tab};
use common::properties::cases;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Deed {
    Read,
    Write(u8),
    Remove,
    Token,
    Flash,
    Remember,
    Login(bool),
    Regenerate,
    Logout,
    CommitEarly,
    Fail,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => Just(Deed::Read),
        4 => (0..3_u8).prop_map(Deed::Write),
        1 => Just(Deed::Remove),
        1 => Just(Deed::Token),
        1 => Just(Deed::Flash),
        1 => Just(Deed::Remember),
        1 => any::<bool>().prop_map(Deed::Login),
        1 => Just(Deed::Regenerate),
        1 => Just(Deed::Logout),
        1 => Just(Deed::CommitEarly),
        1 => Just(Deed::Fail),
    ]
}

/// Before the deadlines of a session, at them, and after.
fn pause() -> impl Strategy<Value = u64> {
    prop::sample::select(vec![0, 0, 0, 59, 60, 90, 599, 600, 1_799, 1_800, 40_000])
}

async fn act(session: Session, deed: Deed) -> Result<String, Error> {
    match deed {
        Deed::Read => {}
        Deed::Write(value) => session.set("value", &value)?,
        Deed::Remove => _ = session.remove("value")?,
        Deed::Token => _ = session.csrf().token()?,
        Deed::Flash => session.flash().set("told", &1)?,
        Deed::Remember => session.persist_for(Duration::from_secs(5_000))?,
        Deed::Login(first) => session.login(if first { "ada" } else { "bob" })?,
        Deed::Regenerate => session.regenerate()?,
        Deed::Logout => session.logout()?,
        Deed::CommitEarly => {
            session.update("value", |old: Option<u8>| old.map_or(7, |old| old.wrapping_add(1)))?;
            session.commit().await?;
        }
        Deed::Fail => {
            session.set("value", &9)?;
            session.rollback();
        }
    }
    Ok(format!("{:?} {:?}", session.get::<u8>("value")?, session.subject()))
}

/// One browser, a copy of its jar from before, and all that can be seen of what comes of a visit.
struct Seat {
    lab: Lab,
    store: MemoryStore,
    tab: Tab,
    old: Tab,
}

impl Seat {
    fn new(wrap: impl FnOnce(MemoryStore) -> AnyStore) -> Self {
        let store = MemoryStore::new();
        let lab = Lab::with(Home::Store, |builder| builder.store(wrap(store.clone())));
        let (tab, old) = (lab.tab(), lab.tab());
        Self { lab, store, tab, old }
    }

    async fn visit(&mut self, deed: Deed, by_old: bool, pause: u64) -> String {
        self.lab.wait(pause);
        let tab = if by_old { &mut self.old } else { &mut self.tab };
        let before = tab.clone();
        let seen = tab.stay(move |session| act(session, deed)).await;
        if !by_old && seen.sets_cookie() {
            self.old = before;
        }
        let cookie = (seen.sets_cookie(), seen.removes_cookie());
        let events: Vec<String> = self.lab.events.take().iter().map(without_handle).collect();
        let (answer, status) = (seen.answer, seen.status);
        let cache = seen.headers.get("cache-control").cloned();
        // What is expired counts until somebody comes by.
        self.store.sweep_once(self.lab.clock.now(), usize::MAX).await.unwrap();
        format!("{answer:?} {status} {cookie:?} {cache:?} {events:?} {}", self.store.len())
    }
}

/// Handles differ, as families are drawn at random.
fn without_handle(event: &Event) -> String {
    let text = format!("{event:?}");
    match (text.find("Handle("), text.find(')')) {
        (Some(start), Some(end)) => format!("{}{}", &text[..start], &text[end..]),
        _ => text,
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn it_does_what_it_does_when_it_is_awaited(
        visits in prop::collection::vec((deed(), prop::bool::weighted(0.15), pause()), 1..14),
    ) {
        runtime().block_on(async {
            let mut at_once = Seat::new(AnyStore::from);
            let mut awaited = Seat::new(|store| AnyStore::of(store).sweeps().lists_subjects().into());
            for (deed, by_old, pause) in &visits {
                let seen = at_once.visit(*deed, *by_old, *pause).await;
                let expected = awaited.visit(*deed, *by_old, *pause).await;
                prop_assert_eq!(seen, expected, "{:?} in {:?}", deed, visits);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_session_that_finds_no_room_does_not_begin_and_the_visitor_is_told() {
    let store = MemoryStore::builder().max_entries(1).build();
    let lab = Lab::with(Home::Store, |builder| builder.store(store.clone()));
    let mut ada = lab.user("ada").await;
    let seen = lab.tab().visit(|session| session.set("value", &1)).await;
    assert_eq!((seen.status, seen.sets_cookie()), (StatusCode::SERVICE_UNAVAILABLE, false));
    assert_eq!(lab.events.take(), [Event::Outage { during: "commit" }], "told once");
    assert_eq!(ada.visit(|session| session.get::<u64>("value")).await.ok(), Some(1));
}

#[tokio::test]
async fn a_session_that_ends_while_it_is_read_is_not_seen_again() {
    let lab = Lab::with(Home::Store, |builder| builder.store(MemoryStore::new()));
    let mut tab = lab.user("ada").await;
    lab.wait(100);
    let mut other = tab.clone();
    let read = tab.stay(|session| async move {
        other.visit(Session::logout).await.ok();
        session.get::<u64>("value")
    });
    let seen = read.await;
    assert!(!seen.sets_cookie(), "nothing over the removal");
    assert_eq!(seen.ok(), Some(1));
    assert_eq!(tab.visit(|session| session.get::<u64>("value")).await.ok(), None);
}
