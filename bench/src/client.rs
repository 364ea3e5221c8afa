//! A browser without a network: one cookie, and an application to call.

use axum::Router;
use axum::body::Body;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use tower_service::Service;

use crate::scenario::Scenario;

/// Calls one application, one request at a time.
#[derive(Debug)]
pub(crate) struct Client {
    app: Router,
    cookie: Option<HeaderValue>,
    set_cookie_bytes: usize,
}

impl Client {
    /// A client that has no cookie yet.
    pub(crate) fn new(app: Router) -> Self {
        // As `axum::serve` does it: routes are built now, not with every request.
        let app = app.with_state(());
        Self { app, cookie: None, set_cookie_bytes: 0 }
    }

    /// Starts a session, if the application keeps any. One that does not is sent a cookie of common size, for a
    /// request with a cookie has to be compared with a request with a cookie.
    pub(crate) async fn sign_in(&mut self) {
        self.send(Scenario::New).await;
        let placeholder = || HeaderValue::from_str(&format!("session={}", "x".repeat(432)));
        self.cookie.get_or_insert_with(|| placeholder().expect("letters make a header"));
    }

    /// What the client sends as its cookie: `name=value`.
    pub(crate) fn cookie(&self) -> Option<&str> {
        self.cookie.as_ref().and_then(|cookie| cookie.to_str().ok())
    }

    /// The length of the last `Set-Cookie` value, attributes included.
    pub(crate) fn set_cookie_bytes(&self) -> usize {
        self.set_cookie_bytes
    }

    /// The measured loop.
    pub(crate) async fn send_many(&mut self, scenario: Scenario, times: u32) {
        for _ in 0..times {
            self.send(scenario).await;
        }
    }

    /// One request; keeps the cookie that the response sets.
    pub(crate) async fn send(&mut self, scenario: Scenario) -> Response<Body> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = Uri::from_static(scenario.path());
        if let Some(cookie) = self.cookie.as_ref().filter(|_| scenario.sends_cookie()) {
            request.headers_mut().insert(COOKIE, cookie.clone());
        }
        let Ok(response) = self.app.call(request).await;
        if let Some(header) = response.headers().get(SET_COOKIE) {
            let bytes = header.as_bytes();
            let pair = memchr::memchr(b';', bytes).map_or(bytes, |end| &bytes[..end]);
            self.set_cookie_bytes = bytes.len();
            self.cookie = Some(HeaderValue::from_bytes(pair).expect("a part of a header is a header"));
        }
        response
    }

    /// One request; its body as text.
    pub(crate) async fn ask(&mut self, scenario: Scenario) -> String {
        let response = self.send(scenario).await;
        let status = response.status();
        let body = response.into_body().collect().await.expect("bodies of the benchmark are in memory");
        let text = String::from_utf8_lossy(&body.to_bytes()).into_owned();
        assert!(status.is_success(), "{scenario} was answered by {status}: {text}");
        text
    }
}
