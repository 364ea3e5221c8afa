//! Values of a session, through real requests and in every home.

mod common;

use std::collections::BTreeMap;

use carryall::{ErrorKind, Session};
use common::house::HOMES;
use common::lab::{Lab, Tab};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What one request stores, as the next request finds it.
async fn round_trip(tab: &mut Tab, value: Value) -> Value {
    let sent = value.clone();
    tab.visit(move |session| session.set("kept", &sent)).await.ok();
    tab.visit(|session| session.get::<Value>("kept")).await.ok().expect("the value")
}

#[tokio::test]
async fn every_json_value_comes_back_exactly() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        for value in [
            json!(1.0),
            json!(1),
            json!(-0.0),
            json!({}),
            json!([]),
            json!(""),
            json!(null),
            json!(false),
            json!(i64::MIN),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(f64::MIN_POSITIVE),
            json!(f64::MAX),
            json!(0.1),
            json!("\u{0}\u{7f}\u{1f600}\"\\"),
            json!({"a": {"b": [1, {"c": null}, "x"]}, "": {}, "a.b": 2}),
        ] {
            let found = round_trip(&mut tab, value.clone()).await;
            // Text tells 1 from 1.0 and 0.0 from -0.0.
            assert_eq!(found.to_string(), value.to_string(), "{home:?}");
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    New(u8),
    Tuple(i64, f32),
    Named { label: Option<String>, parts: Vec<Shape> },
}

#[tokio::test]
async fn types_of_the_application_come_back_as_they_were() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        let shape = Shape::Named {
            label: None,
            parts: vec![Shape::Unit, Shape::New(255), Shape::Tuple(i64::MIN, 0.5)],
        };
        let sent = shape.clone();
        tab.visit(move |session| session.set("shape", &sent)).await.ok();
        let found = tab.visit(|session| session.get::<Shape>("shape")).await.ok();
        assert_eq!(found, Some(shape), "{home:?}");
    }
}

#[tokio::test]
async fn a_value_of_another_type_is_an_error_and_not_absent() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let seen = tab.visit(|session| session.get::<String>("value")).await;
        assert_eq!(seen.error(), ErrorKind::Decode, "{home:?}");
        assert_eq!(tab.visit(|session| session.get::<u64>("value")).await.ok(), Some(1));
        let seen =
            tab.visit(|session| session.update("value", |old: Option<String>| old.unwrap_or_default()));
        assert_eq!(seen.await.error(), ErrorKind::Decode, "{home:?}");
    }
}

#[tokio::test]
async fn what_json_cannot_hold_is_refused_in_every_home_and_changes_nothing() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let seen = tab.visit(|session| session.set("value", &f64::NAN)).await;
        assert_eq!(seen.error(), ErrorKind::Encode, "{home:?}");
        let seen = tab.visit(|session| session.set("value", &BTreeMap::from([((1, 2), 3)]))).await;
        assert_eq!(seen.error(), ErrorKind::Encode, "{home:?}");
        let mut deep = json!(1);
        for _ in 0..65 {
            deep = json!([deep]);
        }
        let seen = tab.visit(move |session| session.set("value", &deep)).await;
        assert_eq!(seen.error(), ErrorKind::Encode, "{home:?}");
        assert!(!seen.sets_cookie() && !lab.store.take().contains('C'));
        assert_eq!(tab.visit(|session| session.get::<u64>("value")).await.ok(), Some(1));
    }
}

#[tokio::test]
async fn dotted_paths_reach_into_maps_and_an_exact_key_comes_first() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        tab.visit(|session| {
            session.set("user.profile.name", "Ada")?;
            session.set("user.profile.age", &36)?;
            assert_eq!(session.keys()?, ["user"]);
            session.set("plain", &json!({"a.b": 1, "list": [10, {"x": 20}]}))
        })
        .await
        .ok();
        tab.visit(|session| {
            assert_eq!(session.get::<String>("user.profile.name")?.as_deref(), Some("Ada"));
            assert_eq!(session.get::<Value>("user")?, Some(json!({"profile": {"name": "Ada", "age": 36}})));
            assert_eq!(session.get::<u8>("plain.list.1.x")?, Some(20));
            assert_eq!(session.get::<u8>("user.profile.missing")?, None);
            assert_eq!(session.get_or("user.missing.at.all", 7)?, 7);
            assert!(session.contains("user.profile.age")?);
            assert!(session.remove("user.profile.age")?);
            assert!(!session.remove("user.profile.age")?);
            assert_eq!(session.set("user.profile.name.first", &1).unwrap_err().kind(), ErrorKind::Encode);
            session.set("theme", "dark")
        })
        .await
        .ok();
        let found = tab.visit(|session| session.get::<Value>("user")).await.ok();
        assert_eq!(found, Some(json!({"profile": {"name": "Ada"}})), "{home:?}");
    }
}

#[tokio::test]
async fn take_remove_clear_and_keys_do_what_they_say() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.tab();
        tab.visit(|session| {
            for key in ["c", "a", "b"] {
                session.set(key, &1)?;
            }
            session.set("null", &())
        })
        .await
        .ok();
        tab.visit(|session| {
            assert_eq!(session.keys()?, ["c", "a", "b", "null"]);
            assert!(session.contains("null")? && !session.contains("none")?);
            assert_eq!(session.take::<u8>("a")?, Some(1));
            assert_eq!(session.take::<u8>("a")?, None);
            assert!(session.remove("c")? && !session.remove("c")?);
            session.segment("other")?.set("x", &1)
        })
        .await
        .ok();
        tab.visit(|session| {
            assert_eq!(session.keys()?, ["b", "null"]);
            session.clear()?;
            assert!(session.keys()?.is_empty() && session.segment("other")?.keys()?.is_empty());
            session.set("d", &1)
        })
        .await
        .ok();
        assert_eq!(tab.visit(Session::keys).await.ok(), ["d"], "{home:?}");
    }
}

#[tokio::test]
async fn a_session_in_which_nothing_is_left_goes_with_its_cookie() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let seen = tab.visit(|session| session.remove("value")).await;
        assert!(seen.removes_cookie(), "{home:?}");
        assert_eq!(tab.cookie, None);
    }
}
