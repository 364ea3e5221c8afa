//! Flash messages: for the next page, whatever the browser fetches in between.

mod common;

use carryall::Error;
use carryall::Session;
use common::house::HOMES;
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
async fn a_message_is_shown_by_the_next_request_and_by_no_other() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        let seen = tab.visit(|session| {
            session.flash().set("notice", "saved")?;
            assert_eq!(session.flash().peek_next::<String>("notice")?.as_deref(), Some("saved"));
            notice(session)
        });
        assert_eq!(seen.await.ok(), None, "not in the request that sets it");
        assert_eq!(tab.visit(notice).await.ok().as_deref(), Some("saved"), "{home:?}");
        assert_eq!(tab.visit(notice).await.ok(), None, "{home:?}");
        assert_eq!(tab.cookie, None, "{home:?}: a session that held nothing but the message is over");
    }
}

#[tokio::test]
async fn a_message_that_a_page_does_not_read_is_gone_after_it() {
    for home in HOMES {
        let mut tab = with_notice(&Lab::new(home)).await;
        tab.visit(|session| session.get::<u64>("value")).await.ok();
        assert_eq!(tab.visit(notice).await.ok(), None, "{home:?}");
    }
}

#[tokio::test]
async fn now_shows_in_this_request_only_and_both_in_this_one_and_the_next() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        let seen = tab.visit(|session| {
            session.flash().now("hint", "now")?;
            assert_eq!(session.flash().get::<String>("hint")?.as_deref(), Some("now"));
            session.flash().peek_next::<String>("hint")
        });
        let seen = seen.await;
        assert!(!seen.sets_cookie() && !lab.store.take().contains('C'), "{home:?}: writes nothing");
        assert_eq!(seen.ok(), None);
        tab.visit(|session| {
            assert!(session.flash().keys()?.is_empty());
            session.flash().now_and_next("notice", "both")?;
            assert_eq!(notice(session)?.as_deref(), Some("both"));
            Ok(())
        })
        .await
        .ok();
        assert_eq!(tab.visit(notice).await.ok().as_deref(), Some("both"), "{home:?}");
        assert_eq!(tab.visit(notice).await.ok(), None, "{home:?}");
    }
}

#[tokio::test]
async fn keep_and_keep_all_hold_messages_for_one_more_request() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        tab.visit(|session| {
            for key in ["a", "b", "c"] {
                session.flash().set(key, "old")?;
            }
            Ok(())
        })
        .await
        .ok();
        tab.visit(|session| {
            session.flash().keep("a")?;
            session.flash().set("b", "new")?;
            session.flash().keep("b")?;
            session.flash().keep("missing")
        })
        .await
        .ok();
        let found = tab.visit(|session| {
            session.flash().keep_all()?;
            let get = |key| session.flash().get::<String>(key);
            Ok((get("a")?, get("b")?, get("c")?))
        });
        assert_eq!(found.await.ok(), (Some("old".into()), Some("new".into()), None), "{home:?}");
        assert_eq!(tab.visit(|session| session.flash().keys()).await.ok(), ["a", "b"], "{home:?}");
        assert!(tab.visit(|session| session.flash().keys()).await.ok().is_empty());
    }
}

#[tokio::test]
async fn clear_now_clear_next_and_clear_each_take_their_own() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = with_notice(&lab).await;
        tab.visit(|session| {
            session.flash().set("next", "n")?;
            session.flash().clear_now()?;
            assert_eq!(notice(session)?, None);
            Ok(())
        })
        .await
        .ok();
        assert_eq!(tab.visit(|session| session.flash().keys()).await.ok(), ["next"], "{home:?}");
        let mut tab = with_notice(&lab).await;
        tab.visit(|session| {
            session.flash().set("next", "n")?;
            session.flash().clear_next()?;
            assert_eq!(notice(session)?.as_deref(), Some("saved"));
            Ok(())
        })
        .await
        .ok();
        assert!(tab.visit(|session| session.flash().keys()).await.ok().is_empty(), "{home:?}");
        let mut tab = with_notice(&lab).await;
        tab.visit(|session| {
            session.flash().set("next", "n")?;
            session.flash().clear()?;
            assert_eq!((notice(session)?, session.flash().peek_next::<String>("next")?), (None, None));
            Ok(())
        })
        .await
        .ok();
        assert!(tab.visit(|session| session.flash().keys()).await.ok().is_empty(), "{home:?}");
    }
}

#[tokio::test]
async fn segments_have_messages_of_their_own_and_the_session_clears_and_keeps_all() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        let set = |session: &Session| {
            session.flash().set("key", "session")?;
            session.segment("shop")?.flash().set("key", "shop")
        };
        let both = |session: &Session| {
            let shop = session.segment("shop")?.flash();
            Ok((session.flash().get::<String>("key")?, shop.get::<String>("key")?))
        };
        tab.visit(set).await.ok();
        tab.visit(move |session| {
            assert_eq!(both(session)?, (Some("session".into()), Some("shop".into())));
            assert_eq!(session.segment("shop")?.flash().keys()?, ["key"]);
            session.keep_all_flash()
        })
        .await
        .ok();
        tab.visit(|session| session.segment("shop")?.flash().keep_all()).await.ok();
        assert_eq!(tab.visit(both).await.ok(), (None, Some("shop".into())), "{home:?}");
        tab.visit(set).await.ok();
        tab.visit(move |session| {
            session.segment("shop")?.flash().clear()?;
            assert_eq!(both(session)?, (Some("session".into()), None));
            set(session)
        })
        .await
        .ok();
        tab.visit(move |session| {
            set(session)?;
            session.clear_all_flash()?;
            assert_eq!(both(session)?, (None, None));
            Ok(())
        })
        .await
        .ok();
        assert_eq!(tab.visit(both).await.ok(), (None, None), "{home:?}");
    }
}

#[tokio::test]
async fn images_scripts_and_background_requests_leave_a_message_for_the_page() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = with_notice(&lab).await;
        lab.store.take();
        for dest in ["image", "script", "style", "font", "empty"] {
            let mut other = tab.sending(&[("sec-fetch-dest", dest)]);
            let seen = other.visit(|session| session.get::<u64>("value")).await;
            assert!(!seen.sets_cookie(), "{home:?} {dest}");
        }
        assert_eq!(lab.store.take().replace('L', ""), "", "{home:?}");
        assert_eq!(tab.visit(notice).await.ok().as_deref(), Some("saved"), "{home:?}");
        assert_eq!(tab.visit(notice).await.ok(), None, "{home:?}");
    }
}

#[tokio::test]
async fn a_prefetch_sees_a_message_and_does_not_use_it_up() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = with_notice(&lab).await;
        lab.store.take();
        for (name, value) in
            [("sec-purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch")]
        {
            let mut ahead = tab.sending(&[PAGE, (name, value)]);
            let seen = ahead.visit(notice).await;
            assert!(!seen.sets_cookie(), "{home:?} {value}");
            assert_eq!(seen.ok().as_deref(), Some("saved"));
        }
        assert_eq!(lab.store.take().replace('L', ""), "", "{home:?}");
        assert_eq!(tab.visit(notice).await.ok().as_deref(), Some("saved"), "{home:?}");
    }
}

#[tokio::test]
async fn a_fetch_that_reads_messages_uses_them_up() {
    for home in HOMES {
        let mut tab = with_notice(&Lab::new(home)).await.sending(&[("sec-fetch-dest", "empty")]);
        assert_eq!(tab.visit(notice).await.ok().as_deref(), Some("saved"), "{home:?}");
        assert_eq!(tab.visit(notice).await.ok(), None, "{home:?}");
    }
}
