//! What contents promise: tables here, the model beside.

mod conflicts;
mod glimpses;
mod layouts;
mod many;
mod model;
mod paths;
mod reading;
mod twins;

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::*;
use crate::format::Format;

const BOTH: [Format; 2] = [Format::Json, Format::MessagePack];

fn bytes(contents: &Contents) -> Bytes {
    let mut out = Vec::new();
    contents.write_to(&mut out);
    assert_eq!(out.len(), contents.encoded_len());
    out.into()
}

/// What the next request would load.
fn reload(contents: &Contents) -> Contents {
    Contents::parse(contents.format(), bytes(contents)).unwrap()
}

fn get(contents: &mut Contents, segment: &str, path: &str) -> Option<Value> {
    let format = contents.format();
    contents.get(segment, path).unwrap().map(|bytes| format.decode(bytes).unwrap())
}

fn set(contents: &mut Contents, segment: &str, path: &str, value: impl Serialize) {
    contents.set(segment, path, &packed(&value)).unwrap();
}

fn packed(value: &impl Serialize) -> Vec<u8> {
    Format::MessagePack.encode(value).unwrap()
}

fn body(contents: &mut Contents, segment: &str) -> Option<(u32, Value)> {
    let format = contents.format();
    contents.body(segment).map(|(version, body)| (version, format.decode(&body).unwrap()))
}

fn set_body(contents: &mut Contents, segment: &str, version: u32, value: impl Serialize) {
    contents.set_body(segment, version, &contents.format().encode(&value).unwrap()).unwrap();
}

/// Adds to a number, which is 0 if it is not there.
fn adds(format: Format, n: i64) -> Updater {
    Arc::new(move |old| {
        let old: i64 = old.map_or(Ok(0), |old| format.decode(old))?;
        format.encode(&(old + n)).map(Some)
    })
}

fn add(contents: &mut Contents, segment: &str, path: &str, n: i64) -> Value {
    let format = contents.format();
    let made = contents.update(segment, path, adds(format, n)).unwrap().unwrap();
    format.decode(made).unwrap()
}

/// Contents as a request loads them, with these values in the default segment.
fn loaded(format: Format, values: &Value) -> Contents {
    let mut contents = Contents::empty(format);
    contents.put_body(DEFAULT, 0, &format.encode(values).unwrap()).unwrap();
    contents.settle();
    contents
}

#[test]
fn a_value_changed_and_changed_back_is_no_change() {
    for format in BOTH {
        let mut contents = loaded(format, &json!({"n": 1, "map": {"a": 1, "b": 2}}));
        assert!(!contents.is_changed());
        set(&mut contents, "", "n", 2);
        assert!(contents.is_changed());
        set(&mut contents, "", "n", 1_u64);
        assert!(!contents.is_changed());
        contents.remove("", "n").unwrap();
        set(&mut contents, "", "n", 1);
        set(&mut contents, "", "new", 1);
        contents.remove("", "new").unwrap();
        assert!(!contents.is_changed());
        assert_eq!(bytes(&contents), bytes(&loaded(format, &json!({"n": 1, "map": {"a": 1, "b": 2}}))));
        set_body(&mut contents, "doc", 1, 7);
        assert!(contents.is_changed());
        contents.remove_body("doc");
        assert!(!contents.is_changed());
        set(&mut contents, "", "n", 1.0);
        assert!(contents.is_changed());
    }
}

#[test]
fn a_document_set_to_what_it_was_is_no_change_unless_its_version_is_another() {
    for format in BOTH {
        let mut contents = Contents::empty(format);
        set_body(&mut contents, "cart", 1, json!({"a": 1, "b": 2}));
        contents.settle();
        set_body(&mut contents, "cart", 1, json!({"a": 1, "b": 2}));
        assert!(!contents.is_changed());
        set_body(&mut contents, "cart", 2, json!({"a": 1, "b": 2}));
        assert!(contents.is_changed());
    }
}

#[test]
fn empty_documents_are_kept_and_empty_maps_are_not() {
    for format in BOTH {
        let mut contents = Contents::empty(format);
        set_body(&mut contents, "doc", 3, json!({}));
        set(&mut contents, "map", "k", 1);
        contents.remove("map", "k").unwrap();
        assert_eq!(get(&mut contents, "doc", "k"), None);
        let mut next = reload(&contents);
        assert_eq!(next.segments().len(), 1);
        assert_eq!(body(&mut next, "doc"), Some((3, json!({}))));
        assert!(!next.is_empty());
        assert!(next.remove_body("doc"));
        assert!(!next.remove_body("doc"));
        assert!(next.is_empty());
        assert_eq!(bytes(&next), bytes(&Contents::empty(format)));
    }
}

#[test]
fn a_document_and_a_map_are_two_views_of_one_body() {
    for format in BOTH {
        let mut contents = Contents::empty(format);
        set_body(&mut contents, "seg", 1, json!({"a": 1, "b": 2}));
        set(&mut contents, "seg", "b", 3);
        assert_eq!(body(&mut contents, "seg"), Some((1, json!({"a": 1, "b": 3}))));
        let mut next = reload(&contents);
        set(&mut next, "seg", "c", 4);
        assert_eq!(body(&mut next, "seg"), Some((1, json!({"a": 1, "b": 3, "c": 4}))));
        set_body(&mut next, "seg", 1, [1, 2]);
        assert_eq!(next.get("seg", "a").unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(body(&mut next, "seg"), Some((1, json!([1, 2]))));
    }
}

#[test]
fn a_failing_or_panicking_update_leaves_everything_as_it_was() {
    for format in BOTH {
        let mut contents = loaded(format, &json!({"n": 1}));
        let fails: Updater = Arc::new(|_| Err(Error::new(ErrorKind::Misuse, "no")));
        assert_eq!(contents.update("", "n", fails).unwrap_err().kind(), ErrorKind::Misuse);
        let panics: Updater = Arc::new(|_| panic!("on purpose"));
        let call = std::panic::AssertUnwindSafe(|| contents.update("", "n", panics).map(|_| ()));
        assert!(std::panic::catch_unwind(call).is_err());
        assert!(!contents.is_changed());
        assert_eq!(add(&mut contents, "", "n", 1), json!(2));
        assert_eq!(get(&mut reload(&contents), "", "n"), Some(json!(2)));
    }
}

#[test]
fn an_update_may_remove_what_it_was_given() {
    for format in BOTH {
        let mut contents = loaded(format, &json!({"n": 1, "user": {"name": "Ada", "age": 3}}));
        assert!(contents.update("", "n", Arc::new(|_| Ok(None))).unwrap().is_none());
        assert!(contents.update("", "user.age", Arc::new(|_| Ok(None))).unwrap().is_none());
        assert!(contents.update("", "absent", Arc::new(|_| Ok(None))).unwrap().is_none());
        let mut next = reload(&contents);
        assert_eq!(next.keys("").unwrap(), ["user"]);
        assert_eq!(get(&mut next, "", "user"), Some(json!({"name": "Ada"})));
    }
}

#[test]
fn the_last_op_can_be_taken_back_and_reads_are_still_known() {
    for format in BOTH {
        let mut contents = loaded(format, &json!({"n": 1, "m": 1}));
        let before = bytes(&contents);
        assert_eq!(get(&mut contents, "", "n"), Some(json!(1)));
        set(&mut contents, "", "n", 2);
        set_body(&mut contents, "doc", 1, "big");
        assert!(contents.undo_last().unwrap());
        assert_eq!(body(&mut contents, "doc"), None);
        assert_eq!(get(&mut contents, "", "n"), Some(json!(2)));
        assert!(contents.undo_last().unwrap());
        assert_eq!(bytes(&contents), before);
        assert!(!contents.undo_last().unwrap());
        set(&mut contents, "", "n", 3);
        let fresh = loaded(format, &json!({"n": 9, "m": 1}));
        assert!(matches!(contents.rebase(fresh), Err(Rebase::Conflict { .. })));
    }
}

#[test]
fn names_and_numbers_of_segments_are_limited() {
    let mut contents = Contents::empty(Format::MessagePack);
    assert_eq!(contents.set(&"n".repeat(65), "k", &[1]).unwrap_err().kind(), ErrorKind::Misuse);
    for i in 0..256 {
        set(&mut contents, &format!("{i:0>64}"), "k", 1);
    }
    assert_eq!(contents.set("one more", "k", &[1]).unwrap_err().kind(), ErrorKind::Misuse);
    assert_eq!(reload(&contents).segments().len(), 256);
    assert_eq!(contents.set_body("", 1, &[1]).unwrap_err().kind(), ErrorKind::Misuse);
}

#[test]
fn segments_are_listed_with_their_sizes() {
    let mut contents = loaded(Format::Json, &json!({"n": 1}));
    set_body(&mut contents, "cart", 1, [1, 2]);
    assert_eq!(get(&mut contents, "looked for", "k"), None);
    assert_eq!(contents.segments(), [(String::new(), 7), ("cart".into(), 5)]);
}

#[test]
fn nothing_secret_is_in_the_debug_output() {
    let contents = loaded(Format::Json, &json!({"password": "hunter2"}));
    let shown = format!("{contents:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("password"), "{shown}");
}

use super::document::refuse_default;
use super::map::Found;
use super::op::Action;
use super::segment::State;

/// The closures run inside here; sessions run them outside of their lock and record what they made.
impl Contents {
    /// Makes a new value of the current one, now and again at every replay; what was made now is provisional.
    ///
    /// An error or a panic of `update` leaves everything as it was.
    pub(crate) fn update(
        &mut self,
        segment: &str,
        path: &str,
        update: Updater,
    ) -> Result<Option<&[u8]>, Error> {
        let at = self.open_at(segment, path)?;
        let found = self.resolve(at, path);
        self.note_seen(at, &found)?;
        let place = self.place_of(at, &found)?;
        let name = self.segments[at].name;
        self.apply(name, Action::Update { place, update })?;
        let entry = self.find_entry(at, found.key.as_bytes());
        Ok(self.value_at(at, &Found { entry, ..found }))
    }

    /// Makes a new document of the current one, now and again at every replay; what was made now is provisional.
    ///
    /// An error or a panic of `update` leaves everything as it was.
    pub(crate) fn update_body(
        &mut self,
        segment: &str,
        version: u32,
        update: BodyUpdater,
    ) -> Result<Option<&[u8]>, Error> {
        refuse_default(segment)?;
        let at = self.find_or_note(segment)?;
        self.note_body_seen(at);
        let name = self.segments[at].name;
        self.apply(name, Action::UpdateBody { version, update })?;
        Ok(match self.segments[at].state {
            State::Document { body, .. } => Some(self.bytes(body)),
            State::Stored | State::Glimpsed | State::Map { .. } | State::Gone => None,
        })
    }
}
