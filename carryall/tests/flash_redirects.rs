//! Flash messages across redirects, logouts and parallel requests.

mod common;

use axum::http::StatusCode;
use carryall::{Error, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};

const PAGE: (&str, &str) = ("sec-fetch-dest", "document");

fn notice(session: &Session) -> Result<Option<String>, Error> {
    session.flash().get("notice")
}

async fn with_notice(lab: &Lab) -> Tab {
    let mut tab = lab.visitor().await.sending(&[PAGE]);
    tab.visit(|session| session.flash().set("notice", "saved")).await.ok();
    tab
}

#[tokio::test]
async fn a_message_outlasts_a_chain_of_redirects_until_a_page_is_shown() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = with_notice(&lab).await;
        for status in [StatusCode::FOUND, StatusCode::SEE_OTHER, StatusCode::PERMANENT_REDIRECT] {
            lab.store.take();
            tab.status = status;
            let seen = tab.visit(|session| session.get::<u64>("value")).await;
            assert!(!seen.sets_cookie() && !lab.store.take().contains('C'), "{home:?}: nothing to write");
        }
        tab.visit(|session| session.flash().set("second", "s")).await.ok();
        tab.status = StatusCode::OK;
        let both = |session: &Session| Ok((notice(session)?, session.flash().get::<String>("second")?));
        assert_eq!(tab.visit(both).await.ok(), (Some("saved".into()), Some("s".into())), "{home:?}");
        assert_eq!(tab.visit(both).await.ok(), (None, None), "{home:?}");
    }
}

#[tokio::test]
async fn a_redirect_that_read_or_cleared_its_messages_has_used_them_up() {
    for home in HOMES {
        let lab = Lab::new(home);
        for use_up in
            [|session: &Session| notice(session).map(drop), |session: &Session| session.flash().clear()]
        {
            let mut tab = with_notice(&lab).await;
            tab.status = StatusCode::SEE_OTHER;
            tab.visit(use_up).await.ok();
            tab.status = StatusCode::OK;
            assert_eq!(tab.visit(notice).await.ok(), None, "{home:?}");
        }
    }
}

#[tokio::test]
async fn messages_of_this_request_alone_do_not_survive_a_redirect() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        tab.status = StatusCode::SEE_OTHER;
        tab.visit(|session| session.flash().now("notice", "now")).await.ok();
        assert_eq!(tab.visit(notice).await.ok(), None, "{home:?}");
    }
}

#[tokio::test]
async fn a_message_set_at_logout_is_shown_once_in_a_session_of_its_own() {
    for home in HOMES {
        let mut tab = Lab::new(home).user("ada").await;
        let seen = tab.visit(|session| {
            session.flash().set("lost", "set before the logout")?;
            session.logout()?;
            session.flash().set("notice", "bye")
        });
        let seen = seen.await;
        assert!(!seen.removes_cookie(), "{home:?}: {}", seen.cookie());
        let found = tab.visit(|session| {
            assert!(session.subject().is_none() && session.get::<u64>("value")?.is_none());
            assert_eq!(session.flash().keys()?, ["notice"]);
            notice(session)
        });
        assert_eq!(found.await.ok().as_deref(), Some("bye"), "{home:?}");
        assert_eq!(tab.visit(notice).await.ok(), None);
    }
}

#[tokio::test]
async fn a_message_that_another_request_set_meanwhile_is_not_lost() {
    let lab = Lab::new(Home::Store);
    let mut tab = with_notice(&lab).await;
    let other = tab.clone();
    let shown = tab.stay(|session| async move {
        other.sending(&[("sec-fetch-dest", "empty")]).visit(|s| s.flash().set("later", "l")).await.ok();
        notice(&session)
    });
    assert_eq!(shown.await.ok().as_deref(), Some("saved"));
    assert_eq!(tab.visit(|session| session.flash().keys()).await.ok(), ["later"]);
}

#[tokio::test]
async fn messages_that_were_committed_outlive_a_rollback() {
    for home in HOMES {
        let mut tab = with_notice(&Lab::new(home)).await;
        let seen = tab.stay(|session| async move {
            session.flash().set("kept", "k")?;
            session.commit().await?;
            session.flash().set("lost", "l")?;
            session.rollback();
            session.flash().set("later", "l")?;
            notice(&session)
        });
        assert_eq!(seen.await.ok().as_deref(), Some("saved"), "{home:?}: still shown in this request");
        let keys = tab.visit(|session| session.flash().keys()).await.ok();
        assert_eq!(keys, ["kept", "later"], "{home:?}");
    }
}

#[tokio::test]
async fn messages_that_a_rollback_gives_back_are_shown_by_the_next_request() {
    for home in HOMES {
        let mut tab = with_notice(&Lab::new(home)).await;
        let seen = tab.visit(|session| {
            assert_eq!(notice(session)?.as_deref(), Some("saved"));
            session.rollback();
            Ok(())
        });
        seen.await.ok();
        assert_eq!(tab.visit(notice).await.ok().as_deref(), Some("saved"), "{home:?}");
    }
}
