//! Tokens in headers, asked for by a strict policy when the other headers prove nothing.

mod common;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use axum::routing::get;
use carryall::event::{CsrfRefusal, Event};
use carryall::{CsrfPolicy, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};
use common::log::Log;
use tower::ServiceExt;

fn routes() -> Router {
    Router::new()
        .route("/token", get(|session: Session| async move { session.csrf().token() }))
        .route("/login", get(|session: Session| async move { session.login("ada") }))
        .route("/logout", get(|session: Session| async move { session.logout() }))
        .fallback(|| async {})
}

fn strict_policy() -> CsrfPolicy {
    CsrfPolicy::default().origin("https://app.example.com").strict()
}

/// A visitor of an application in strict mode, with a token.
async fn strict(home: Home) -> (Lab, Tab, String) {
    let lab = Lab::new(home);
    let layer = lab.sessions.csrf_layer(strict_policy()).unwrap();
    let mut tab = Tab { app: routes().layer(layer).layer(lab.sessions.layer()), ..lab.tab() };
    let token = token(&mut tab).await;
    (lab, tab, token)
}

async fn token(tab: &mut Tab) -> String {
    let response = tab.send(Method::GET, "/token", Body::empty(), None).await;
    tab.keep(response.headers());
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

async fn visit(tab: &mut Tab, path: &str) {
    let response = tab.send(Method::GET, path, Body::empty(), None).await;
    assert_eq!(response.status(), StatusCode::OK);
    tab.keep(response.headers());
}

async fn post_with(tab: &Tab, token: &str) -> StatusCode {
    let request = Request::post("/act")
        .header("cookie", format!("__Host-session={}", tab.cookie.as_deref().unwrap_or("")));
    let request = if token.is_empty() { request } else { request.header("x-csrf-token", token) };
    tab.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap().status()
}

#[tokio::test]
async fn a_strict_policy_asks_for_a_token_when_headers_prove_nothing() {
    for home in HOMES {
        let (lab, tab, token) = strict(home).await;
        assert_eq!(post_with(&tab, &token).await, StatusCode::OK, "{home:?}");
        lab.events.take();
        for (wrong, reason) in [
            ("", CsrfRefusal::MissingToken),
            ("x", CsrfRefusal::WrongToken),
            (&token[1..], CsrfRefusal::WrongToken),
        ] {
            assert_eq!(post_with(&tab, wrong).await, StatusCode::FORBIDDEN, "{home:?} {wrong}");
            assert_eq!(lab.events.take(), [Event::CsrfRefused { reason }]);
        }
        let garbage = Tab { cookie: Some("garbage".into()), ..tab.clone() };
        assert_eq!(post_with(&garbage, &token).await, StatusCode::FORBIDDEN, "{home:?}");
        let nobody = Tab { cookie: None, ..tab };
        assert_eq!(
            post_with(&nobody, "").await,
            StatusCode::OK,
            "{home:?}: without a session there is nothing to ride on"
        );
    }
}

#[tokio::test]
async fn a092_and_a094_a_token_of_another_session_or_time_is_refused() {
    for home in HOMES {
        let (lab, mut tab, old) = strict(home).await;
        let mut other = Tab { app: tab.app.clone(), ..lab.tab() };
        let theirs = token(&mut other).await;
        assert_eq!(post_with(&tab, &theirs).await, StatusCode::FORBIDDEN, "{home:?}: another session");
        for path in ["/login", "/logout"] {
            visit(&mut tab, path).await;
            let mut now = tab.clone();
            now.cookie.get_or_insert_with(|| "removed".into());
            assert_eq!(post_with(&now, &old).await, StatusCode::FORBIDDEN, "{home:?} {path}");
        }
        let fresh = token(&mut tab).await;
        assert_eq!(post_with(&tab, &fresh).await, StatusCode::OK, "{home:?}");
    }
}

#[tokio::test]
async fn a093_every_token_looks_different_and_tabs_and_the_back_button_keep_working() {
    for home in HOMES {
        let (_lab, mut tab, first) = strict(home).await;
        let mut tokens = vec![first];
        for _ in 0..5 {
            let next = token(&mut tab).await;
            let shared = tokens[0].bytes().zip(next.bytes()).skip(11).filter(|(a, b)| a == b).count();
            assert!(!tokens.contains(&next) && shared < 20, "{home:?}: masked anew each time");
            tokens.push(next);
        }
        for token in &tokens {
            assert_eq!(post_with(&tab, token).await, StatusCode::OK, "{home:?}: as often as one likes");
        }
    }
}

#[tokio::test]
async fn a_layer_in_the_wrong_order_lets_nothing_pass_unchecked_and_says_so() {
    let log = Log::global();
    let lab = Lab::new(Home::Sealed);
    let layer = lab.sessions.csrf_layer(strict_policy()).unwrap();
    let tab =
        Tab { app: routes().layer(lab.sessions.layer()).layer(layer), cookie: Some("x".into()), ..lab.tab() };
    assert_eq!(post_with(&tab, "x").await, StatusCode::FORBIDDEN);
    assert!(log.text().contains("put `sessions.layer()` around"), "{}", log.text());
}

#[tokio::test]
async fn a_token_that_cannot_be_checked_for_an_outage_is_503() {
    let (lab, tab, token) = strict(Home::Store).await;
    lab.store.set_down(true);
    assert_eq!(post_with(&tab, &token).await, StatusCode::SERVICE_UNAVAILABLE);
    lab.store.set_down(false);
    assert_eq!(post_with(&tab, &token).await, StatusCode::OK);
}
