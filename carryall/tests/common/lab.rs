//! An application whose handlers are the test's own closures, and browsers that visit it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use axum::response::IntoResponse;
use carryall::testing::FrozenClock;
use carryall::{Error, ErrorKind, KeyRing, Session, SessionLayer, Sessions, SessionsBuilder};
use tower::ServiceExt;

use super::events::Events;
use super::house::{Home, builder_with};
use super::log::{keep_secret, listen};
use super::recorder::Recorder;

/// An application with one handler: whatever the visit brings along.
#[derive(Clone, Debug)]
pub struct Lab {
    pub home: Home,
    pub clock: FrozenClock,
    pub store: Recorder,
    pub events: Events,
    pub sessions: Sessions,
    pub app: Router,
}

impl Lab {
    pub fn new(home: Home) -> Self {
        Self::with(home, |builder| builder)
    }

    pub fn with(home: Home, configure: impl FnOnce(SessionsBuilder) -> SessionsBuilder) -> Self {
        Self::with_keys(home, KeyRing::random().unwrap(), configure)
    }

    pub fn with_keys(
        home: Home,
        ring: KeyRing,
        configure: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
    ) -> Self {
        listen();
        let (clock, store, events) = (FrozenClock::default(), Recorder::default(), Events::default());
        let plain = builder_with(ring, home, &clock, &store).observer(events.clone());
        let sessions = configure(plain).build().unwrap();
        let app = app(sessions.layer());
        Self { home, clock, store, events, sessions, app }
    }

    /// The same application with other keys; it has the same clock, store and observer.
    pub fn rotated(&self, ring: KeyRing) -> Self {
        let builder = builder_with(ring, self.home, &self.clock, &self.store);
        let sessions = builder.observer(self.events.clone()).build().unwrap();
        let app = app(sessions.layer());
        Self { sessions, app, ..self.clone() }
    }

    pub fn wait(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// A browser without cookies.
    pub fn tab(&self) -> Tab {
        Tab { app: self.app.clone(), cookie: None, headers: Vec::new(), status: StatusCode::OK }
    }

    /// A browser whose session has `value` = 1.
    pub async fn visitor(&self) -> Tab {
        let mut tab = self.tab();
        tab.visit(|session| session.set("value", &1)).await.ok();
        tab.visit(|session| session.get::<u64>("value")).await.ok();
        self.store.take();
        self.events.take();
        tab
    }

    /// A browser whose session has `value` = 1 and belongs to `subject`.
    pub async fn user(&self, subject: &'static str) -> Tab {
        let mut tab = self.visitor().await;
        tab.visit(move |session| session.login(subject)).await.ok();
        self.store.take();
        self.events.take();
        tab
    }
}

/// The application with this layer.
pub fn app(layer: SessionLayer) -> Router {
    handler().layer(layer)
}

/// The application without a session layer.
pub fn handler() -> Router {
    Router::new().fallback(run)
}

/// A browser with one cookie; a clone is a copy of its cookie jar.
#[derive(Clone, Debug)]
pub struct Tab {
    pub app: Router,
    pub cookie: Option<String>,
    pub headers: Vec<(&'static str, &'static str)>,
    /// With which status the handlers answer when they succeed.
    pub status: StatusCode,
}

/// What came of a visit.
#[derive(Debug)]
pub struct Seen<R> {
    /// What the handler answered; `None` if it was not reached.
    pub answer: Option<Result<R, ErrorKind>>,
    pub status: StatusCode,
    pub headers: HeaderMap,
}

impl Tab {
    /// The same browser, sending these headers too.
    pub fn sending(&self, headers: &[(&'static str, &'static str)]) -> Self {
        Self { headers: headers.to_vec(), ..self.clone() }
    }

    /// Visits with a handler that does this; keeps the cookie that comes back.
    pub async fn visit<R: Send + 'static>(
        &mut self,
        deed: impl FnOnce(&Session) -> Result<R, Error> + Send + 'static,
    ) -> Seen<R> {
        self.stay(|session| async move { deed(&session) }).await
    }

    /// [`visit`](Self::visit) with a handler that waits.
    pub async fn stay<R: Send + 'static, F>(
        &mut self,
        deed: impl FnOnce(Session) -> F + Send + 'static,
    ) -> Seen<R>
    where
        F: Future<Output = Result<R, Error>> + Send + 'static,
    {
        let seen = self.peek(deed).await;
        self.keep(&seen.headers);
        seen
    }

    /// [`stay`](Self::stay) that forgets the cookie that comes back, as when the response is lost.
    pub async fn peek<R: Send + 'static, F>(
        &self,
        deed: impl FnOnce(Session) -> F + Send + 'static,
    ) -> Seen<R>
    where
        F: Future<Output = Result<R, Error>> + Send + 'static,
    {
        let answer = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&answer);
        let status = self.status;
        let deed = Deed::new(move |session| async move {
            let result = deed(session).await;
            let (told, result) = match result {
                Ok(value) => (Ok(value), Ok(())),
                Err(error) => (Err(error.kind()), Err(error)),
            };
            *slot.lock().unwrap() = Some(told);
            result.map(|()| status)
        });
        let response = self.send(Method::GET, "/", Body::empty(), Some(deed)).await;
        let (parts, _) = response.into_parts();
        let answer = answer.lock().unwrap().take();
        Seen { answer, status: parts.status, headers: parts.headers }
    }

    /// Sends a plain request.
    pub async fn send(&self, method: Method, uri: &str, body: Body, deed: Option<Deed>) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, format!("__Host-session={cookie}"));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body).unwrap();
        if let Some(deed) = deed {
            request.extensions_mut().insert(deed);
        }
        self.app.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
    }

    /// Does what a browser does with the session's `Set-Cookie`.
    pub fn keep(&mut self, headers: &HeaderMap) {
        for line in headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().unwrap();
            let Some(rest) = line.strip_prefix("__Host-session=") else { continue };
            let value = rest.split(';').next().unwrap();
            keep_secret(value);
            self.cookie = (!value.is_empty() && !rest.contains("Max-Age=0")).then(|| value.to_owned());
        }
    }
}

impl<R> Seen<R> {
    /// What the handler answered, which must have succeeded with its response.
    #[track_caller]
    pub fn ok(self) -> R {
        assert!(!self.status.is_client_error() && !self.status.is_server_error(), "{}", self.status);
        match self.answer {
            Some(Ok(value)) => value,
            Some(Err(kind)) => panic!("the handler got an error: {kind:?}"),
            None => panic!("the handler was not reached"),
        }
    }

    /// The kind of error that the handler got.
    #[track_caller]
    pub fn error(&self) -> ErrorKind {
        match &self.answer {
            Some(Err(kind)) => *kind,
            _ => panic!("the handler got no error"),
        }
    }

    /// Every `Set-Cookie` line.
    pub fn cookies(&self) -> Vec<&str> {
        self.headers.get_all(header::SET_COOKIE).iter().map(|line| line.to_str().unwrap()).collect()
    }

    /// The one `Set-Cookie` line.
    #[track_caller]
    pub fn cookie(&self) -> &str {
        match self.cookies().as_slice() {
            [one] => one,
            lines => panic!("{} cookies", lines.len()),
        }
    }

    pub fn sets_cookie(&self) -> bool {
        !self.cookies().is_empty()
    }

    pub fn removes_cookie(&self) -> bool {
        self.sets_cookie() && self.cookie().contains("=; Max-Age=0;")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type Answer = Pin<Box<dyn Future<Output = Result<StatusCode, Error>> + Send>>;
type Work = Box<dyn FnOnce(Session) -> Answer + Send>;

/// What the handler is to do, sent along with the request.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "a closure")]
pub struct Deed(Arc<Mutex<Option<Work>>>);

impl Deed {
    pub fn new<F>(work: impl FnOnce(Session) -> F + Send + 'static) -> Self
    where
        F: Future<Output = Result<StatusCode, Error>> + Send + 'static,
    {
        Self(Arc::new(Mutex::new(Some(Box::new(move |session| Box::pin(work(session)))))))
    }
}

async fn run(request: Request) -> Response<Body> {
    let (mut parts, _) = request.into_parts();
    let Some(deed) = parts.extensions.remove::<Deed>() else { return StatusCode::OK.into_response() };
    match <Session as FromRequestParts<()>>::from_request_parts(&mut parts, &()).await {
        Ok(session) => {
            let work = deed.0.lock().unwrap().take().expect("one deed a request");
            work(session).await.into_response()
        }
        Err(rejection) => rejection.into_response(),
    }
}
