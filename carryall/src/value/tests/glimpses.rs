use super::*;

fn three() -> Contents {
    loaded(Format::MessagePack, &json!({"a": 1, "b": {"c": 2}, "d": 3}))
}

fn listed(contents: &Contents) -> usize {
    contents.segments[0].entries.len()
}

/// A map in the default segment, its entries as they are given.
fn of_entries(count: u8, entries: &[u8]) -> Contents {
    let body = [&[0x80 | count][..], entries].concat();
    let payload = [&[1, 0, 0, u8::try_from(body.len()).unwrap()][..], &body].concat();
    Contents::parse(Format::MessagePack, payload.into()).unwrap()
}

fn refuses(contents: &mut Contents, key: &str) -> bool {
    contents.get("", key).is_err_and(|error| error.kind() == ErrorKind::Decode)
}

#[test]
fn whoever_asks_for_one_value_has_the_others_listed_only_by_asking_for_a_second() {
    let mut contents = three();
    assert_eq!(get(&mut contents, "", "d"), Some(json!(3)));
    set(&mut contents, "", "d", 4);
    add(&mut contents, "", "d", 1);
    assert_eq!(listed(&contents), 1);
    assert_eq!(get(&mut reload(&contents), "", "d"), Some(json!(5)));
    assert_eq!(get(&mut contents, "", "b.c"), Some(json!(2)));
    assert_eq!(listed(&contents), 3);
    assert_eq!(get(&mut contents, "", "d"), Some(json!(5)));
    assert_eq!(contents.keys("").unwrap(), ["a", "b", "d"]);
}

#[test]
fn what_happened_to_the_one_value_outlasts_the_listing_of_the_others() {
    let fresh = loaded(Format::MessagePack, &json!({"a": 9, "b": {"c": 2}, "d": 9}));
    let conflicts = |mine: &Contents| matches!(mine.rebase(fresh.clone()), Err(Rebase::Conflict { .. }));
    for second in ["", "b"] {
        let mut seen = three();
        get(&mut seen, "", "d");
        _ = asked_for(&mut seen, second);
        set(&mut seen, "", "d", 5);
        assert!(conflicts(&seen), "it was read before it was set");
        let mut blind = three();
        set(&mut blind, "", "d", 5);
        _ = asked_for(&mut blind, second);
        assert!(!conflicts(&blind), "it was not");
        assert!(blind.undo_last().unwrap());
        assert!(!blind.is_changed());
        assert_eq!(get(&mut blind, "", "d"), Some(json!(3)));
    }
}

fn asked_for(contents: &mut Contents, key: &str) -> Option<Value> {
    if key.is_empty() { None } else { get(contents, "", key) }
}

#[test]
fn what_is_cleared_goes_with_what_was_not_listed() {
    for clear in [|contents: &mut Contents| contents.clear(""), Contents::clear_all] {
        let mut contents = three();
        get(&mut contents, "", "d");
        clear(&mut contents);
        assert!(contents.is_empty() && contents.is_changed());
        assert_eq!(get(&mut contents, "", "a"), None);
        set(&mut contents, "", "a", 1);
        assert_eq!(reload(&contents).keys("").unwrap(), ["a"]);
        // Only `d` was read.
        let fresh = loaded(Format::MessagePack, &json!({"a": 9, "d": 3}));
        assert_eq!(get(&mut contents.rebase(fresh).unwrap(), "", "a"), Some(json!(1)));
        contents.discard();
        assert_eq!(contents.keys("").unwrap(), ["a", "b", "d"]);
    }
}

#[test]
fn what_is_removed_leaves_the_others() {
    let mut contents = three();
    get(&mut contents, "", "b");
    assert!(contents.remove("", "b").unwrap());
    assert_eq!(reload(&contents).keys("").unwrap(), ["a", "d"]);
}

#[test]
fn a_map_that_is_broken_further_on_is_an_error_for_whoever_comes_there() {
    let [a, b] = [[0xa1, b'a', 1], [0xa1, b'b', 2]];
    for (count, entries) in [
        (3, [&a[..], &b].concat()),
        (2, [&a[..], &b, &b].concat()),
        (3, [&a[..], &b, &b].concat()),
        (3, [&a[..], &b, &[1, 1]].concat()),
    ] {
        let mut broken = of_entries(count, &entries);
        assert_eq!(get(&mut broken, "", "a"), Some(json!(1)));
        assert!(refuses(&mut broken, "b") && refuses(&mut broken, "c"));
        set(&mut broken, "", "a", 5);
        assert_eq!(get(&mut reload(&broken), "", "a"), Some(json!(5)), "what is broken is left alone");
        assert!(refuses(&mut reload(&broken), "c"));
        broken.clear_all();
        assert!(broken.is_empty());
        set(&mut broken, "", "b", 1);
        assert_eq!(get(&mut reload(&broken), "", "b"), Some(json!(1)));
    }
}

#[test]
fn what_was_accepted_of_a_broken_map_is_accepted_again() {
    let broken = || {
        let mut contents = of_entries(3, &[0xa1, b'a', 1, 0xa1, b'b', 2, 0xa1, b'b', 3]);
        set(&mut contents, "", "a", 5);
        contents
    };
    let mut cleared = broken();
    cleared.clear_all();
    set(&mut cleared, "", "c", 1);
    assert!(cleared.undo_last().unwrap());
    assert!(cleared.is_empty());
    let fresh = of_entries(3, &[0xa1, b'a', 1, 0xa1, b'b', 2, 0xa1, b'b', 3]);
    assert_eq!(get(&mut broken().rebase(fresh).unwrap(), "", "a"), Some(json!(5)));
}

#[test]
fn an_empty_document_is_cleared_whoever_looked_into_it() {
    for format in BOTH {
        for is_stored in [false, true] {
            let mut contents = Contents::empty(format);
            set_body(&mut contents, "doc", 1, json!({}));
            if is_stored {
                contents.settle();
            }
            get(&mut contents, "doc", "a");
            contents.clear("doc");
            assert!(contents.is_empty() && !contents.has_segment("doc"));
        }
    }
}

#[test]
fn what_was_taken_back_is_not_looked_at_any_more() {
    for format in BOTH {
        let mut contents = Contents::empty(format);
        set(&mut contents, "", "a", 1);
        get(&mut contents, "", "a");
        assert!(contents.undo_last().unwrap());
        assert_eq!(get(&mut contents, "", "a"), None);
        assert!(contents.is_empty());
    }
}
