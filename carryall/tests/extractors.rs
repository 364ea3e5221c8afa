//! The extractors: whom they let in, and what everybody else gets.

mod common;

use std::time::Duration;

use axum::Router;
use axum::extract::FromRequestParts;
use axum::http::{Method, Request, StatusCode};
use axum::routing::{get, post};
use carryall::axum::{
    Authenticated, CsrfForm, Fresh, FreshPolicy, Rejection, RejectionKind, SessionOrAnonymous,
};
use carryall::testing::{TestClient, TestResponse};
use carryall::{Error, Segment, SegmentData, Session, SessionHandle};
use common::house::{HOMES, Home};
use common::lab::Lab;
use common::log::Log;
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct Cart {
    items: Vec<String>,
}

impl SegmentData for Cart {
    const NAME: &'static str = "cart";
}

#[derive(Deserialize)]
struct Profile {
    name: String,
    age: u8,
}

struct Payment;

impl FreshPolicy for Payment {
    const MAX_AGE: Duration = Duration::from_mins(5);
    const LEVEL: u8 = 2;
}

fn routes() -> Router {
    Router::new()
        .route("/login", get(|session: Session| async move { session.login("ada") }))
        .route("/elevate", get(|session: Session| async move { session.elevate(2) }))
        .route("/token", get(|session: Session| async move { session.csrf().token() }))
        .route(
            "/who",
            get(|user: Authenticated| async move { format!("{} {}", user.subject(), user.level()) }),
        )
        .route("/maybe", get(|user: Option<Authenticated>| async move { user.is_some().to_string() }))
        .route("/session", get(|session: Option<Session>| async move { session.is_some().to_string() }))
        .route(
            "/cart",
            get(add).post(|cart: Option<Segment<Cart>>| async move { cart.is_some().to_string() }),
        )
        .route("/pay", get(|user: Fresh<Payment>| async move { user.get().subject().to_string() }))
        .route("/handle", get(|handle: SessionHandle| async move { handle.has_cookie().to_string() }))
        .route(
            "/anyway",
            get(
                |SessionOrAnonymous(session): SessionOrAnonymous| async move { session.exists().to_string() },
            ),
        )
        .route(
            "/form",
            post(|form: CsrfForm<Profile>| async move { format!("{} {}", form.0.name, form.0.age) })
                .get(|_: CsrfForm<Profile>| async {}),
        )
}

async fn add(cart: Segment<Cart>) -> Result<String, Error> {
    cart.update(|cart| cart.items.push("tea".into()))?;
    Ok(cart.read()?.items.len().to_string())
}

type Client = TestClient<Router>;

fn client(lab: &Lab) -> Client {
    TestClient::new(routes().layer(lab.sessions.layer()))
}

async fn status(client: &mut Client, path: &str) -> StatusCode {
    client.get(path).await.status
}

#[tokio::test]
async fn only_somebody_signed_in_is_authenticated() {
    for home in HOMES {
        let mut client = client(&Lab::new(home));
        let response = client.get("/who").await;
        assert_eq!(response.status, StatusCode::UNAUTHORIZED, "{home:?}");
        assert_eq!(response.headers["cache-control"], "no-store");
        assert_eq!(
            (client.get("/maybe").await.text(), client.get("/session").await.text()),
            ("false", "true")
        );
        client.get("/login").await;
        assert_eq!(client.get("/who").await.text(), "ada 1", "{home:?}");
        assert_eq!(client.get("/maybe").await.text(), "true");
        assert_eq!(client.get("/anyway").await.text(), "true");
    }
}

#[tokio::test]
async fn documents_are_extractors_too() {
    for home in HOMES {
        let mut client = client(&Lab::new(home));
        for n in ["1", "2"] {
            assert_eq!(client.get("/cart").await.text(), n, "{home:?}");
        }
        assert_eq!(client.post("/cart").await.text(), "true");
    }
}

#[tokio::test]
async fn a_sensitive_route_asks_for_the_level_and_for_a_recent_proof() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut client = client(&lab);
        assert_eq!(status(&mut client, "/pay").await, StatusCode::UNAUTHORIZED, "nobody");
        client.get("/login").await;
        assert_eq!(
            status(&mut client, "/pay").await,
            StatusCode::FORBIDDEN,
            "{home:?}: a password is not enough"
        );
        client.get("/elevate").await;
        assert_eq!(client.get("/pay").await.text(), "ada", "{home:?}");
        lab.wait(5 * 60 - 1);
        assert_eq!(status(&mut client, "/pay").await, StatusCode::OK, "{home:?}");
        lab.wait(1);
        assert_eq!(status(&mut client, "/pay").await, StatusCode::UNAUTHORIZED, "{home:?}: too long ago");
        assert_eq!(status(&mut client, "/who").await, StatusCode::OK);
        client.get("/elevate").await;
        assert_eq!(status(&mut client, "/pay").await, StatusCode::OK, "{home:?}");
    }
}

#[tokio::test]
async fn rejections_say_what_they_are() {
    let lab = Lab::new(Home::Sealed);
    let (mut parts, ()) = Request::get("/").body(()).unwrap().into_parts();
    let rejection = <Session as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await.unwrap_err();
    assert_eq!(
        (rejection.kind(), rejection.status()),
        (RejectionKind::Session, StatusCode::INTERNAL_SERVER_ERROR)
    );
    let reason = |result: Result<Authenticated, Rejection>| result.map(drop).unwrap_err().kind();
    let app = Router::new()
        .route(
            "/",
            get(move |user: Result<Authenticated, Rejection>| async move { format!("{:?}", reason(user)) }),
        )
        .layer(lab.sessions.layer());
    assert_eq!(TestClient::new(app).get("/").await.text(), "Anonymous");
}

const FORM: &str = "application/x-www-form-urlencoded";

async fn post_form(client: &mut Client, content_type: &str, body: String) -> TestResponse {
    client.request(Method::POST, "/form").body(content_type, body).send().await
}

#[tokio::test]
async fn a_form_needs_the_token_of_its_session_since_the_last_login() {
    for home in HOMES {
        let lab = Lab::new(home);
        let (mut tab, mut other) = (client(&lab), client(&lab));
        let token = tab.get("/token").await.text().to_owned();
        let theirs = other.get("/token").await.text().to_owned();
        let fields = |token: &str| format!("name=Ada+L&age=36&csrf_token={token}");
        for content_type in
            [FORM, "application/x-www-form-urlencoded; charset=utf-8", "Application/X-WWW-Form-Urlencoded"]
        {
            let response = post_form(&mut tab, content_type, fields(&token)).await;
            assert_eq!((response.status, response.text()), (StatusCode::OK, "Ada L 36"), "{home:?}");
        }
        let cut = token[..53].to_owned();
        for forged in [
            fields(&theirs),
            fields(""),
            fields(&cut),
            "name=a&age=1".into(),
            fields(&format!("{token}&csrf_token={token}")),
        ] {
            let response = post_form(&mut tab, FORM, forged).await;
            assert_eq!(response.status, StatusCode::FORBIDDEN, "{home:?}");
        }
        tab.get("/login").await;
        assert_eq!(post_form(&mut tab, FORM, fields(&token)).await.status, StatusCode::FORBIDDEN, "{home:?}");
        let token = tab.get("/token").await.text().to_owned();
        assert_eq!(post_form(&mut tab, FORM, fields(&token)).await.status, StatusCode::OK, "{home:?}");
        assert_eq!(post_form(&mut client(&lab), FORM, fields(&token)).await.status, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn a_form_that_is_none_is_refused_by_its_own_status() {
    let lab = Lab::new(Home::Sealed);
    let mut tab = client(&lab);
    let token = tab.get("/token").await.text().to_owned();
    for (content_type, body, status) in [
        (FORM, format!("name=a&age=old&csrf_token={token}"), StatusCode::BAD_REQUEST),
        ("text/plain", format!("name=a&age=1&csrf_token={token}"), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("application/json", "{}".into(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (FORM, format!("csrf_token={token}&name={}", "x".repeat(64 * 1024)), StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        assert_eq!(post_form(&mut tab, content_type, body).await.status, status);
    }
    assert_eq!(
        status(&mut tab, "/form").await,
        StatusCode::METHOD_NOT_ALLOWED,
        "a token does not belong into a URL"
    );
}

#[tokio::test]
async fn without_the_layer_the_visitor_learns_nothing_and_the_log_says_what_to_do() {
    let log = Log::global();
    let mut client = TestClient::new(routes());
    for path in ["/login", "/who", "/pay", "/handle", "/anyway", "/cart"] {
        let before = log.text().len();
        let response = client.get(path).await;
        assert_eq!(response.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(response.text(), "the session is not available");
        assert!(log.text()[before..].contains("add `sessions.layer()`"), "{path}: {}", log.text());
    }
    for path in ["/maybe", "/session"] {
        assert_eq!(client.get(path).await.text(), "false", "{path}");
    }
    assert_eq!(client.post("/cart").await.text(), "false");
}

#[tokio::test]
async fn many_extractors_load_one_session_once() {
    let lab = Lab::new(Home::Store);
    let app = Router::new()
        .route(
            "/",
            get(
                |a: Session,
                 b: Session,
                 _: Option<Authenticated>,
                 _: Segment<Cart>,
                 _: SessionOrAnonymous| async move {
                    a.set("value", &5)?;
                    b.get::<u64>("value").map(|value| value.unwrap().to_string())
                },
            ),
        )
        .layer(lab.sessions.layer());
    let mut tab = lab.visitor().await;
    let mut client = TestClient::new(app);
    client.set_cookie("__Host-session", &tab.cookie.take().unwrap());
    assert_eq!(client.get("/").await.text(), "5");
    assert_eq!(lab.store.take(), "LC");
}
