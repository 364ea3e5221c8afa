//! Everything that a handler can do to its session, as data, and what it is answered, as text.
#![allow(unreachable_pub, reason = "a part of one test program")]

use std::fmt::Debug;
use std::time::Duration;

use carryall::{Error, SegmentData, Session};
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A document; of version 1 it was a plain list.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Cart {
    items: Vec<u8>,
    note: Option<Value>,
}

impl SegmentData for Cart {
    const NAME: &'static str = "cart";
}

/// Where values go: the default segment, or a named one.
pub type Place = Option<&'static str>;

#[derive(Clone, Debug)]
pub enum Deed {
    Get(Place, &'static str),
    GetNumber(Place, &'static str),
    Contains(Place, &'static str),
    Keys(Place),
    Set(Place, &'static str, Value),
    Update(Place, &'static str),
    Remove(Place, &'static str),
    Take(Place, &'static str),
    Clear(Place),
    ReadCart,
    SetCart(u8),
    PushCart(u8),
    RemoveCart,
    Flash(Place, Message),
    Regenerate,
    Login(u8),
    Elevate(u8),
    Logout,
    Persist(u8),
    Csrf,
    Rollback,
    Commit,
    UpdateNow(&'static str),
}

#[derive(Clone, Copy, Debug)]
pub enum Message {
    Set(&'static str, u8),
    Now(&'static str, u8),
    Both(&'static str, u8),
    Get(&'static str),
    Peek(&'static str),
    Keys,
    Keep(&'static str),
    KeepAll,
    KeepEverywhere,
    ClearNow,
    ClearNext,
    Clear,
    ClearEverywhere,
}

pub fn any_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        12 => any_value_deed(),
        4 => any_document_deed(),
        6 => (any_place(), any_message()).prop_map(|(place, message)| Deed::Flash(place, message)),
        6 => any_other_deed(),
    ]
}

fn any_place() -> impl Strategy<Value = Place> {
    prop::sample::select(vec![None, None, Some("vendor.shop"), Some("é\"")])
}

fn any_value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(1),
        json!(1.0),
        json!(-0.5),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(null),
        json!("text \u{1f980} \"quoted\""),
        json!({}),
        json!([]),
        json!({"b": {"c": [1, {"d": null}]}, "": 0}),
        json!([{"b": 1}, 2]),
    ])
}

fn any_value_deed() -> impl Strategy<Value = Deed> {
    let key = || prop::sample::select(vec!["a", "a", "b", "a.b", "a.b.c", "a.0", "b.b", "c.", ""]);
    let at = || (any_place(), key());
    prop_oneof![
        3 => at().prop_map(|(place, key)| Deed::Get(place, key)),
        1 => at().prop_map(|(place, key)| Deed::GetNumber(place, key)),
        1 => at().prop_map(|(place, key)| Deed::Contains(place, key)),
        1 => any_place().prop_map(Deed::Keys),
        6 => (at(), any_value()).prop_map(|((place, key), value)| Deed::Set(place, key, value)),
        2 => at().prop_map(|(place, key)| Deed::Update(place, key)),
        2 => at().prop_map(|(place, key)| Deed::Remove(place, key)),
        2 => at().prop_map(|(place, key)| Deed::Take(place, key)),
        1 => any_place().prop_map(Deed::Clear),
        1 => key().prop_map(Deed::UpdateNow),
    ]
}

fn any_document_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        2 => Just(Deed::ReadCart),
        1 => any::<u8>().prop_map(Deed::SetCart),
        2 => any::<u8>().prop_map(Deed::PushCart),
        1 => Just(Deed::RemoveCart),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let key = || prop::sample::select(vec!["m", "n"]);
    prop_oneof![
        (key(), 0..9_u8).prop_map(|(key, n)| Message::Set(key, n)),
        (key(), 0..9_u8).prop_map(|(key, n)| Message::Now(key, n)),
        (key(), 0..9_u8).prop_map(|(key, n)| Message::Both(key, n)),
        key().prop_map(Message::Get),
        key().prop_map(Message::Peek),
        Just(Message::Keys),
        key().prop_map(Message::Keep),
        Just(Message::KeepAll),
        Just(Message::KeepEverywhere),
        Just(Message::ClearNow),
        Just(Message::ClearNext),
        Just(Message::Clear),
        Just(Message::ClearEverywhere),
    ]
}

fn any_other_deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        1 => Just(Deed::Regenerate),
        2 => (0..2_u8).prop_map(Deed::Login),
        1 => (0..4_u8).prop_map(Deed::Elevate),
        1 => Just(Deed::Logout),
        1 => (0..3_u8).prop_map(Deed::Persist),
        1 => Just(Deed::Csrf),
        2 => Just(Deed::Rollback),
        3 => Just(Deed::Commit),
    ]
}

fn text<R: Debug>(result: Result<R, Error>) -> String {
    match result {
        Ok(answer) => format!("{answer:?}"),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// One more for a small number, a number for anything else.
#[allow(clippy::needless_pass_by_value, reason = "as `update` takes it")]
fn counted(old: Option<Value>) -> Value {
    let old = old.as_ref().and_then(Value::as_u64).filter(|n| *n < 1000);
    json!(old.unwrap_or(0) + 1)
}

/// Does it; answers what the handler is told.
pub async fn perform(session: &Session, deed: &Deed) -> String {
    match deed {
        Deed::Commit => text(session.commit().await),
        Deed::UpdateNow(key) => text(session.update_now(key, counted).await),
        Deed::Flash(place, message) => perform_message(session, *place, *message),
        Deed::ReadCart | Deed::SetCart(_) | Deed::PushCart(_) | Deed::RemoveCart => {
            perform_cart(session, deed)
        }
        Deed::Regenerate => text(session.regenerate()),
        Deed::Login(subject) => text(session.login(format!("user-{subject}"))),
        Deed::Elevate(level) => text(session.elevate(*level)),
        Deed::Logout => text(session.logout()),
        Deed::Persist(days) => text(session.persist_for(Duration::from_hours(24 * u64::from(*days)))),
        Deed::Csrf => text(session.csrf().token().map(|token| session.csrf().verify(&token))),
        Deed::Rollback => {
            session.rollback();
            String::new()
        }
        other => perform_value(session, other),
    }
}

fn perform_cart(session: &Session, deed: &Deed) -> String {
    let cart = session.document::<Cart>().unwrap();
    match *deed {
        Deed::SetCart(n) => text(cart.set(&Cart { items: vec![n], note: Some(json!(1.0)) })),
        Deed::PushCart(n) => text(cart.update(move |cart| cart.items.push(n))),
        Deed::RemoveCart => text(cart.remove()),
        _ => text(cart.get()),
    }
}

/// The same verb on the default segment or on a named one.
macro_rules! on {
    ($session:expr, $place:expr, |$target:ident| $verb:expr) => {
        match $place {
            None => {
                let $target = $session;
                text($verb)
            }
            Some(name) => {
                let $target = &$session.segment(name).unwrap();
                text($verb)
            }
        }
    };
}

fn perform_value(session: &Session, deed: &Deed) -> String {
    match deed {
        Deed::Get(place, key) => on!(session, place, |s| s.get::<Value>(key)),
        Deed::GetNumber(place, key) => on!(session, place, |s| s.get::<u64>(key)),
        Deed::Contains(place, key) => on!(session, place, |s| s.contains(key)),
        Deed::Keys(place) => on!(session, place, |s| s.keys()),
        Deed::Set(place, key, value) => on!(session, place, |s| s.set(key, value)),
        Deed::Update(place, key) => on!(session, place, |s| s.update(key, counted)),
        Deed::Remove(place, key) => on!(session, place, |s| s.remove(key)),
        Deed::Take(place, key) => on!(session, place, |s| s.take::<Value>(key)),
        Deed::Clear(place) => on!(session, place, |s| s.clear()),
        other => panic!("done elsewhere: {other:?}"),
    }
}

fn perform_message(session: &Session, place: Place, message: Message) -> String {
    let flash = match place {
        None => session.flash(),
        Some(name) => session.segment(name).unwrap().flash(),
    };
    match message {
        Message::Set(key, n) => text(flash.set(key, &n)),
        Message::Now(key, n) => text(flash.now(key, &n)),
        Message::Both(key, n) => text(flash.now_and_next(key, &n)),
        Message::Get(key) => text(flash.get::<u8>(key)),
        Message::Peek(key) => text(flash.peek_next::<u8>(key)),
        Message::Keys => text(flash.keys()),
        Message::Keep(key) => text(flash.keep(key)),
        Message::KeepAll => text(flash.keep_all()),
        Message::KeepEverywhere => text(session.keep_all_flash()),
        Message::ClearNow => text(flash.clear_now()),
        Message::ClearNext => text(flash.clear_next()),
        Message::Clear => text(flash.clear()),
        Message::ClearEverywhere => text(session.clear_all_flash()),
    }
}

/// All that can be seen of a session.
pub fn look(session: &Session) -> Vec<String> {
    let mut seen = vec![format!("{:?} {}", session.subject(), session.level())];
    for place in [None, Some("vendor.shop"), Some("é\"")] {
        let keys = on!(session, place, |s| s.keys());
        seen.push(keys);
        for key in ["a", "b", "c.", "c", "", "a.b.c"] {
            seen.push(perform_value(session, &Deed::Get(place, key)));
        }
        for message in [Message::Keys, Message::Get("m"), Message::Get("n")] {
            seen.push(perform_message(session, place, message));
        }
    }
    seen.push(perform_cart(session, &Deed::ReadCart));
    seen
}
