use super::*;

fn user() -> Value {
    json!({"user": {"profile": {"name": "Ada"}, "tags": ["a", {"b": 1}], "x.y": 5}, "user.role": "admin", "n": 1})
}

#[test]
fn paths_try_the_whole_key_first_and_walk_maps_and_arrays() {
    let table: [(&str, Option<Value>); 12] = [
        ("user.role", Some(json!("admin"))),
        ("user.profile.name", Some(json!("Ada"))),
        ("user.profile", Some(json!({"name": "Ada"}))),
        ("user.x.y", Some(json!(5))),
        ("user.tags.0", Some(json!("a"))),
        ("user.tags.1.b", Some(json!(1))),
        ("user.tags.2", None),
        ("user.tags.01", None),
        ("user.", None),
        (".user", None),
        ("n.m", None),
        ("", None),
    ];
    for format in BOTH {
        for (path, value) in &table {
            let mut contents = loaded(format, &user());
            assert_eq!(&get(&mut contents, "", path), value, "{path}");
            assert_eq!(contents.contains("", path).unwrap(), value.is_some());
            assert!(!contents.is_changed());
        }
    }
}

#[test]
fn a_set_enters_and_makes_maps_and_destroys_nothing() {
    for format in BOTH {
        let mut contents = loaded(format, &user());
        set(&mut contents, "", "user.role", "guest");
        set(&mut contents, "", "user.profile.name", "Grace");
        set(&mut contents, "", "user.profile.age", 7);
        set(&mut contents, "", "user.x.y", 6);
        set(&mut contents, "", "a.b.c", true);
        for path in ["n.m", "user.tags.0", "user.profile.name.first"] {
            let error = contents.set("", path, &[1]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Encode, "{path}");
        }
        let mut next = reload(&contents);
        assert_eq!(next.keys("").unwrap(), ["n", "user", "user.role", "a"]);
        assert_eq!(get(&mut next, "", "user.role"), Some(json!("guest")));
        assert_eq!(get(&mut next, "", "a"), Some(json!({"b": {"c": true}})));
        assert_eq!(
            get(&mut next, "", "user"),
            Some(json!({"profile": {"name": "Grace", "age": 7}, "tags": ["a", {"b": 1}], "x.y": 6}))
        );
    }
}

#[test]
fn removing_by_path_leaves_the_maps_on_its_way() {
    for format in BOTH {
        let mut contents = loaded(format, &user());
        assert!(contents.remove("", "user.profile.name").unwrap());
        assert!(!contents.remove("", "user.profile.name").unwrap());
        assert!(!contents.remove("", "user.nobody.name").unwrap());
        assert!(contents.remove("", "user.x.y").unwrap());
        assert!(contents.remove("", "user.role").unwrap());
        assert!(!contents.remove("", "no.such").unwrap());
        assert_eq!(contents.remove("", "user.tags.0").unwrap_err().kind(), ErrorKind::Encode);
        let mut next = reload(&contents);
        assert_eq!(get(&mut next, "", "user"), Some(json!({"profile": {}, "tags": ["a", {"b": 1}]})));
        assert_eq!(next.keys("").unwrap(), ["n", "user"]);
    }
}

#[test]
fn an_update_works_at_the_end_of_a_path() {
    for format in BOTH {
        let mut contents = loaded(format, &json!({"visits": {"home": 1}}));
        assert_eq!(add(&mut contents, "", "visits.home", 1), json!(2));
        assert_eq!(add(&mut contents, "", "visits.cart", 5), json!(5));
        assert_eq!(get(&mut contents, "", "visits"), Some(json!({"home": 2, "cart": 5})));
    }
}

#[test]
fn no_path_makes_a_value_deeper_than_sixty_four_levels() {
    for format in BOTH {
        let mut contents = Contents::empty(format);
        let deepest = vec!["k"; 65].join(".");
        set(&mut contents, "", &deepest, 1);
        assert_eq!(get(&mut contents, "", &deepest), Some(json!(1)));
        let one_more = format!("{deepest}.k");
        for (path, value) in [(one_more.replacen('k', "other", 1), json!(1)), (deepest, json!([1]))] {
            let error = contents.set("", &path, &packed(&value)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Encode);
        }
        assert!(contents.set("", &vec!["k"; 100_000].join("."), &[1]).is_err());
        assert!(get(&mut reload(&contents), "", "k").is_some());
    }
}

#[test]
fn a_dot_is_seen_wherever_it_is() {
    for len in 0..24 {
        for other in [0, b'-', b'/', b'a', 0x80, 0xff] {
            let mut key = vec![other; len];
            assert!(!super::map::has_dot(&key));
            for at in 0..len {
                key[at] = b'.';
                assert!(super::map::has_dot(&key), "{len} {at}");
                key[at] = other;
            }
        }
    }
}
