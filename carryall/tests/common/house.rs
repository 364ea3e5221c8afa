//! An application under test with a frozen clock, in either home.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::get;
use carryall::clock::Clock;
use carryall::store::{AnyStore, Store};
use carryall::testing::FrozenClock;
use carryall::{Algorithm, Carrier, KeyRing, Session, Sessions, SessionsBuilder};
use tower::ServiceExt;

use super::recorder::Recorder;

/// Where sessions live in a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    Sealed,
    Signed,
    Store,
}

pub const HOMES: [Home; 3] = [Home::Sealed, Home::Signed, Home::Store];

/// The cookies of a request, as header lines.
#[derive(Clone, Debug)]
pub struct Cookies(pub Vec<String>);

impl Cookies {
    pub fn none() -> Self {
        Self(Vec::new())
    }

    pub fn one(token: &str) -> Self {
        Self(vec![format!("__Host-session={token}")])
    }

    pub fn two(first: &str, second: &str) -> Self {
        Self(vec![format!("__Host-session={first}; theme=dark; __Host-session={second}")])
    }
}

/// An application under test.
#[derive(Debug)]
pub struct House {
    pub home: Home,
    pub clock: FrozenClock,
    pub store: Recorder,
    pub sessions: Sessions,
    pub app: Router,
}

/// A configuration for this home.
pub fn builder(home: Home, clock: &FrozenClock, store: &Recorder) -> SessionsBuilder {
    builder_with(KeyRing::random().unwrap(), home, clock, store)
}

/// A configuration for this home with these keys.
pub fn builder_with(ring: KeyRing, home: Home, clock: &FrozenClock, store: &Recorder) -> SessionsBuilder {
    let builder = Sessions::builder(ring).single_node().clock(clock.clone());
    match home {
        Home::Sealed => builder,
        Home::Signed => builder.carrier(Carrier::Signed(Algorithm::Hs256)),
        Home::Store => builder.store(AnyStore::of(store.clone())),
    }
}

impl House {
    pub fn new(home: Home) -> Self {
        let (clock, store) = (FrozenClock::default(), Recorder::default());
        let sessions = builder(home, &clock, &store).build().unwrap();
        Self::with(home, clock, store, sessions)
    }

    pub fn with(home: Home, clock: FrozenClock, store: Recorder, sessions: Sessions) -> Self {
        let app = Router::new().route("/{deed}", get(perform)).layer(sessions.layer());
        Self { home, clock, store, sessions, app }
    }

    pub fn wait(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// What the store was asked since the last call; `-` for nothing.
    pub fn operations(&self) -> String {
        let operations = self.store.take();
        if operations.is_empty() { "-".into() } else { operations }
    }

    /// A session with a value that has come back once: the token of its cookie.
    pub async fn visited(&self) -> String {
        let token = self.request("write", &Cookies::none()).await.expect("a token");
        self.request("read", &Cookies::one(&token)).await;
        token
    }

    /// Sends a request; answers the new token, if there is one.
    pub async fn request(&self, deed: &str, cookies: &Cookies) -> Option<String> {
        token_of(self.send(deed, cookies).await.headers())
    }

    pub async fn send(&self, deed: &str, cookies: &Cookies) -> Response<Body> {
        self.app.clone().oneshot(Self::head(deed, cookies)).await.unwrap_or_else(|never| match never {})
    }

    fn head(deed: &str, cookies: &Cookies) -> Request<Body> {
        let mut request = Request::get(format!("/{deed}"));
        for line in &cookies.0 {
            request = request.header("cookie", line);
        }
        request.body(Body::empty()).unwrap()
    }

    /// Sends a request and answers the cell of the table that it makes.
    pub async fn perform(&self, deed: &str, cookies: &Cookies) -> String {
        let call = self.app.clone().oneshot(Self::head(deed, cookies));
        let seen = match deed {
            "panic" => match tokio::spawn(call).await {
                Err(error) if error.is_panic() => "!".to_owned(),
                other => panic!("the panic did not go through: {other:?}"),
            },
            "cancel" => {
                let mut call = pin!(call);
                let polled = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
                assert!(polled.is_pending(), "the handler waits for ever");
                "x".to_owned()
            }
            _ => cell(&answered(call.await), deed),
        };
        tokio::task::yield_now().await;
        format!("{seen}{}", self.operations())
    }

    /// A token with one character changed.
    pub fn tamper(token: &str) -> String {
        let at = token.len() / 2;
        let other = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        format!("{}{other}{}", &token[..at], &token[at + 1..])
    }

    /// The store forgets the newest record.
    pub async fn forget(&self, _: &str) {
        if let Some(key) = self.store.keys().last() {
            self.store.inner.remove(key, self.clock.now()).await.unwrap();
        }
    }

    /// A cookie of a session that this house does not know: lost by its store, or sealed by another ring.
    pub async fn unknown(&self, lost: &str) -> String {
        if self.home == Home::Store {
            return lost.to_owned();
        }
        let other = House::new(self.home);
        other.visited().await
    }
}

fn answered(result: Result<Response<Body>, Infallible>) -> Response<Body> {
    result.unwrap_or_else(|never| match never {})
}

fn cell(response: &Response<Body>, deed: &str) -> String {
    let usual = if deed == "fail" { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    let status =
        if response.status() == usual { String::new() } else { response.status().as_str().to_owned() };
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    let cookie = match cookies.as_slice() {
        [] => ".",
        [one] if one.to_str().unwrap().contains("Max-Age=0") => "R",
        [_] => "M",
        more => panic!("{} cookies in one response", more.len()),
    };
    check_caching(response.headers(), deed, !cookies.is_empty());
    format!("{status}{cookie}")
}

/// Untouched: nothing added. Touched: private, varying by cookie. With a cookie: never stored.
fn check_caching(headers: &HeaderMap, deed: &str, has_cookie: bool) {
    let cache = headers.get("cache-control").map(|value| value.to_str().unwrap());
    let vary = headers.get("vary").map(|value| value.to_str().unwrap());
    if deed == "untouched" {
        assert_eq!((cache, vary), (None, None), "an untouched session leaves the response alone");
    } else {
        assert_eq!(vary, Some("Cookie"), "{deed}");
        if has_cookie {
            assert_eq!(cache, Some("no-store"), "{deed}");
        }
    }
}

/// The token in the response's cookie.
pub fn token_of(headers: &HeaderMap) -> Option<String> {
    let line = headers.get("set-cookie")?.to_str().ok()?;
    let value = line.strip_prefix("__Host-session=")?.split(';').next()?;
    (!value.is_empty()).then(|| value.to_owned())
}

/// The handlers of the table.
async fn perform(
    Path(deed): Path<String>,
    request: Request<Body>,
) -> Result<Response<Body>, carryall::Error> {
    if deed == "untouched" {
        return Ok(().into_response());
    }
    let (parts, _) = request.into_parts();
    let handle = parts.extensions.get::<carryall::SessionHandle>().expect("the layer").clone();
    let session: Session = handle.load(&parts).await?;
    match deed.as_str() {
        "read" => {
            session.get::<u64>("value")?;
        }
        "write" => {
            session.update("value", |n: Option<u64>| n.unwrap_or(0) + 1)?;
        }
        "clear" => session.clear()?,
        "regenerate" => session.regenerate()?,
        "login" => session.login("ada")?,
        "logout" => session.logout()?,
        "panic" => {
            // A refused write is an error here, and the handler panics all the same.
            let _refused = session.set("value", &99);
            panic!("the handler panics");
        }
        "cancel" => {
            let _refused = session.set("value", &99);
            std::future::pending::<()>().await;
        }
        "fail" => {
            let _refused = session.update("value", |n: Option<u64>| n.unwrap_or(0) + 1);
            return Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response());
        }
        other => panic!("no such deed: {other}"),
    }
    Ok(().into_response())
}
