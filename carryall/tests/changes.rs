//! What counts as a change, and when it is kept.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use carryall::{ErrorKind, Session};
use common::house::HOMES;
use common::lab::Lab;
use serde_json::json;

#[tokio::test]
async fn setting_an_equal_value_or_changing_back_writes_nothing() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.tab();
        tab.visit(|session| session.set("map", &json!({"a": 1, "b": [1.0, 2]}))).await.ok();
        lab.store.take();
        let quiet = tab.visit(|session| {
            session.set("map", &json!({"b": [1.0, 2], "a": 1}))?;
            session.set("map.a", &2)?;
            session.set("new", &1)?;
            session.remove("new")?;
            session.remove("map")?;
            session.set("map", &json!({"a": 1, "b": [1.0, 2]}))?;
            session.update("map.a", |old: Option<u8>| old.unwrap_or(0))?;
            assert!(!session.is_changed());
            Ok(())
        });
        let seen = quiet.await;
        assert!(!seen.sets_cookie(), "{home:?}");
        assert_eq!(lab.store.take().replace(['L', 'T'], ""), "", "{home:?}");
        seen.ok();
        let seen = tab.visit(|session| session.set("map.b", &json!([1, 2]))).await;
        assert!(seen.sets_cookie() || lab.store.take().contains('C'), "1.0 is not 1");
    }
}

#[tokio::test]
async fn update_counts_and_answers_what_is_committed() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        for n in 1..=3u64 {
            let counted = tab.stay(|session| async move {
                session.update_now("n", |old: Option<u64>| old.unwrap_or(0) + 1).await
            });
            assert_eq!(counted.await.ok(), n, "{home:?}");
        }
        let seen = tab.stay(|session| async move {
            session.set("a", &1)?;
            session.commit().await?;
            session.set("b", &2)?;
            session.commit().await
        });
        assert!(seen.await.cookies().len() <= 1, "however many commits, one cookie");
        let all = tab.visit(|session| Ok((session.get("n")?, session.get("a")?, session.get("b")?)));
        assert_eq!(all.await.ok(), (Some(3), Some(1), Some(2)), "{home:?}");
    }
}

#[tokio::test]
async fn a_closure_that_panics_changes_nothing_and_the_session_goes_on() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        tab.visit(|session| {
            let panics = session.update("value", |_: Option<u64>| -> u64 { panic!("in the closure") });
            assert_eq!(panics.unwrap_err().kind(), ErrorKind::Misuse);
            session.set("other", &2)
        })
        .await
        .ok();
        let found = tab.visit(|session| Ok((session.get("value")?, session.get("other")?))).await.ok();
        assert_eq!(found, (Some(1), Some(2)), "{home:?}");
    }
}

#[tokio::test]
async fn a_closure_runs_once_when_nobody_else_writes() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let runs = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&runs);
        let seen = tab.visit(move |session| {
            session.update("value", move |old: Option<u64>| {
                counter.fetch_add(1, Ordering::SeqCst);
                old.unwrap_or(0) + 1
            })
        });
        assert_eq!(seen.await.ok(), 2);
        assert_eq!(runs.load(Ordering::SeqCst), 1, "{home:?}");
    }
}

#[tokio::test]
async fn rollback_gives_up_what_was_not_committed() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let seen = tab.visit(|session| {
            session.set("value", &2)?;
            session.login("ada")?;
            session.flash().set("notice", "x")?;
            session.persist_for(std::time::Duration::from_hours(24))?;
            session.rollback();
            assert!(!session.is_changed() && session.subject().is_none());
            session.get::<u64>("value")
        });
        let seen = seen.await;
        assert!(!seen.sets_cookie(), "{home:?}");
        assert_eq!(seen.ok(), Some(1));
        tab.stay(|session| async move {
            session.set("value", &3)?;
            session.commit().await?;
            session.set("value", &4)?;
            session.rollback();
            Ok(())
        })
        .await
        .ok();
        assert_eq!(tab.visit(|session| session.get("value")).await.ok(), Some(3), "{home:?}");
    }
}

#[tokio::test]
async fn a_change_after_the_response_has_left_is_an_error_and_is_not_kept() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let session = tab.visit(|session| Ok(session.clone())).await.ok();
        assert_eq!(session.set("value", &9).unwrap_err().kind(), ErrorKind::Misuse);
        assert_eq!(session.login("ada").unwrap_err().kind(), ErrorKind::Misuse);
        assert_eq!(tab.visit(|session| session.get("value")).await.ok(), Some(1), "{home:?}");
    }
}

#[tokio::test]
async fn keys_that_come_back_after_a_clear_stand_in_their_new_order_in_every_home() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.tab();
        tab.visit(|session| session.set("a", &1)).await.ok();
        let keys = tab.visit(|session| {
            session.clear()?;
            session.set("b.b", &1)?;
            session.set("a", &1)?;
            session.keys()
        });
        assert_eq!(keys.await.ok(), ["b", "a"], "{home:?}");
        assert_eq!(tab.visit(Session::keys).await.ok(), ["b", "a"], "{home:?}");
    }
}
