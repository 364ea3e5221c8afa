//! Login, elevate and regenerate: what they change, and who is left outside.

mod common;

use axum::http::StatusCode;
use carryall::{Error, ErrorKind, Session};
use common::house::HOMES;
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
async fn login_keeps_the_values_of_an_anonymous_visitor() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let seen = tab.visit(|session| {
            session.login("ada")?;
            facts(session)
        });
        assert_eq!(seen.await.ok(), somebody("ada", 1, 1), "{home:?}: seen at once");
        assert_eq!(facts_of(&mut tab).await, somebody("ada", 1, 1), "{home:?}");
    }
}

#[tokio::test]
async fn a_planted_cookie_is_worthless_after_the_victim_signs_in() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut attacker = lab.visitor().await;
        let mut victim = attacker.clone();
        victim.visit(|session| session.login("ada")).await.ok();
        assert_ne!(victim.cookie, attacker.cookie);
        let planted = attacker.cookie.clone();
        assert_eq!(facts_of(&mut attacker).await, NOBODY, "{home:?}");
        let seen = attacker.visit(|session| session.set("value", &666)).await;
        assert_eq!((seen.error(), seen.status), (ErrorKind::Superseded, StatusCode::CONFLICT), "{home:?}");
        assert!(!seen.sets_cookie());
        lab.wait(61);
        attacker.visit(|session| session.set("value", &666)).await.ok();
        assert_ne!(attacker.cookie, planted, "{home:?}: a session of its own");
        assert_eq!(facts_of(&mut victim).await, somebody("ada", 1, 1), "{home:?}");
    }
}

#[tokio::test]
async fn a_cookie_of_this_kind_that_was_never_issued_is_not_adopted() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = Lab::new(home).visitor().await;
        let foreign = tab.cookie.clone();
        tab.app = lab.app.clone();
        assert_eq!(facts_of(&mut tab).await, NOBODY);
        tab.visit(|session| session.login("ada")).await.ok();
        let (old, new) = (foreign.unwrap(), tab.cookie.clone().unwrap());
        assert!(old != new, "{home:?}");
        assert_eq!(facts_of(&mut tab).await.0.as_deref(), Some("ada"));
    }
}

#[tokio::test]
async fn login_as_somebody_else_starts_empty_and_ends_the_other_session() {
    for home in HOMES {
        let mut tab = Lab::new(home).user("ada").await;
        let mut ada = tab.clone();
        tab.visit(|session| {
            session.login("bob")?;
            assert_eq!(session.get::<u64>("value")?, None);
            session.set("value", &2)
        })
        .await
        .ok();
        assert_eq!(facts_of(&mut tab).await, somebody("bob", 2, 1), "{home:?}");
        assert_eq!(facts_of(&mut ada).await, NOBODY, "{home:?}");
    }
}

#[tokio::test]
async fn login_as_the_same_user_renews_it_and_keeps_the_values() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        lab.wait(100);
        let age = tab.visit(|session| Ok(session.since_auth().unwrap().as_secs())).await.ok();
        assert_eq!(age, 100);
        tab.visit(|session| session.login("ada")).await.ok();
        let age = tab.visit(|session| Ok(session.since_auth().unwrap().as_secs())).await.ok();
        assert_eq!((age, facts_of(&mut tab).await), (0, somebody("ada", 1, 1)), "{home:?}");
    }
}

#[tokio::test]
async fn elevate_raises_the_level_and_closes_the_door_behind_it() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let seen = tab.visit(|session| session.elevate(2)).await;
        assert_eq!(seen.error(), ErrorKind::Misuse, "{home:?}: nobody is signed in");
        let mut tab = lab.user("ada").await;
        let mut before = tab.clone();
        tab.visit(|session| session.elevate(3)).await.ok();
        assert_eq!(facts_of(&mut tab).await, somebody("ada", 1, 3), "{home:?}");
        assert_eq!(facts_of(&mut before).await, NOBODY, "{home:?}: the weaker cookie is worthless");
        let seen = tab.visit(|session| session.elevate(2)).await;
        assert_eq!(seen.error(), ErrorKind::Misuse, "{home:?}: never lower");
        tab.visit(|session| session.login("ada")).await.ok();
        assert_eq!(facts_of(&mut tab).await.2, 1, "{home:?}: a login proves as much as a login");
    }
}

#[tokio::test]
async fn subjects_that_are_no_ids_are_refused_and_nothing_changes() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        for subject in [String::new(), "x".repeat(256)] {
            let seen = tab.visit(move |session| session.login(subject)).await;
            assert_eq!((seen.error(), seen.sets_cookie()), (ErrorKind::Misuse, false), "{home:?}");
        }
        assert_eq!(facts_of(&mut tab).await, (None, Some(1), 0));
    }
}

#[tokio::test]
async fn csrf_tokens_change_with_every_login_and_elevation_and_not_otherwise() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let token = tab.visit(|session| session.csrf().token()).await.ok();
        for change in
            [(|session: &Session| session.regenerate()) as fn(&Session) -> Result<(), Error>, |session| {
                session.set("value", &7)
            }]
        {
            tab.visit(change).await.ok();
            let token = token.clone();
            assert!(tab.visit(move |session| Ok(session.csrf().verify(&token))).await.ok(), "{home:?}");
        }
        let mut token = token;
        for change in [
            (|session: &Session| session.login("ada")) as fn(&Session) -> Result<(), Error>,
            |session| session.elevate(2),
            |session| session.login("ada"),
            |session| session.logout(),
        ] {
            tab.visit(change).await.ok();
            let old = std::mem::take(&mut token);
            let seen = tab.visit(move |session| {
                assert!(!session.csrf().verify(&old));
                session.csrf().token()
            });
            token = seen.await.ok();
        }
    }
}
