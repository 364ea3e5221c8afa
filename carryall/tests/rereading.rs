//! What a request read before it committed still guards what it sets afterwards.

mod common;

use axum::http::StatusCode;
use carryall::{Error, ErrorKind, SegmentData, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Seen, Tab};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

impl SegmentData for Cart {
    const NAME: &'static str = "cart";
}

type Deed = fn(&Session) -> Result<(), Error>;

const READ: Deed = |s| s.get::<u64>("value").map(drop);
const SET: Deed = |s| s.set("value", &7);
const THEIRS: Deed = |s| s.set("value", &100);
const ELSE: Deed = |s| s.set("else", &1);
const READ_CART: Deed = |s| s.document::<Cart>()?.read().map(drop);
const SET_CART: Deed = |s| s.document::<Cart>()?.set(&Cart { items: vec!["jam".into()] });
const PUSH: Deed = |s| s.document::<Cart>()?.update(|cart| cart.items.push("tea".into()));
const NOTHING: Deed = |_| Ok(());

/// One request does the `before`s, a commit after each; another one does `theirs` before or after the last of these
/// commits; then the first does `after`.
async fn play(
    lab: &Lab,
    before: &'static [Deed],
    is_theirs_first: bool,
    theirs: Deed,
    after: Deed,
) -> (Tab, Seen<()>) {
    let mut tab = lab.visitor().await;
    let mut other = tab.clone();
    let seen = tab.stay(move |session| async move {
        let (last, first) = before.split_last().unwrap();
        for deed in first {
            deed(&session)?;
            session.commit().await?;
        }
        last(&session)?;
        if is_theirs_first {
            other.visit(theirs).await.ok();
        }
        session.commit().await?;
        if !is_theirs_first {
            other.visit(theirs).await.ok();
        }
        after(&session)?;
        session.commit().await
    });
    let seen = seen.await;
    (tab, seen)
}

async fn value(tab: &mut Tab) -> Option<u64> {
    tab.visit(|session| session.get::<u64>("value")).await.ok()
}

const SEQUENCES: [&[Deed]; 4] = [
    &[|s| READ(s).and_then(|()| ELSE(s))],
    &[READ, ELSE],
    &[READ, ELSE, |s| s.set("else", &2), |s| s.set("else", &3)],
    &[READ, |s| s.update("else", |n: Option<u64>| n.unwrap_or(0) + 1).map(drop)],
];

#[tokio::test]
async fn a_value_read_before_a_commit_and_changed_by_another_request_is_a_conflict() {
    let lab = Lab::new(Home::Store);
    for before in SEQUENCES {
        for is_theirs_first in [true, false] {
            let (mut tab, seen) = play(&lab, before, is_theirs_first, THEIRS, SET).await;
            assert_eq!((seen.error(), seen.status), (ErrorKind::Conflict, StatusCode::CONFLICT));
            assert_eq!(value(&mut tab).await, Some(100), "the other request's value stays");
            assert!(tab.visit(|s| s.contains("else")).await.ok(), "what was committed before, too");
        }
    }
}

#[tokio::test]
async fn without_another_request_every_commit_holds() {
    let lab = Lab::new(Home::Store);
    for before in SEQUENCES {
        for theirs in [NOTHING, |s| s.set("theirs", &1)] {
            let (mut tab, seen) = play(&lab, before, true, theirs, SET).await;
            seen.ok();
            assert_eq!(value(&mut tab).await, Some(7));
        }
    }
}

#[tokio::test]
async fn reading_again_after_the_commit_makes_the_value_known() {
    let lab = Lab::new(Home::Store);
    let again: Deed = |s| s.get::<u64>("value")?.map_or(Ok(()), |n| s.set("value", &(n + 1)));
    let before: &[Deed] = &[|s| READ(s).and_then(|()| ELSE(s))];
    let (mut tab, seen) = play(&lab, before, true, THEIRS, again).await;
    seen.ok();
    assert_eq!(value(&mut tab).await, Some(101));
}

#[tokio::test]
async fn a_blind_set_stays_the_last_writer_after_a_commit() {
    let lab = Lab::new(Home::Store);
    for before in [&[ELSE] as &[Deed], &[SET, SET]] {
        for is_theirs_first in [true, false] {
            let (mut tab, seen) = play(&lab, before, is_theirs_first, THEIRS, |s| s.set("value", &8)).await;
            seen.ok();
            assert_eq!(value(&mut tab).await, Some(8));
        }
    }
}

#[tokio::test]
async fn the_number_that_update_now_answered_guards_a_set_of_it() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.visitor().await;
    let mut other = tab.clone();
    let seen = tab.stay(|session| async move {
        let n = session.update_now("value", |n: Option<u64>| n.unwrap_or(0) + 1).await?;
        session.set("else", &1)?;
        session.commit().await?;
        other.visit(THEIRS).await.ok();
        session.set("value", &(n + 1))?;
        session.commit().await
    });
    assert_eq!(seen.await.error(), ErrorKind::Conflict);
    assert_eq!(value(&mut tab).await, Some(100));
}

#[tokio::test]
async fn a_document_read_before_a_commit_is_not_overwritten() {
    let lab = Lab::new(Home::Store);
    for before in [&[READ_CART, ELSE] as &[Deed], &[|s| READ_CART(s).and_then(|()| ELSE(s))]] {
        for is_theirs_first in [true, false] {
            let (mut tab, seen) = play(&lab, before, is_theirs_first, PUSH, SET_CART).await;
            assert_eq!(seen.error(), ErrorKind::Conflict);
            let cart = tab.visit(|session| session.document::<Cart>()?.read()).await.ok();
            assert_eq!(cart.items, ["tea"]);
            play(&lab, before, is_theirs_first, NOTHING, SET_CART).await.1.ok();
        }
    }
}

#[tokio::test]
async fn a_login_in_between_forgets_nothing() {
    let lab = Lab::new(Home::Store);
    let before: &[Deed] = &[|s| READ(s).and_then(|()| s.login("ada"))];
    let (mut tab, seen) = play(&lab, before, true, THEIRS, SET).await;
    assert_eq!(seen.error(), ErrorKind::Conflict);
    assert_eq!(value(&mut tab).await, Some(100));
}

#[tokio::test]
async fn a_session_in_a_cookie_knows_no_conflict() {
    for home in HOMES.into_iter().filter(|home| *home != Home::Store) {
        let lab = Lab::new(home);
        for before in SEQUENCES {
            for is_theirs_first in [true, false] {
                let (mut tab, seen) = play(&lab, before, is_theirs_first, THEIRS, SET).await;
                seen.ok();
                assert_eq!(value(&mut tab).await, Some(7), "{home:?}: the last response wins");
            }
        }
        let (_, seen) = play(&lab, &[READ_CART, ELSE], true, PUSH, SET_CART).await;
        seen.ok();
    }
}
