//! Idle and absolute deadlines, refresh, "remember me", and clocks that jump.

mod common;

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use carryall::clock::Clock as _;
use carryall::event::{Event, Refusal};
use carryall::{KeyRing, Lifetime, Session, Sessions};
use common::house::{HOMES, Home};
use common::lab::{Lab, Seen, Tab};

const DAY: u64 = 86_400;

async fn value_of(tab: &mut Tab) -> Option<u64> {
    read(tab).await.ok()
}

async fn read(tab: &mut Tab) -> Seen<Option<u64>> {
    tab.visit(|session| session.get::<u64>("value")).await
}

fn max_age<R>(seen: &Seen<R>) -> Option<u64> {
    let attribute = seen.cookie().split("; ").find_map(|attribute| attribute.strip_prefix("Max-Age="))?;
    Some(attribute.parse().unwrap())
}

fn remember(days: u64) -> impl FnOnce(&Session) -> Result<(), carryall::Error> + Send {
    move |session| session.persist_for(Duration::from_secs(days * DAY))
}

#[tokio::test]
async fn a_session_ends_when_it_was_idle_for_half_an_hour_and_not_a_second_sooner() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let mut idle = tab.clone();
        lab.wait(30 * 60 - 1);
        assert_eq!(value_of(&mut tab).await, Some(1), "{home:?}");
        lab.wait(1);
        if home != Home::Store {
            assert_eq!(value_of(&mut idle).await, None, "{home:?}: the cookie that was not renewed");
        }
        lab.wait(30 * 60 - 2);
        assert_eq!(value_of(&mut tab).await, Some(1), "{home:?}: every use extends it");
        lab.wait(30 * 60);
        assert_eq!(value_of(&mut tab).await, None, "{home:?}");
        let told = lab.events.take();
        let expired = |event: &Event| {
            matches!(event, Event::Refused { reason: Refusal::Expired | Refusal::UnknownId, .. })
        };
        assert!(told.iter().any(expired), "{told:?}");
    }
}

#[tokio::test]
async fn a_session_ends_at_its_absolute_deadline_however_much_it_is_used() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        for _ in 0..35 {
            lab.wait(20 * 60);
            assert_eq!(value_of(&mut tab).await, Some(1), "{home:?}");
        }
        tab.visit(|session| session.login("ada")).await.ok();
        lab.wait(20 * 60 - 1);
        assert_eq!(value_of(&mut tab).await, Some(1), "{home:?}");
        lab.wait(1);
        assert_eq!(value_of(&mut tab).await, None, "{home:?}: a login does not lengthen it");
    }
}

#[tokio::test]
async fn requests_that_do_not_use_the_session_do_not_extend_it() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        for _ in 0..3 {
            lab.wait(10 * 60);
            let response = tab.send(Method::GET, "/", Body::empty(), None).await;
            assert!(!response.headers().contains_key("set-cookie"));
        }
        assert_eq!(value_of(&mut tab).await, None, "{home:?}");
    }
}

#[tokio::test]
async fn last_seen_is_written_once_a_minute_and_not_with_every_read() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        lab.wait(59);
        assert!(!read(&mut tab).await.sets_cookie(), "{home:?}");
        assert!(!lab.store.take().contains(['C', 'T']), "{home:?}");
        lab.wait(1);
        assert_eq!(read(&mut tab).await.sets_cookie(), home != Home::Store, "{home:?}");
        assert_eq!(lab.store.take(), if home == Home::Store { "LT" } else { "" });
        assert!(!read(&mut tab).await.sets_cookie(), "{home:?}");
        assert!(!lab.store.take().contains(['C', 'T']), "{home:?}");
    }
}

#[tokio::test]
async fn a_request_that_waits_is_seen_when_it_ends() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        lab.wait(50);
        let clock = lab.clock.clone();
        let seen = tab.stay(move |session| async move {
            let value = session.get::<u64>("value")?;
            tokio::task::yield_now().await;
            clock.advance(Duration::from_secs(10));
            Ok(value)
        });
        assert_eq!(seen.await.ok(), Some(1), "{home:?}");
        lab.wait(30 * 60 - 1);
        assert_eq!(value_of(&mut tab).await, Some(1), "{home:?}");
    }
}

#[tokio::test]
async fn a_new_record_lives_ten_minutes_until_its_cookie_comes_back() {
    let lab = Lab::new(Home::Store);
    let (mut robot, mut visitor, mut user) = (lab.tab(), lab.tab(), lab.tab());
    for tab in [&mut robot, &mut visitor] {
        tab.visit(|session| session.set("value", &1)).await.ok();
    }
    user.visit(|session| session.login("ada").and_then(|()| session.set("value", &1))).await.ok();
    lab.wait(10 * 60 - 1);
    assert_eq!(value_of(&mut visitor).await, Some(1));
    lab.wait(1);
    assert_eq!(value_of(&mut robot).await, None);
    lab.wait(15 * 60);
    assert_eq!((value_of(&mut visitor).await, value_of(&mut user).await), (Some(1), Some(1)));
}

#[tokio::test]
async fn without_remember_me_the_cookie_ends_with_the_browser() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        let seen = tab.visit(|session| session.login("ada")).await;
        assert_eq!(max_age(&seen), None, "{home:?}");
        assert!(!seen.cookie().contains("Expires"));
    }
}

#[tokio::test]
async fn remember_me_keeps_cookie_and_session_as_long_as_asked() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let seen = tab.visit(remember(7)).await;
        assert_eq!(max_age(&seen), Some(7 * DAY), "{home:?}");
        lab.wait(7 * DAY - 1);
        let seen = read(&mut tab).await;
        assert_eq!(max_age(&seen), Some(7 * DAY), "{home:?}: every use extends it");
        assert_eq!(seen.ok(), Some(1));
        assert!(tab.visit(|session| Ok(session.meta().unwrap().is_persistent)).await.ok());
        lab.wait(7 * DAY);
        assert_eq!(value_of(&mut tab).await, None, "{home:?}");
    }
}

#[tokio::test]
async fn remember_me_never_outlives_what_the_builder_allows() {
    for home in HOMES {
        let lab = Lab::with(home, |builder| builder.remember_at_most(Duration::from_secs(10 * DAY)));
        let mut tab = lab.user("ada").await;
        let seen = tab.visit(|session| session.persist_for(Duration::MAX)).await;
        assert_eq!(max_age(&seen), Some(10 * DAY), "{home:?}");
        lab.wait(6 * DAY);
        let seen = read(&mut tab).await;
        assert_eq!(max_age(&seen), Some(4 * DAY), "{home:?}: counted from the beginning");
        lab.wait(4 * DAY - 1);
        assert_eq!(value_of(&mut tab).await, Some(1), "{home:?}");
        lab.wait(1);
        assert_eq!(value_of(&mut tab).await, None, "{home:?}");
    }
}

#[tokio::test]
async fn remember_me_can_be_taken_back() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        tab.visit(remember(7)).await.ok();
        let seen = tab.visit(Session::persist_until_browser_closes).await;
        assert_eq!(max_age(&seen), None, "{home:?}");
        lab.wait(30 * 60);
        assert_eq!(value_of(&mut tab).await, None, "{home:?}");
        let mut tab = lab.user("ada").await;
        tab.visit(remember(7)).await.ok();
        assert_eq!(max_age(&tab.visit(remember(0)).await), None, "{home:?}: no time is none");
    }
}

#[tokio::test]
async fn remember_me_with_a_new_login_is_in_its_cookie_and_ends_with_logout() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let seen = tab.visit(|session| {
            session.login("ada")?;
            session.persist_for(Duration::from_secs(30 * DAY))
        });
        assert_eq!(max_age(&seen.await), Some(30 * DAY), "{home:?}");
        let seen = tab.visit(|session| session.login("ada")).await;
        assert_eq!(max_age(&seen), Some(30 * DAY), "{home:?}: kept at the next login");
        let seen = tab.visit(|session| session.logout().and_then(|()| session.set("value", &1)));
        assert_eq!(max_age(&seen.await), None, "{home:?}: the next session is not remembered");
    }
}

#[test]
fn lifetimes_that_no_browser_keeps_are_refused_while_building() {
    let builder = || Sessions::builder(KeyRing::random().unwrap()).single_node();
    let days = |days: u64| Duration::from_secs(days * DAY);
    assert!(builder().remember_at_most(days(400)).build().is_ok());
    assert!(builder().remember_at_most(days(400) + Duration::from_secs(1)).build().is_err());
    assert!(builder().remember_at_most(Duration::MAX).build().is_err());
    assert!(builder().lifetime(Lifetime::default().absolute(days(3650))).build().is_err());
    assert!(builder().lifetime(Lifetime::default().idle(Duration::ZERO)).build().is_err());
    assert!(builder().lifetime(Lifetime::default().refresh(Duration::from_mins(30))).build().is_err());
}

#[tokio::test]
async fn a_clock_that_goes_back_a_little_is_forgiven_and_one_that_goes_back_far_is_not() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.user("ada").await;
        let now = lab.clock.now();
        lab.clock.set(now.minus(Duration::from_secs(5)));
        assert_eq!(value_of(&mut tab).await, Some(1), "{home:?}");
        lab.clock.set(now.minus(Duration::from_hours(1)));
        let seen = read(&mut tab).await;
        assert!(!seen.sets_cookie(), "{home:?}: the cookie stays for when the clock is right again");
        assert_eq!(seen.ok(), None);
        lab.clock.set(now);
        assert_eq!(value_of(&mut tab).await, Some(1), "{home:?}");
    }
}

#[tokio::test]
async fn no_jump_of_the_clock_brings_an_ended_session_back() {
    for (home, hours) in HOMES.into_iter().flat_map(|home| [(home, 1), (home, 400 * 24)]) {
        let lab = Lab::new(home);
        let mut ended = lab.user("ada").await;
        let saved = ended.clone();
        let mut revoked = lab.user("bob").await;
        ended.visit(Session::logout).await.ok();
        lab.sessions.revoke_subject("bob").await.unwrap();
        let now = lab.clock.now();
        lab.clock.set(now.plus(Duration::from_hours(hours)));
        // What is over at the wrong time is forgotten when others come and go.
        for _ in 0..200 {
            lab.user("eve").await.visit(Session::logout).await.ok();
            lab.sessions.revoke_subject("eve").await.unwrap();
        }
        for at in [now.plus(Duration::from_secs(1)), now.minus(Duration::from_hours(1))] {
            lab.clock.set(at);
            assert_eq!(value_of(&mut saved.clone()).await, None, "{home:?}");
            assert_eq!(value_of(&mut revoked).await, None, "{home:?}");
        }
        lab.clock.set(now.plus(Duration::from_secs(2)));
        let mut fresh = lab.user("ada").await;
        assert_eq!(value_of(&mut fresh).await, Some(1), "{home:?}: new sessions are good");
    }
}
