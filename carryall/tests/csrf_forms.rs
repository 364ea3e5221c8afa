//! Tokens in the bodies of forms: found within limits, and the handler gets the same bytes.

mod common;

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode};
use axum::routing::get;
use carryall::axum::CsrfForm;
use carryall::{CsrfPolicy, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};
use http_body::Frame;
use tower::ServiceExt;

const FORM: &str = "application/x-www-form-urlencoded";

/// A visitor of an application that looks for tokens in forms, with a token.
async fn visitor(home: Home) -> (Tab, String) {
    let lab = Lab::new(home);
    let layer = lab.sessions.csrf_layer(CsrfPolicy::default().strict()).unwrap().replay_forms();
    let app = Router::new()
        .route("/token", get(|session: Session| async move { session.csrf().token() }))
        .fallback(|body: Bytes| async move { body })
        .layer(layer)
        .layer(lab.sessions.layer());
    let mut tab = Tab { app, ..lab.tab() };
    let response = tab.send(Method::GET, "/token", Body::empty(), None).await;
    tab.keep(response.headers());
    let token = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    (tab, String::from_utf8(token.to_vec()).unwrap())
}

async fn post(tab: &Tab, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut request =
        Request::post("/").header("cookie", format!("__Host-session={}", tab.cookie.as_deref().unwrap()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    tab.app.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap()
}

async fn text(response: Response<Body>) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()
}

#[tokio::test]
async fn the_handler_gets_the_same_bytes() {
    for home in HOMES {
        let (tab, token) = visitor(home).await;
        for form in [
            format!("csrf_token={token}"),
            format!("a=%FF%00&&=&csrf_token={token}&b=\u{e9}+%2B"),
            format!("csrf%5Ftoken={token}&x"),
        ] {
            let response = post(&tab, &[("content-type", FORM)], form.clone()).await;
            assert_eq!(response.status(), StatusCode::OK, "{home:?} {form}");
            assert_eq!(text(response).await, form.as_bytes(), "{home:?}");
        }
    }
}

#[tokio::test]
async fn a_form_without_its_own_token_is_refused() {
    for home in HOMES {
        let (tab, token) = visitor(home).await;
        let (_, theirs) = visitor(home).await;
        for form in [
            String::new(),
            "a=1".into(),
            format!("csrf_token={theirs}"),
            format!("csrf_token={token}&csrf_token={token}"),
            format!("CSRF_TOKEN={token}"),
            format!("a=csrf_token%3D{token}"),
        ] {
            let response = post(&tab, &[("content-type", FORM)], form.clone()).await;
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{home:?} {form}");
        }
    }
}

#[tokio::test]
async fn other_content_and_encoded_content_are_not_read() {
    let (tab, token) = visitor(Home::Sealed).await;
    let form = format!("csrf_token={token}");
    for headers in [
        &[("content-type", "text/plain")][..],
        &[("content-type", "multipart/form-data; boundary=x")],
        &[],
        &[("content-type", FORM), ("content-encoding", "gzip")],
        &[("content-type", FORM), ("content-encoding", "identity")],
    ] {
        assert_eq!(post(&tab, headers, form.clone()).await.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
    let header = [("content-type", "text/plain"), ("x-csrf-token", &token)];
    let response = post(&tab, &header, "any body").await;
    assert_eq!(text(response).await, b"any body", "a token in a header needs no body");
}

#[tokio::test]
async fn a_form_of_64_kib_is_read_and_a_larger_one_is_refused() {
    let (tab, token) = visitor(Home::Sealed).await;
    for (len, status) in [(64 * 1024, StatusCode::OK), (64 * 1024 + 1, StatusCode::FORBIDDEN)] {
        let token = format!("csrf_token={token}&a=");
        let form = format!("{token}{}", "x".repeat(len - token.len()));
        let response = post(&tab, &[("content-type", FORM)], form.clone()).await;
        assert_eq!(response.status(), status, "{len}");
        let in_pieces =
            Body::new(Pieces(form.into_bytes().chunks(1000).map(Bytes::copy_from_slice).rev().collect()));
        assert_eq!(
            post(&tab, &[("content-type", FORM)], in_pieces).await.status(),
            status,
            "{len} in pieces"
        );
    }
}

/// A body of unknown length, last piece first in the list.
struct Pieces(Vec<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop().map(|piece| Ok(Frame::data(piece))))
    }
}

/// A body that begins and never ends.
struct Trickle(Option<Bytes>);

impl http_body::Body for Trickle {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.take().map_or(Poll::Pending, |piece| Poll::Ready(Some(Ok(Frame::data(piece)))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_refused_at_the_deadline() {
    let (tab, token) = visitor(Home::Sealed).await;
    let begun = tokio::time::Instant::now();
    let body = Body::new(Trickle(Some(Bytes::from(format!("csrf_token={token}")))));
    let response = post(&tab, &[("content-type", FORM)], body).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(begun.elapsed().as_secs(), 10);
}

/// A body whose connection breaks.
struct Broken;

impl http_body::Body for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(Some(Err(std::io::Error::other("reset"))))
    }
}

#[tokio::test]
async fn a_body_that_breaks_holds_no_token() {
    let (tab, _) = visitor(Home::Sealed).await;
    let response = post(&tab, &[("content-type", FORM)], Body::new(Broken)).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

/// What the extractor says to a form with these headers.
async fn extracted(headers: &[(&str, &str)], body: Body) -> StatusCode {
    let lab = Lab::new(Home::Store);
    let take = |_: CsrfForm<std::collections::BTreeMap<String, String>>| async {};
    let app = Router::new().route("/", axum::routing::post(take)).layer(lab.sessions.layer());
    let mut request = Request::post("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.oneshot(request.body(body).unwrap()).await.unwrap().status()
}

#[tokio::test(start_paused = true)]
async fn the_extractor_waits_for_a_form_no_longer_than_the_deadline() {
    let body = Body::new(Trickle(Some(Bytes::from_static(b"csrf_token="))));
    assert_eq!(extracted(&[("content-type", FORM)], body).await, StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn the_extractor_reads_plain_forms_only() {
    let encoded = [("content-type", FORM), ("content-encoding", "gzip")];
    assert_eq!(extracted(&encoded, Body::from("a=b")).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(extracted(&[], Body::from("a=b")).await, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(extracted(&[("content-type", FORM)], Body::from("a=b")).await, StatusCode::FORBIDDEN);
}
