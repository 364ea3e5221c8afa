//! Attacks on how cookies are written, by number.

mod common;

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::routing::get;
use carryall::cookie::SameSite;
use carryall::policy::ClearSiteData;
use carryall::{CookiePolicy, Error, KeyRing, Lifetime, Session, Sessions};
use common::house::HOMES;
use common::lab::{Lab, Tab, app, handler};
use tower::ServiceExt;

fn is_refused(policy: CookiePolicy) -> bool {
    Sessions::builder(KeyRing::random().unwrap()).single_node().cookie(policy).build().is_err()
}

fn policy() -> CookiePolicy {
    CookiePolicy::default()
}

#[test]
fn a045_nothing_configured_can_split_a_set_cookie_line() {
    for evil in ["a\r\nb", "a\nb", "a\0b", "a;b", "a,b", "a b", "a\u{e9}b", "", "a\tb", "a\u{7f}b"] {
        assert!(is_refused(policy().name(evil)), "name {evil:?}");
        assert!(is_refused(policy().name("sid").domain(evil)), "domain {evil:?}");
        assert!(is_refused(policy().name("sid").path(format!("/{evil};"))), "path {evil:?}");
    }
    assert!(is_refused(policy().name("a=b")) && is_refused(policy().name("sid").path("relative")));
}

#[test]
fn a046_what_browsers_would_refuse_is_refused_while_building() {
    for refused in [
        policy().name("__Host-x").domain("example.com"),
        policy().name("__Host-x").path("/app"),
        policy().name("__Host-x").danger_insecure(),
        policy().name("__HOST-x").path("/app"),
        policy().name("__Secure-x").danger_insecure(),
        policy().name("__Http-x").danger_script_readable(),
        policy().name("__Host-Http-x").danger_script_readable(),
        policy().name("__Host-Http-x").path("/app"),
        policy().name("sid").same_site(SameSite::None).danger_insecure(),
        policy().name("sid").partitioned(true).danger_insecure(),
    ] {
        assert!(is_refused(refused.clone()), "{refused:?}");
    }
    for good in [
        policy().name("__Secure-x").domain("example.com").path("/app"),
        policy().same_site(SameSite::None).partitioned(true),
        policy().danger_insecure(),
    ] {
        assert!(!is_refused(good.clone()), "{good:?}");
    }
}

#[tokio::test]
async fn a047_max_age_is_never_negative_nor_longer_than_400_days() {
    let days = |days: u64| Duration::from_secs(days * 86_400);
    for home in HOMES {
        let lab = Lab::with(home, |builder| builder.remember_at_most(days(400)));
        for (asked, sent) in
            [(days(3650), Some("34560000")), (Duration::MAX, Some("34560000")), (Duration::ZERO, None)]
        {
            let mut tab = lab.tab();
            let seen =
                tab.visit(move |session| session.set("a", &1).and_then(|()| session.persist_for(asked)));
            let seen = seen.await;
            let age = seen.cookie().split("; Max-Age=").nth(1).map(|rest| rest.split(';').next().unwrap());
            assert_eq!(age, sent, "{home:?}");
        }
    }
}

#[tokio::test]
async fn a048_however_much_happens_in_a_request_there_is_one_set_cookie() {
    for home in HOMES {
        let mut tab = Lab::new(home).user("ada").await;
        let seen = tab.stay(|session| async move {
            session.set("value", &2)?;
            session.commit().await?;
            session.set("value", &3)?;
            session.commit().await?;
            session.logout()?;
            session.commit().await
        });
        assert!(seen.await.removes_cookie(), "{home:?}");
        let seen = tab.stay(|session| async move {
            session.login("ada")?;
            session.commit().await?;
            session.login("bob")?;
            session.commit().await?;
            session.logout()?;
            session.set("value", &4)
        });
        assert!(seen.await.cookie().starts_with("__Host-session="), "{home:?}");
    }
}

async fn sign_in(session: Session) -> Result<(), Error> {
    session.persist_for(Duration::from_secs(100))?;
    session.login("ada")
}

async fn sign_out(session: Session) -> Result<(), Error> {
    session.logout()
}

#[tokio::test]
async fn a049_a_removal_repeats_every_attribute_of_the_cookie() {
    for home in HOMES {
        for policy in [
            policy(),
            policy().name("__Secure-id").domain("example.com").path("/app"),
            policy().same_site(SameSite::None).partitioned(true),
            policy().same_site(SameSite::Strict).danger_script_readable().name("id"),
            policy().danger_insecure(),
        ] {
            let lab = Lab::with(home, |builder| builder.cookie(policy.clone()));
            let app = Router::new()
                .route("/in", get(sign_in))
                .route("/out", get(sign_out))
                .layer(lab.sessions.layer());
            let send = async |uri: &str, cookie: &str| {
                let request = Request::get(uri).header("cookie", cookie).body(Body::empty()).unwrap();
                let response = app.clone().oneshot(request).await.unwrap();
                response.headers()["set-cookie"].to_str().unwrap().to_owned()
            };
            let set = send("/in", "").await;
            let removal = send("/out", set.split(';').next().unwrap()).await;
            let (set_name, removed_name) = (set.split('=').next(), removal.split('=').next());
            let attributes = |line: &str| {
                let own =
                    |attribute: &&str| !attribute.starts_with("Max-Age") && !attribute.starts_with("Expires");
                line.split("; ").skip(1).filter(own).map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!((set_name, attributes(&set)), (removed_name, attributes(&removal)), "{home:?}");
            assert!(removal.contains("=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "{removal}");
        }
    }
}

#[tokio::test]
async fn a050_a_session_comes_in_its_cookie_and_by_no_other_way() {
    for home in HOMES {
        let lab = Lab::new(home);
        let token = lab.user("ada").await.cookie.unwrap();
        let who = |session: Option<Session>| async move {
            session.and_then(|session| session.subject()).is_some().to_string()
        };
        let app = Router::new().fallback(who).layer(lab.sessions.layer());
        for request in [
            Request::get(format!("/?__Host-session={token}")),
            Request::get(format!("/;__Host-session={token}")),
            Request::get(format!("/{token}")),
            Request::get("/").header("authorization", format!("Bearer {token}")),
            Request::get("/").header("x-session", &token).header("__Host-session", &token),
            Request::get("/").header("set-cookie", format!("__Host-session={token}")),
            Request::get("/").header("cookie2", format!("__Host-session={token}")),
        ] {
            let request = request.body(Body::from(format!("__Host-session={token}"))).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            let body = axum::body::to_bytes(response.into_body(), 10).await.unwrap();
            assert_eq!(body, "false", "{home:?}");
        }
    }
}

#[tokio::test]
async fn a051_a_response_with_a_cookie_is_stored_by_nobody() {
    for home in HOMES {
        let lab = Lab::new(home);
        let publish = axum::middleware::map_response(|mut response: axum::response::Response| async move {
            let value = "public, s-maxage=31536000".parse().unwrap();
            response.headers_mut().insert("cache-control", value);
            response
        });
        let mut tab = Tab { app: handler().layer(publish).layer(lab.sessions.layer()), ..lab.tab() };
        for seen in [
            tab.visit(|session| session.set("value", &1)).await,
            tab.visit(|session| session.login("ada")).await,
            tab.visit(Session::logout).await,
        ] {
            assert!(seen.sets_cookie(), "{home:?}");
            assert_eq!(seen.header("cache-control"), Some("no-store"), "{home:?}");
            assert_eq!(seen.header("vary"), Some("Cookie"), "{home:?}");
        }
    }
}

#[tokio::test]
async fn a124_every_unsafe_choice_has_danger_in_its_name() {
    for home in HOMES {
        let mut tab = Lab::new(home).tab();
        let seen = tab.visit(|session| session.login("ada")).await;
        let (_, attributes) = seen.cookie().split_once(';').unwrap();
        assert_eq!(attributes, " Path=/; Secure; HttpOnly; SameSite=Lax", "{home:?}: the default");
    }
    // What else could be unsafe has no name at all: sessions without an end are refused.
    let endless = Lifetime::default().absolute(Duration::MAX).idle(Duration::MAX);
    let builder = || Sessions::builder(KeyRing::random().unwrap());
    assert!(builder().single_node().lifetime(endless).build().is_err());
    assert!(builder().build().is_err(), "a logout that means nothing has to be asked for");
    assert!(builder().danger_without_revocation().grace(Duration::ZERO).build().is_ok());
}

#[tokio::test]
async fn a125_secure_does_not_depend_on_what_the_request_looks_like() {
    for home in HOMES {
        let lab = Lab::new(home);
        for headers in [
            &[("x-forwarded-proto", "http")][..],
            &[("forwarded", "proto=http")],
            &[("host", "localhost:3000"), ("origin", "http://localhost:3000")],
        ] {
            let mut tab = lab.tab().sending(headers);
            let seen = tab.visit(|session| session.set("value", &1)).await;
            assert!(seen.cookie().contains("; Secure"), "{home:?}");
        }
        let response = lab.tab().send(Method::GET, "http://plain.example/", Body::empty(), None).await;
        assert!(response.headers().get("set-cookie").is_none());
    }
}

#[tokio::test]
async fn a126_clear_site_data_comes_on_top_of_the_end_and_not_for_everybody() {
    for home in HOMES {
        let lab = Lab::new(home);
        let layer = lab.sessions.layer().clear_site_data(ClearSiteData::default().cache(true));
        let mut tab = lab.user("ada").await;
        tab.app = app(layer);
        let mut saved = tab.clone();
        let seen = tab.visit(Session::logout).await;
        assert_eq!(seen.header("clear-site-data"), Some(r#""cache", "cookies", "storage""#), "{home:?}");
        assert!(saved.visit(|session| Ok(session.subject().is_none())).await.ok(), "the server ends it too");
        for tab in [&mut tab, &mut lab.tab()] {
            let seen = tab.visit(|session| session.get::<u64>("value")).await;
            assert_eq!(seen.header("clear-site-data"), None, "{home:?}: not on every anonymous request");
        }
    }
}
