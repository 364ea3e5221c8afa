use super::*;

/// `k` is 1 and has been read; something else was committed, alone or after a lost race in which `k` became `theirs`.
fn after_commit(format: Format, theirs: Option<Value>) -> Contents {
    let mut mine = loaded(format, &json!({"k": 1, "other": 0}));
    assert_eq!(get(&mut mine, "", "k"), Some(json!(1)));
    set(&mut mine, "", "other", 5);
    if let Some(theirs) = theirs {
        mine = mine.rebase(loaded(format, &json!({"k": theirs, "other": 0}))).unwrap();
    }
    mine.settle();
    mine
}

fn try_set(contents: &mut Contents, key: &str, value: i64) -> Result<(), ErrorKind> {
    contents.set("", key, &packed(&value)).map_err(|error| error.kind())
}

fn conflicts(mine: &Contents, fresh: &Value) -> bool {
    match mine.rebase(loaded(mine.format(), fresh)) {
        Ok(_) => false,
        Err(Rebase::Conflict { .. }) => true,
        Err(Rebase::Failed(error)) => panic!("{error}"),
    }
}

#[test]
fn what_was_read_before_a_commit_guards_what_is_set_after_it() {
    for format in BOTH {
        let mut mine = after_commit(format, None);
        set(&mut mine, "", "k", 2);
        assert!(conflicts(&mine, &json!({"k": 9, "other": 5})));
        assert!(!conflicts(&mine, &json!({"k": 1, "other": 7})));
        let mut blind = after_commit(format, None);
        set(&mut blind, "", "other", 6);
        assert!(!conflicts(&blind, &json!({"k": 1, "other": 7})), "nobody read this key");
    }
}

#[test]
fn it_does_so_however_many_commits_are_in_between() {
    for format in BOTH {
        let mut mine = after_commit(format, None);
        for n in 6..9 {
            set(&mut mine, "", "other", n);
            mine.settle();
        }
        set(&mut mine, "", "k", 2);
        assert!(conflicts(&mine, &json!({"k": 9, "other": 8})));
    }
}

#[test]
fn what_was_read_before_a_lost_race_is_not_what_the_winner_wrote() {
    for format in BOTH {
        let mut mine = after_commit(format, Some(json!(9)));
        assert_eq!(try_set(&mut mine, "k", 2), Err(ErrorKind::Conflict));
        assert!(!mine.is_changed());
        assert_eq!(try_set(&mut mine, "other", 2), Ok(()));
        assert_eq!(get(&mut mine, "", "k"), Some(json!(9)), "reading it again");
        assert_eq!(try_set(&mut mine, "k", 10), Ok(()), "makes it known");
        assert!(conflicts(&mine, &json!({"k": 11, "other": 5})));
        let mut unchanged = after_commit(format, Some(json!(1)));
        assert_eq!(try_set(&mut unchanged, "k", 2), Ok(()));
    }
}

#[test]
fn that_there_was_nothing_is_remembered_too() {
    for format in BOTH {
        let mut mine = loaded(format, &json!({"other": 0}));
        assert!(!mine.contains("", "k").unwrap());
        set(&mut mine, "", "other", 1);
        mine.settle();
        let lost = mine.rebase(loaded(format, &json!({"k": 9}))).unwrap();
        assert_eq!(try_set(&mut lost.clone(), "k", 2), Err(ErrorKind::Conflict));
        set(&mut mine, "", "k", 2);
        assert!(conflicts(&mine, &json!({"k": 9})));
        assert!(!conflicts(&mine, &json!({"other": 1})));
    }
}

#[test]
fn what_a_request_committed_itself_it_knows() {
    for format in BOTH {
        let mut mine = loaded(format, &json!({"k": 1, "n": 1, "gone": 1}));
        for key in ["k", "n", "gone"] {
            _ = get(&mut mine, "", key);
        }
        set(&mut mine, "", "k", 2);
        add(&mut mine, "", "n", 1);
        mine.remove("", "gone").unwrap();
        mine.settle();
        for key in ["k", "n", "gone"] {
            assert_eq!(try_set(&mut mine.clone(), key, 3), Ok(()), "{key}");
        }
        set(&mut mine, "", "k", 3);
        assert!(conflicts(&mine, &json!({"k": 9, "n": 2})), "and guards it");
        assert!(!conflicts(&mine, &json!({"k": 2, "n": 7})));
    }
}

#[test]
fn that_nothing_is_left_of_what_it_removed_it_knows_though_another_was_faster() {
    for format in BOTH {
        let mut mine = loaded(format, &json!({"k": 1, "other": 0}));
        assert_eq!(get(&mut mine, "", "k"), Some(json!(1)));
        let removes: [fn(&mut Contents); 3] =
            [|c| _ = c.remove("", "k").unwrap(), |c| c.clear(""), Contents::clear_all];
        for remove in removes {
            for fresh in [loaded(format, &json!({"other": 0})), Contents::empty(format)] {
                let mut mine = mine.clone();
                remove(&mut mine);
                let mut mine = mine.rebase(fresh).unwrap();
                mine.settle();
                assert_eq!(try_set(&mut mine, "k", 2), Ok(()));
                assert!(conflicts(&mine, &json!({"k": 9})));
            }
        }
    }
}

#[test]
fn an_update_of_a_value_that_was_not_read_does_not_make_it_known() {
    for format in BOTH {
        let mut mine = loaded(format, &json!({"n": 1}));
        assert_eq!(get(&mut mine, "", "n"), Some(json!(1)));
        add(&mut mine, "", "n", 1);
        let mut mine = mine.rebase(loaded(format, &json!({"n": 9}))).unwrap();
        mine.settle();
        assert_eq!(try_set(&mut mine, "n", 3), Err(ErrorKind::Conflict));
        assert_eq!(get(&mut mine, "", "n"), Some(json!(10)));
        assert_eq!(try_set(&mut mine, "n", 3), Ok(()));
    }
}

#[test]
fn a_value_inside_a_key_is_guarded_by_the_key() {
    for format in BOTH {
        let base = json!({"user": {"name": "Ada", "age": 1}});
        let mut mine = loaded(format, &base);
        assert_eq!(get(&mut mine, "", "user.name"), Some(json!("Ada")));
        set(&mut mine, "", "other", 1);
        let theirs = json!({"user": {"name": "Ada", "age": 2}});
        let mut mine = mine.rebase(loaded(format, &theirs)).unwrap();
        mine.settle();
        assert_eq!(try_set(&mut mine, "user.name", 2), Err(ErrorKind::Conflict));
    }
}

#[test]
fn documents_that_were_read_are_guarded_over_commits_too() {
    for format in BOTH {
        let with = |version, value: i64| {
            let mut contents = Contents::empty(format);
            set_body(&mut contents, "cart", version, value);
            contents.settle();
            contents
        };
        let mut mine = with(1, 1);
        assert_eq!(body(&mut mine, "cart"), Some((1, json!(1))));
        set(&mut mine, "", "other", 1);
        let try_set = |contents: &mut Contents| {
            contents.set_body("cart", 1, &format.encode(&2).unwrap()).map_err(|error| error.kind())
        };
        for theirs in [with(1, 9), with(2, 1), Contents::empty(format)] {
            let mut lost = mine.rebase(theirs).unwrap();
            lost.settle();
            assert_eq!(try_set(&mut lost), Err(ErrorKind::Conflict));
            _ = body(&mut lost, "cart");
            assert_eq!(try_set(&mut lost), Ok(()));
        }
        mine.settle();
        assert_eq!(try_set(&mut mine), Ok(()));
        assert!(matches!(mine.rebase(with(1, 9)), Err(Rebase::Conflict { key: None, .. })));
        assert!(mine.rebase(with(1, 1)).is_ok());
        mine.settle();
        assert_eq!(try_set(&mut mine), Ok(()), "what it wrote itself it knows");
        assert!(matches!(mine.rebase(with(1, 9)), Err(Rebase::Conflict { key: None, .. })));
    }
}

#[test]
fn a_map_of_which_a_part_was_read_is_not_replaced_as_a_whole() {
    for format in BOTH {
        let shop = |a: i64, b: i64| {
            let mut contents = Contents::empty(format);
            set(&mut contents, "shop", "a", a);
            set(&mut contents, "shop", "b", b);
            contents.settle();
            contents
        };
        let replaced = |theirs: &Contents| {
            let mut mine = shop(1, 1);
            assert_eq!(get(&mut mine, "shop", "a"), Some(json!(1)));
            set(&mut mine, "", "other", 1);
            let mut mine = mine.rebase(theirs.clone()).unwrap();
            mine.settle();
            let body = format.encode(&json!({"a": 2})).unwrap();
            mine.set_body("shop", 1, &body).map_err(|error| error.kind())
        };
        assert_eq!(replaced(&shop(9, 1)), Err(ErrorKind::Conflict));
        assert_eq!(replaced(&shop(1, 9)), Ok(()));
    }
}

#[test]
fn giving_up_changes_does_not_forget_what_was_read() {
    for format in BOTH {
        let mut mine = after_commit(format, Some(json!(9)));
        set(&mut mine, "", "other", 6);
        mine.discard();
        assert_eq!(try_set(&mut mine, "k", 2), Err(ErrorKind::Conflict));
        set(&mut mine, "", "other", 6);
        assert!(mine.undo_last().unwrap());
        assert_eq!(try_set(&mut mine, "k", 2), Err(ErrorKind::Conflict));
    }
}
