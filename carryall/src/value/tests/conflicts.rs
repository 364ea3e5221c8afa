use super::*;

/// What a replay came to: the value of `k`, or a conflict.
#[derive(Debug, PartialEq)]
enum Ends {
    With(Value),
    Absent,
    InConflict,
}

type Steps = fn(&mut Contents);

fn replayed(format: Format, ours: Steps, theirs: Steps) -> Ends {
    let mut mine = loaded(format, &json!({"k": 1, "other": 0}));
    let mut fresh = reload(&mine);
    ours(&mut mine);
    theirs(&mut fresh);
    fresh.settle();
    match mine.rebase(fresh) {
        Ok(mut next) => get(&mut next, "", "k").map_or(Ends::Absent, Ends::With),
        Err(Rebase::Conflict { segment, key }) => {
            assert_eq!((segment.as_str(), key.as_deref()), ("", Some("k")));
            Ends::InConflict
        }
        Err(Rebase::Failed(error)) => panic!("{error}"),
    }
}

fn read(contents: &mut Contents) {
    _ = get(contents, "", "k");
}

fn set_to<const N: i64>(contents: &mut Contents) {
    set(contents, "", "k", N);
}

fn read_and_set(contents: &mut Contents) {
    read(contents);
    set_to::<2>(contents);
}

fn add_ten(contents: &mut Contents) {
    _ = add(contents, "", "k", 10);
}

fn remove(contents: &mut Contents) {
    contents.remove("", "k").unwrap();
}

#[test]
fn every_pair_of_writers_ends_as_promised() {
    let table: [(&str, Steps, Steps, Ends); 21] = [
        ("a blind set is the last writer", set_to::<2>, set_to::<9>, Ends::With(json!(2))),
        ("also over a removal", set_to::<2>, remove, Ends::With(json!(2))),
        ("a guarded set of an unchanged key", read_and_set, |c| set(c, "", "other", 9), Ends::With(json!(2))),
        ("a guarded set of a changed key", read_and_set, set_to::<9>, Ends::InConflict),
        ("a guarded set of a removed key", read_and_set, remove, Ends::InConflict),
        ("a guarded set to what it became", read_and_set, set_to::<2>, Ends::InConflict),
        (
            "a key changed and changed back",
            read_and_set,
            |c| (set_to::<9>(c), set_to::<1>(c)).0,
            Ends::With(json!(2)),
        ),
        ("a read without a set", read, set_to::<9>, Ends::With(json!(9))),
        (
            "two guarded sets of an unchanged key",
            |c| (read_and_set(c), set_to::<3>(c)).0,
            |_| (),
            Ends::With(json!(3)),
        ),
        (
            "two guarded sets of a changed key",
            |c| (read_and_set(c), set_to::<3>(c)).0,
            set_to::<9>,
            Ends::InConflict,
        ),
        (
            "reading one's own value is no read",
            |c| (set_to::<2>(c), read_and_set(c)).0,
            set_to::<9>,
            Ends::With(json!(2)),
        ),
        ("an update runs again", add_ten, set_to::<5>, Ends::With(json!(15))),
        ("an update of a removed key", add_ten, remove, Ends::With(json!(10))),
        ("a set of what an update showed", |c| (add_ten(c), set_to::<3>(c)).0, set_to::<9>, Ends::InConflict),
        (
            "an update after a blind set",
            |c| (set_to::<2>(c), add_ten(c)).0,
            set_to::<9>,
            Ends::With(json!(12)),
        ),
        ("a removal wins", remove, set_to::<9>, Ends::Absent),
        ("clearing wins", |c| c.clear(""), set_to::<9>, Ends::Absent),
        ("clearing everything wins", Contents::clear_all, set_to::<9>, Ends::Absent),
        ("a set after clearing", |c| (c.clear(""), set_to::<2>(c)).1, set_to::<9>, Ends::With(json!(2))),
        ("removing what was seen", |c| _ = c.remove_seen("", "k"), |_| (), Ends::Absent),
        (
            "removing what was seen, not what came",
            |c| _ = c.remove_seen("", "k"),
            set_to::<9>,
            Ends::With(json!(9)),
        ),
    ];
    for format in BOTH {
        for (name, ours, theirs, ends) in &table {
            assert_eq!(&replayed(format, *ours, *theirs), ends, "{name} ({format:?})");
        }
    }
}

#[test]
fn that_a_key_was_absent_is_something_one_can_have_read() {
    for format in BOTH {
        let mut mine = loaded(format, &json!({}));
        assert!(!mine.contains("", "k").unwrap());
        set(&mut mine, "", "k", 1);
        assert!(mine.rebase(loaded(format, &json!({"x": 1}))).is_ok());
        for k in [1, 2] {
            assert!(matches!(mine.rebase(loaded(format, &json!({"k": k}))), Err(Rebase::Conflict { .. })));
        }
    }
}

#[test]
fn reading_what_one_has_cleared_is_no_read_even_if_there_was_nothing() {
    let clears: [Steps; 2] = [|c| c.clear("map"), Contents::clear_all];
    for format in BOTH {
        for clear in clears {
            let mut mine = Contents::empty(format);
            clear(&mut mine);
            assert_eq!(get(&mut mine, "map", "k"), None);
            set(&mut mine, "map", "k", 1);
            let mut fresh = Contents::empty(format);
            set(&mut fresh, "map", "k", 9);
            fresh.settle();
            assert_eq!(get(&mut mine.rebase(fresh).unwrap(), "map", "k"), Some(json!(1)));
        }
    }
}

#[test]
fn inside_a_key_sets_merge_when_blind_and_conflict_by_the_key_when_guarded() {
    for format in BOTH {
        let base = json!({"user": {"name": "Ada", "age": 1}});
        let mut blind = loaded(format, &base);
        let mut guarded = loaded(format, &base);
        set(&mut blind, "", "user.age", 2);
        assert_eq!(get(&mut guarded, "", "user.age"), Some(json!(1)));
        set(&mut guarded, "", "user.age", 2);
        let renamed = || loaded(format, &json!({"user": {"name": "Grace", "age": 1}}));
        let mut merged = blind.rebase(renamed()).unwrap();
        assert_eq!(get(&mut merged, "", "user"), Some(json!({"name": "Grace", "age": 2})));
        assert!(
            matches!(guarded.rebase(renamed()), Err(Rebase::Conflict { key: Some(key), .. }) if key == "user")
        );
        let done = loaded(format, &json!({"user": {"name": "Ada", "age": 2}}));
        assert!(
            matches!(guarded.rebase(done), Err(Rebase::Conflict { .. })),
            "two who count have not counted one"
        );
        let in_the_way = loaded(format, &json!({"user": 7}));
        assert!(matches!(blind.rebase(in_the_way), Err(Rebase::Conflict { .. })));
    }
}

#[test]
fn documents_conflict_as_a_whole_and_by_version() {
    for format in BOTH {
        let with = |version, value: i64| {
            let mut contents = Contents::empty(format);
            set_body(&mut contents, "cart", version, value);
            contents.settle();
            contents
        };
        let mut guarded = with(1, 1);
        assert_eq!(body(&mut guarded, "cart"), Some((1, json!(1))));
        set_body(&mut guarded, "cart", 1, 2);
        assert!(guarded.rebase(with(1, 1)).is_ok());
        for changed in [with(1, 2), with(1, 3), with(2, 1), with(2, 2), Contents::empty(format)] {
            let conflict = guarded.rebase(changed).unwrap_err();
            assert!(matches!(conflict, Rebase::Conflict { segment, key: None } if segment == "cart"));
        }
        let mut blind = with(1, 1);
        set_body(&mut blind, "cart", 1, 2);
        assert_eq!(body(&mut blind.rebase(with(1, 3)).unwrap(), "cart"), Some((1, json!(2))));
        let mut updated = with(1, 1);
        let doubles: BodyUpdater = Arc::new(move |old| {
            let old: i64 = old.map_or(Ok(0), |(_, old)| format.decode(old))?;
            format.encode(&(old * 2)).map(Some)
        });
        assert_eq!(updated.update_body("cart", 3, doubles).unwrap().unwrap(), format.encode(&2).unwrap());
        assert_eq!(body(&mut updated.rebase(with(1, 21)).unwrap(), "cart"), Some((3, json!(42))));
        let mut removed = with(1, 1);
        assert!(removed.remove_body("cart"));
        assert!(removed.rebase(with(1, 3)).unwrap().is_empty());
    }
}

#[test]
fn a_write_set_can_be_rebased_again_and_again() {
    for format in BOTH {
        let mut mine = loaded(format, &json!({"n": 1, "k": 1}));
        assert_eq!(get(&mut mine, "", "k"), Some(json!(1)));
        set(&mut mine, "", "k", 2);
        add(&mut mine, "", "n", 1);
        let mut next = mine.rebase(loaded(format, &json!({"n": 5, "k": 1}))).unwrap();
        assert!(next.is_changed());
        assert_eq!(get(&mut next, "", "n"), Some(json!(6)));
        let mut last = next.rebase(loaded(format, &json!({"n": 7, "k": 1, "x": 1}))).unwrap();
        assert_eq!(get(&mut last, "", "n"), Some(json!(8)));
        assert_eq!(get(&mut last, "", "x"), Some(json!(1)));
        assert!(matches!(next.rebase(loaded(format, &json!({"k": 3}))), Err(Rebase::Conflict { .. })));
        last.settle();
        assert!(!last.is_changed());
        assert_eq!(get(&mut last, "", "n"), Some(json!(8)));
    }
}

#[test]
fn what_has_no_effect_on_the_fresh_copy_is_no_change_there() {
    for format in BOTH {
        let mut mine = loaded(format, &json!({"k": 1}));
        set(&mut mine, "", "k", 2);
        assert!(!mine.rebase(loaded(format, &json!({"k": 2}))).unwrap().is_changed());
        assert!(mine.rebase(loaded(format, &json!({"k": 3}))).unwrap().is_changed());
    }
}

#[test]
fn an_update_that_refuses_the_fresh_value_fails_the_replay() {
    let mut mine = loaded(Format::MessagePack, &json!({"k": 1}));
    add(&mut mine, "", "k", 1);
    let failed = mine.rebase(loaded(Format::MessagePack, &json!({"k": "text"}))).unwrap_err();
    assert!(matches!(failed, Rebase::Failed(error) if error.kind() == ErrorKind::Decode));
}

#[test]
fn a_fresh_copy_in_another_format_is_carried_over() {
    let mut mine = loaded(Format::MessagePack, &json!({"k": 1}));
    add(&mut mine, "", "k", 1);
    let mut next = mine.rebase(loaded(Format::Json, &json!({"k": 5}))).unwrap();
    assert_eq!(next.format(), Format::MessagePack);
    assert_eq!(get(&mut next, "", "k"), Some(json!(6)));
}
