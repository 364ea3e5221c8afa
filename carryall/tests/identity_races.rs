//! Changes of identity that race each other, and responses that are lost.

mod common;

use carryall::{Error, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};

/// Who is signed in and the values that matter here.
fn facts(session: &Session) -> Result<(Option<String>, Option<u64>, u8), Error> {
    let subject = session.subject().map(|subject| subject.as_str().to_owned());
    Ok((subject, session.get("value")?, session.level()))
}

async fn facts_of(tab: &mut Tab) -> (Option<String>, Option<u64>, u8) {
    tab.visit(facts).await.ok()
}

const NOBODY: (Option<String>, Option<u64>, u8) = (None, None, 0);

fn somebody(subject: &str, value: u64, level: u8) -> (Option<String>, Option<u64>, u8) {
    (Some(subject.to_owned()), Some(value), level)
}

#[tokio::test]
async fn a_lost_response_after_regenerate_does_not_log_out() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let lost = tab.peek(|session| async move { session.regenerate() }).await;
        assert!(lost.sets_cookie());
        lab.wait(20 * 60);
        assert_eq!(facts_of(&mut tab).await, somebody("ada", 1, 1), "{home:?}");
        tab.visit(|session| session.set("value", &2)).await.ok();
        assert_eq!(facts_of(&mut tab).await, somebody("ada", 2, 1), "{home:?}");
    }
}

#[tokio::test]
async fn a_regenerated_cookie_outlives_its_predecessor_by_the_grace() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let mut old = tab.clone();
        tab.visit(Session::regenerate).await.ok();
        let seen = tab.visit(facts).await;
        assert!(home == Home::Store || !seen.sets_cookie(), "{home:?}: the first sight mints nothing");
        seen.ok();
        lab.wait(14);
        let seen = old.peek(|session| async move { facts(&session) }).await;
        assert_eq!(seen.ok(), somebody("ada", 1, 1), "{home:?}");
        lab.wait(16);
        assert_eq!(facts_of(&mut old).await, NOBODY, "{home:?}");
        assert_eq!(facts_of(&mut tab).await, somebody("ada", 1, 1), "{home:?}");
    }
}

#[tokio::test]
async fn a_change_of_identity_and_writes_after_its_commit_fit_into_one_request() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let seen = tab.stay(|session| async move {
            session.login("ada")?;
            session.commit().await?;
            session.set("value", &2)?;
            session.commit().await?;
            session.elevate(2)?;
            session.commit().await?;
            session.regenerate()?;
            session.commit().await?;
            session.update_now("value", |value: Option<u64>| value.unwrap_or(0) + 1).await
        });
        assert_eq!(seen.await.ok(), 3, "{home:?}");
        assert_eq!(facts_of(&mut tab).await, somebody("ada", 3, 2), "{home:?}");
    }
}

#[tokio::test]
async fn racing_logins_of_one_user_both_end_signed_in() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let mut first = tab.clone();
        let inner = first.clone();
        let seen = tab.stay(|session| async move {
            let mut inner = inner;
            inner
                .visit(|session| {
                    session.login("ada")?;
                    session.set("inner", &1)
                })
                .await
                .ok();
            session.login("ada")?;
            session.set("outer", &2)?;
            Ok(inner.cookie)
        });
        first.cookie = seen.await.ok();
        let kept = |session: &Session| Ok((session.get::<u8>("inner")?, session.get::<u8>("outer")?));
        if home == Home::Store {
            assert_eq!(tab.visit(kept).await.ok(), (Some(1), Some(2)), "the second joins the first");
            assert_eq!(first.visit(kept).await.ok(), (Some(1), Some(2)));
        }
        for tab in [&mut tab, &mut first] {
            assert_eq!(facts_of(tab).await.0.as_deref(), Some("ada"), "{home:?}");
        }
    }
}

#[tokio::test]
async fn racing_logins_of_two_users_never_see_each_others_values() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let mut ada = tab.clone();
        let seen = tab.stay(|session| async move {
            ada.visit(|session| {
                session.login("ada")?;
                session.set("secret", "of ada")
            })
            .await
            .ok();
            session.login("bob")?;
            session.set("value", &2)?;
            Ok(ada)
        });
        let mut ada = seen.await.ok();
        let found = tab.visit(|session| {
            assert_eq!(session.get::<String>("secret")?, None);
            facts(session)
        });
        assert_eq!(found.await.ok(), somebody("bob", 2, 1), "{home:?}");
        assert_eq!(facts_of(&mut ada).await, somebody("ada", 1, 1), "{home:?}");
    }
}

#[tokio::test]
async fn a_login_that_loses_to_a_logout_begins_anew_with_what_it_wrote() {
    for home in HOMES {
        let mut tab = Lab::new(home).user("ada").await;
        let mut other = tab.clone();
        let seen = tab.stay(|session| async move {
            assert!(other.visit(Session::logout).await.removes_cookie());
            session.login("ada")?;
            session.set("fresh", &2)
        });
        seen.await.ok();
        let keys = tab.visit(Session::keys).await.ok();
        assert_eq!(keys, ["fresh"], "{home:?}: nothing of the ended session is left");
        assert_eq!(facts_of(&mut tab).await.0.as_deref(), Some("ada"));
    }
}

#[tokio::test]
async fn a_refused_visitor_can_always_sign_in() {
    for home in HOMES {
        let mut tab = Lab::new(home).user("ada").await;
        // The response with the new cookie is lost, and the old one is muted.
        tab.peek(|session| async move { session.elevate(2) }).await.ok();
        assert_eq!(facts_of(&mut tab).await, NOBODY, "{home:?}");
        tab.visit(|session| session.login("ada")).await.ok();
        assert_eq!(facts_of(&mut tab).await, (Some("ada".into()), None, 1), "{home:?}");
    }
}
