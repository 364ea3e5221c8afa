//! The layer against forged requests, as attackers and browsers meet it.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{Request, Response, StatusCode};
use axum::routing::any;
use carryall::CsrfPolicy;
use carryall::event::{CsrfRefusal, Event};
use common::house::Home;
use common::lab::Lab;
use tower::ServiceExt;

/// Counts how often the handler runs, and answers with the body's length.
#[derive(Clone, Default)]
struct Runs(Arc<AtomicUsize>);

fn routes(runs: &Runs) -> Router {
    let runs = runs.clone();
    Router::new().fallback(any(move |body: Bytes| async move {
        runs.0.fetch_add(1, Ordering::SeqCst);
        body
    }))
}

fn app(lab: &Lab, runs: &Runs, policy: CsrfPolicy) -> Router {
    routes(runs).layer(lab.sessions.csrf_layer(policy).unwrap()).layer(lab.sessions.layer())
}

fn policy() -> CsrfPolicy {
    CsrfPolicy::default().origin("https://app.example.com").trust("https://pay.example")
}

async fn send(app: &Router, method: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Response<Body> {
    let mut request = Request::builder().method(method).uri("/act").header("host", "app.example.com");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    app.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap_or_else(|never| match never {})
}

/// Sends requests that must all be refused before the handler.
async fn refused(app: &Router, runs: &Runs, method: &str, headers: &[&[(&str, &str)]]) {
    for headers in headers {
        let response = send(app, method, headers, "").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{method} {headers:?}");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
    assert_eq!(runs.0.load(Ordering::SeqCst), 0, "the handler did not run");
}

async fn passed(app: &Router, method: &str, headers: &[&[(&str, &str)]]) {
    for headers in headers {
        let response = send(app, method, headers, "").await;
        assert_eq!(response.status(), StatusCode::OK, "{method} {headers:?}");
    }
}

const METHODS: [&str; 6] = ["POST", "PUT", "PATCH", "DELETE", "get", "PROPFIND"];

#[tokio::test]
async fn a083_to_a085_what_another_site_asks_for_is_refused_by_fetch_metadata() {
    let (lab, runs) = (Lab::new(Home::Sealed), Runs::default());
    let app = app(&lab, &runs, policy());
    for method in METHODS {
        let evil = ("origin", "https://evil.example");
        refused(
            &app,
            &runs,
            method,
            &[
                &[("sec-fetch-site", "cross-site"), evil],
                &[("sec-fetch-site", "cross-site")],
                &[("sec-fetch-site", "same-site"), ("origin", "https://evil.app.example.com")],
                &[("sec-fetch-site", "bogus")],
                &[("sec-fetch-site", "Same-Origin")],
                &[("sec-fetch-site", "")],
                &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
                &[("sec-fetch-site", "cross-site"), ("origin", "https://pay.example"), evil],
            ],
        )
        .await;
    }
    let told = lab.events.take();
    assert!(told.iter().all(|event| *event == Event::CsrfRefused { reason: CsrfRefusal::CrossSite }));
    assert_eq!(told.len(), METHODS.len() * 8, "each is told once");
    for method in METHODS {
        passed(
            &app,
            method,
            &[
                &[("sec-fetch-site", "same-origin")],
                &[("sec-fetch-site", "none")],
                &[("sec-fetch-site", "cross-site"), ("origin", "https://pay.example")],
            ],
        )
        .await;
    }
    passed(&app, "GET", &[&[("sec-fetch-site", "cross-site")], &[]]).await;
}

#[tokio::test]
async fn a086_and_a087_only_the_exact_origin_passes() {
    let (lab, runs) = (Lab::new(Home::Sealed), Runs::default());
    let exact = app(&lab, &runs, policy());
    let origins = [
        "null",
        "https://app.example.com:8443",
        "http://app.example.com",
        "https://app.example.com.evil.com",
        "https://evil.com/app.example.com",
        "https://app.example.com@evil.com",
        "https://APP.example.com",
        "https://app.example.com.",
        "https://app.example.com/",
        "https://xn--pp-xia.example.com",
        "app.example.com",
        "",
    ];
    for origin in origins {
        refused(&exact, &runs, "POST", &[&[("origin", origin)]]).await;
    }
    let own = ("origin", "https://app.example.com");
    refused(&exact, &runs, "POST", &[&[own, own]]).await;
    passed(&exact, "POST", &[&[own], &[("origin", "https://pay.example")]]).await;
    let by_host = app(&lab, &Runs::default(), CsrfPolicy::default());
    // Documented: without an own origin the scheme cannot be told behind a proxy.
    passed(&by_host, "POST", &[&[own], &[("origin", "http://app.example.com")]]).await;
    for origin in origins.iter().filter(|origin| **origin != "http://app.example.com") {
        refused(&by_host, &Runs::default(), "POST", &[&[("origin", origin)]]).await;
    }
}

#[tokio::test]
async fn a091_sockets_and_streams_of_other_sites_are_refused() {
    let (lab, runs) = (Lab::new(Home::Sealed), Runs::default());
    let app = app(&lab, &runs, policy());
    let (evil, upgrade) = (("origin", "https://evil.example"), ("upgrade", "websocket"));
    let stream = ("accept", "text/event-stream");
    refused(
        &app,
        &runs,
        "GET",
        &[
            &[upgrade, evil],
            &[upgrade, ("sec-fetch-site", "cross-site")],
            &[stream, evil],
            &[stream, ("sec-fetch-site", "same-site")],
        ],
    )
    .await;
    refused(&app, &runs, "CONNECT", &[&[evil]]).await;
    let own = ("origin", "https://app.example.com");
    passed(&app, "GET", &[&[upgrade, own], &[stream, own], &[stream]]).await;
}

#[tokio::test]
async fn a097_no_content_type_makes_a_difference() {
    let (lab, runs) = (Lab::new(Home::Sealed), Runs::default());
    let app = app(&lab, &runs, policy());
    for content_type in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json",
        "application/x-www-form-urlencoded",
    ] {
        let headers = [("sec-fetch-site", "cross-site"), ("content-type", content_type)];
        let response = send(&app, "POST", &headers, r#"{"amount":1000}"#).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{content_type}");
    }
    assert_eq!(runs.0.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_bypass_exempts_its_path_and_a_contradiction_is_refused_while_building() {
    let (lab, runs) = (Lab::new(Home::Sealed), Runs::default());
    let app = app(&lab, &runs, policy().bypass("/act"));
    passed(&app, "POST", &[&[("sec-fetch-site", "cross-site")]]).await;
    for wrong in [policy().bypass("/*"), policy().origin("https://App.example"), policy().token_header("a b")]
    {
        assert!(lab.sessions.csrf_layer(wrong).is_err());
    }
}
