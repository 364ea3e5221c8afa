//! Named and typed segments, versions, and what does not fit.

mod common;

use axum::http::StatusCode;
use carryall::{Carrier, Error, ErrorKind, Outdated, SegmentData, Session};
use common::house::{HOMES, Home};
use common::jwt::Jwt;
use common::lab::{Lab, Seen, Tab};
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Names(Vec<String>);

impl SegmentData for Names {
    const NAME: &'static str = "cart";
}

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cart {
    items: Vec<(String, u32)>,
}

impl SegmentData for Cart {
    const NAME: &'static str = "cart";
    const VERSION: u32 = 2;

    fn upgrade(old: Outdated<'_>) -> Result<Self, Error> {
        let Names(names) = old.decode()?;
        Ok(Self { items: names.into_iter().map(|name| (name, 1)).collect() })
    }
}

/// A document of the same name and version as `Cart`, of another shape.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Garbled {
    items: String,
}

impl SegmentData for Garbled {
    const NAME: &'static str = "cart";
    const VERSION: u32 = 2;
}

#[tokio::test]
async fn segments_do_not_see_each_other() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        tab.visit(|session| {
            session.set("key", &1)?;
            session.segment("vendor.one")?.set("key", &2)?;
            session.segment("vendor.two")?.update("key", |_: Option<u8>| 3)?;
            Ok(())
        })
        .await
        .ok();
        tab.visit(|session| {
            let (one, two) = (session.segment("vendor.one")?, session.segment("vendor.two")?);
            assert_eq!(session.get::<u8>("key")?, Some(1));
            assert_eq!((one.get::<u8>("key")?, two.get::<u8>("key")?), (Some(2), Some(3)));
            assert_eq!(session.get::<u8>("vendor.one.key")?, None);
            one.clear()?;
            assert_eq!(two.take::<u8>("key")?, Some(3));
            assert!(!two.contains("key")? && !two.remove("key")?);
            Ok(())
        })
        .await
        .ok();
        let sizes = tab.visit(|session| Ok(session.sizes())).await.ok();
        assert_eq!(sizes.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), [""], "{home:?}");
    }
}

#[tokio::test]
async fn names_that_could_be_mistaken_are_refused() {
    let mut tab = Lab::new(Home::Sealed).tab();
    tab.visit(|session| {
        for name in ["", "~flash", "~", "a\u{1f}b", "line\n", &"x".repeat(65)] {
            assert_eq!(session.segment(name).unwrap_err().kind(), ErrorKind::Misuse, "{name:?}");
        }
        session.segment(&"x".repeat(64)).map(drop)
    })
    .await
    .ok();
}

#[tokio::test]
async fn an_older_document_is_upgraded_for_its_reader_and_written_with_the_next_change() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.tab();
        tab.visit(|session| session.document::<Names>()?.set(&Names(vec!["tea".into()]))).await.ok();
        lab.store.take();
        let seen = tab.visit(|session| session.document::<Cart>()?.read()).await;
        assert!(!seen.sets_cookie() && !lab.store.take().contains('C'), "reading upgrades nothing");
        assert_eq!(seen.ok(), Cart { items: vec![("tea".into(), 1)] }, "{home:?}");
        tab.visit(|session| session.document::<Cart>()?.update(|cart| cart.items[0].1 = 5)).await.ok();
        let found = tab.visit(|session| session.document::<Cart>()?.get()).await.ok();
        assert_eq!(found, Some(Cart { items: vec![("tea".into(), 5)] }), "{home:?}");
    }
}

#[tokio::test]
async fn a_newer_document_is_neither_read_nor_overwritten_by_an_older_application() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        tab.visit(|session| session.document::<Cart>()?.set(&Cart { items: vec![("tea".into(), 3)] }))
            .await
            .ok();
        tab.visit(|session| {
            let old = session.document::<Names>()?;
            assert_eq!(old.get().unwrap_err().kind(), ErrorKind::Decode);
            assert_eq!(old.set(&Names(vec![])).unwrap_err().kind(), ErrorKind::Decode);
            assert_eq!(old.update(|names| names.0.clear()).unwrap_err().kind(), ErrorKind::Decode);
            session.set("other", &1)
        })
        .await
        .ok();
        let found = tab.visit(|session| session.document::<Cart>()?.read()).await.ok();
        assert_eq!(found, Cart { items: vec![("tea".into(), 3)] }, "{home:?}");
    }
}

#[tokio::test]
async fn a_document_that_cannot_be_read_fails_its_reader_alone_and_never_the_login() {
    for home in HOMES {
        let mut tab = Lab::new(home).user("ada").await;
        tab.visit(|session| session.document::<Garbled>()?.set(&Garbled { items: "?".into() })).await.ok();
        let seen = tab.visit(|session| session.document::<Cart>()?.get()).await;
        assert_eq!((seen.error(), seen.status), (ErrorKind::Decode, StatusCode::INTERNAL_SERVER_ERROR));
        tab.visit(|session| {
            assert_eq!(session.subject().unwrap().as_str(), "ada");
            session.set("value", &2)
        })
        .await
        .ok();
        let found = tab.visit(|session| session.document::<Garbled>()?.read()).await.ok();
        assert_eq!(found.items, "?", "{home:?}: it is kept for whoever can read it");
        tab.visit(|session| session.document::<Cart>()?.set(&Cart::default())).await.ok();
    }
}

#[tokio::test]
async fn segments_that_nobody_touches_keep_their_bytes() {
    let jwt = Jwt::default();
    let lab = Lab::with(Home::Signed, |builder| builder.carrier(Carrier::SignedWith(jwt.keys())));
    let mut tab = lab.visitor().await;
    // Somebody else's writer puts numbers and maps another way than ours would.
    let foreign = r#"{"n":1.50e1,"z":{"b":1,"a":"\u0041"}}"#;
    let token = jwt.replace(tab.cookie.as_deref().unwrap(), r#""data":{"value":1}"#, |data| {
        format!(r#"{data},"segments":{{"theirs":[7,{foreign}]}}"#)
    });
    tab.cookie = Some(token);
    tab.visit(|session| session.set("value", &2)).await.ok();
    let claims = Jwt::claims(tab.cookie.as_deref().unwrap());
    assert!(claims.contains(foreign), "{claims}");
    tab.visit(|session| session.login("ada")).await.ok();
    assert!(Jwt::claims(tab.cookie.as_deref().unwrap()).contains(foreign));
}

/// Sets a text of so many bytes.
async fn fill(tab: &mut Tab, len: usize) -> Seen<()> {
    tab.visit(move |session| session.set("text", &"x".repeat(len))).await
}

#[tokio::test]
async fn a_cookie_fits_up_to_4096_bytes_and_what_does_not_fit_is_an_error_to_the_writer() {
    for home in [Home::Sealed, Home::Signed] {
        let mut tab = Lab::new(home).visitor().await;
        let (mut fits, mut too_much) = (1000, 5000);
        while too_much - fits > 1 {
            let middle = usize::midpoint(fits, too_much);
            match fill(&mut tab, middle).await.answer {
                Some(Ok(())) => fits = middle,
                _ => too_much = middle,
            }
        }
        assert!(fill(&mut tab, 1).await.sets_cookie());
        let pair = |cookie: &str| cookie.split(';').next().unwrap().len() - "=".len();
        let seen = fill(&mut tab, fits).await;
        // A few bytes stay free for what grows by itself later: deadlines and counts.
        assert!((4036..=4096).contains(&pair(seen.cookie())), "{home:?}: {}", pair(seen.cookie()));
        let seen = fill(&mut tab, too_much).await;
        assert_eq!((seen.error(), seen.sets_cookie()), (ErrorKind::TooLarge, false), "{home:?}");
        let old = tab.visit(|session| session.get::<String>("text")).await.ok().unwrap();
        assert_eq!(old.len(), fits, "{home:?}: the old value and the old cookie stay good");
    }
}

#[tokio::test]
async fn a_write_that_is_too_large_spoils_nothing_else_in_its_request() {
    for home in HOMES {
        let lab = Lab::with(home, |builder| builder.max_record(4096));
        let mut tab = lab.visitor().await;
        tab.visit(|session| {
            session.set("before", &1)?;
            let error = session.set("value", &"x".repeat(5000)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            let error = session.update("value", |_: Option<u64>| "x".repeat(5000).len() as u64);
            assert_eq!(error.unwrap(), 5000, "what is small fits");
            let error = session.segment("big")?.set("x", &vec![1; 5000]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            let error = session.flash().set("notice", &"x".repeat(5000)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            session.set("after", &json!({"ok": true}))
        })
        .await
        .ok();
        tab.visit(|session| {
            assert_eq!(session.get::<u64>("value")?, Some(5000));
            assert_eq!(session.keys()?, ["value", "before", "after"]);
            assert!(session.flash().keys()?.is_empty());
            Ok(())
        })
        .await
        .ok();
    }
}

#[tokio::test]
async fn a_session_that_is_full_can_shrink_and_log_out() {
    for home in [Home::Sealed, Home::Signed] {
        let mut tab = Lab::new(home).visitor().await;
        let mut len = 4000;
        while fill(&mut tab, len).await.answer != Some(Ok(())) {
            len -= 1;
        }
        let seen = tab.visit(|session| session.login("a-subject-that-does-not-fit-beside-all-of-it")).await;
        assert_eq!((seen.error(), seen.sets_cookie()), (ErrorKind::TooLarge, false), "{home:?}");
        fill(&mut tab, len / 2).await.ok();
        tab.visit(|session| session.login("ada")).await.ok();
        assert!(tab.visit(Session::logout).await.removes_cookie());
    }
}

#[tokio::test]
async fn many_values_are_set_together_or_not_at_all() {
    for home in HOMES {
        let lab = Lab::with(home, |builder| builder.max_record(4096));
        let mut tab = lab.visitor().await;
        tab.visit(|session| {
            session.set("before", &1)?;
            let error =
                session.set_all(&json!({"a": 1, "before": 2, "big": "x".repeat(5000), "b": 1})).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge);
            let error = session.set_all(&json!({"a": 1, "before.b": 2})).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Encode, "that is no map");
            assert_eq!(session.keys()?, ["value", "before"]);
            session.set_all(&json!({"b": 1, "user.name": "Ada"}))?;
            session.segment("shop")?.set_all(&json!({"currency": "EUR"}))
        })
        .await
        .ok();
        tab.visit(|session| {
            assert_eq!(session.keys()?, ["value", "before", "b", "user"]);
            assert_eq!(
                (session.get("before")?, session.get("user.name")?),
                (Some(1), Some("Ada".to_owned()))
            );
            assert_eq!(session.segment("shop")?.get("currency")?, Some("EUR".to_owned()));
            session.set_all(&json!({"b": 1}))
        })
        .await
        .ok();
        assert!(!tab.visit(|session| session.set_all(&json!({"b": 1}))).await.sets_cookie(), "no change");
    }
}
