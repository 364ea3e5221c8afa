use super::*;

fn set_all(contents: &mut Contents, values: &Value) -> Result<(), Error> {
    contents.set_all("", Fields::pack(values)?, usize::MAX / 2)
}

/// The same one by one.
fn set_each(contents: &mut Contents, values: &Value) -> Result<(), Error> {
    let values = values.as_object().unwrap();
    values.iter().try_for_each(|(key, value)| contents.set("", key, &packed(value)))
}

fn starts(format: Format) -> Vec<Contents> {
    let stored = loaded(format, &json!({"a": 1, "b": {"c": 2}}));
    let mut written = Contents::empty(format);
    set(&mut written, "", "a", 1);
    let mut read = stored.clone();
    get(&mut read, "", "a");
    get(&mut read, "", "new");
    let mut elsewhere = stored.clone();
    set(&mut elsewhere, "", "new", 1);
    set(&mut elsewhere, "other", "new", 1);
    let mut cleared = stored.clone();
    cleared.clear_all();
    let mut removed = stored.clone();
    removed.remove("", "a").unwrap();
    vec![Contents::empty(format), stored, written, read, elsewhere, cleared, removed]
}

#[test]
fn many_values_are_set_as_if_one_by_one() {
    let all = [
        json!({}),
        json!({"new": 1}),
        json!({"a": 5, "new": [1, {}], "z": null}),
        json!({"b.c": 3, "d.e": 4}),
    ];
    for format in BOTH {
        for start in starts(format) {
            for values in &all {
                let (mut together, mut apart) = (start.clone(), start.clone());
                set_all(&mut together, values).unwrap();
                set_each(&mut apart, values).unwrap();
                assert_eq!(bytes(&together), bytes(&apart), "{values}");
                assert_eq!(together.is_changed(), apart.is_changed());
                let fresh = loaded(format, &json!({"a": 1, "b": {"c": 2}, "theirs": 1}));
                let rebased = |contents: &Contents| {
                    contents.rebase(fresh.clone()).map(|contents| bytes(&contents)).ok()
                };
                assert_eq!(rebased(&together), rebased(&apart));
                set(&mut together, "", "last", 1);
                set(&mut apart, "", "last", 1);
                assert_eq!(bytes(&together), bytes(&apart));
            }
        }
    }
}

#[test]
fn going_back_to_a_checkpoint_is_never_having_set_any() {
    for format in BOTH {
        for mut start in starts(format) {
            let (before, checkpoint) = (bytes(&start), start.checkpoint());
            set_all(&mut start, &json!({"x": 1, "y": 2})).unwrap();
            set_all(&mut start, &json!({"a": 7, "y": 3})).unwrap();
            start.back_to(&checkpoint).unwrap();
            assert_eq!(bytes(&start), before);
            set_all(&mut start, &json!({"x": 1})).unwrap();
            assert_eq!(get(&mut reload(&start), "", "x"), Some(json!(1)));
        }
    }
}

/// A map that says the same key twice.
struct Twice;

impl Serialize for Twice {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([("a", 1), ("a", 2)])
    }
}

#[test]
fn the_same_key_twice_is_set_twice() {
    let mut contents = Contents::empty(Format::MessagePack);
    contents.set_all("", Fields::pack(&Twice).unwrap(), 100).unwrap();
    assert_eq!(get(&mut reload(&contents), "", "a"), Some(json!(2)));
}

#[test]
fn only_maps_are_many_values() {
    for format in BOTH {
        let mut contents = Contents::empty(format);
        for value in [json!(1), json!([1]), json!(null), json!("text")] {
            let error = set_all(&mut contents, &value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Encode);
        }
        assert!(!contents.is_changed());
    }
}

#[test]
fn far_more_than_there_is_room_for_is_not_stored_to_its_end() {
    let values: Value =
        (0..20_000).map(|n| (format!("{n:05}"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    for format in BOTH {
        let mut contents = loaded(format, &json!({"00007": 1}));
        contents.set_all("", Fields::pack(&values).unwrap(), 4000).unwrap();
        assert!(contents.encoded_len() > 4000);
        assert!(contents.keys("").unwrap().len() < 5000);
    }
}
