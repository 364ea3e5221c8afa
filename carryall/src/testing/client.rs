//! A client with a cookie jar, for applications under test.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tower_service::Service;

/// Calls a service like a browser with one tab: keeps cookies, sends them back, deletes those that are removed.
///
/// Any tower service will do that takes `http_body_util::Full<Bytes>`, such as an axum `Router`. Cookies are
/// sent to every path; attributes are not judged.
#[derive(Clone, Debug)]
pub struct TestClient<S> {
    service: S,
    cookies: Vec<(String, String)>,
}

/// A request under construction.
#[derive(Debug)]
#[must_use = "call `send`"]
pub struct TestRequest<'a, S> {
    client: &'a mut TestClient<S>,
    request: http::request::Builder,
    body: Bytes,
}

/// A response with its whole body.
#[derive(Clone, Debug)]
pub struct TestResponse {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl<S> TestClient<S> {
    /// A client without cookies.
    pub fn new(service: S) -> Self {
        Self { service, cookies: Vec::new() }
    }

    /// The value of a cookie in the jar.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Puts a cookie into the jar, in place of one of the same name.
    pub fn set_cookie(&mut self, name: &str, value: &str) {
        self.delete_cookie(name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    /// Deletes a cookie.
    pub fn delete_cookie(&mut self, name: &str) {
        self.cookies.retain(|(known, _)| known != name);
    }

    /// All cookies in the jar.
    pub fn cookies(&self) -> &[(String, String)] {
        &self.cookies
    }

    /// A request with this method.
    pub fn request(&mut self, method: Method, uri: &str) -> TestRequest<'_, S> {
        TestRequest { client: self, request: Request::builder().method(method).uri(uri), body: Bytes::new() }
    }

    fn take_cookies(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let Ok(line) = line.to_str() else { continue };
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let Some((name, value)) = pair.split_once('=') else { continue };
            let is_removal =
                attributes.split(';').any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"));
            if is_removal {
                self.delete_cookie(name);
            } else {
                self.set_cookie(name, value);
            }
        }
    }
}

impl<S> TestClient<S> {
    /// Sends a GET.
    pub async fn get<C>(&mut self, uri: &str) -> TestResponse
    where
        S: Service<Request<Full<Bytes>>, Response = Response<C>>,
        S::Error: std::fmt::Debug,
        C: Body<Data = Bytes>,
        C::Error: std::fmt::Debug,
    {
        self.request(Method::GET, uri).send().await
    }

    /// Sends a POST without a body.
    pub async fn post<C>(&mut self, uri: &str) -> TestResponse
    where
        S: Service<Request<Full<Bytes>>, Response = Response<C>>,
        S::Error: std::fmt::Debug,
        C: Body<Data = Bytes>,
        C::Error: std::fmt::Debug,
    {
        self.request(Method::POST, uri).send().await
    }
}

impl<S> TestRequest<'_, S> {
    /// Adds a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Sets the body.
    pub fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self.header("content-type", content_type)
    }

    /// Sends it with the jar's cookies and keeps those that come back.
    ///
    /// # Panics
    /// If the request is malformed or the service or its body fails: in a test that is a failure.
    #[allow(clippy::expect_used, reason = "a helper for tests may stop them")]
    pub async fn send<C>(self) -> TestResponse
    where
        S: Service<Request<Full<Bytes>>, Response = Response<C>>,
        S::Error: std::fmt::Debug,
        C: Body<Data = Bytes>,
        C::Error: std::fmt::Debug,
    {
        let jar: Vec<_> = self.client.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request = self.request;
        if !jar.is_empty() {
            request = request.header(header::COOKIE, jar.join("; "));
        }
        let request = request.body(Full::new(self.body)).expect("a well-formed request");
        let service = &mut self.client.service;
        std::future::poll_fn(|cx| service.poll_ready(cx)).await.expect("a ready service");
        let response = service.call(request).await.expect("a response");
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        self.client.take_cookies(&parts.headers);
        TestResponse { status: parts.status, headers: parts.headers, body }
    }
}

impl TestResponse {
    /// The body as text.
    ///
    /// # Panics
    /// If it is not UTF-8.
    #[allow(clippy::expect_used, reason = "a helper for tests may stop them")]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    /// The values of a header.
    pub fn header_values(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect()
    }
}
