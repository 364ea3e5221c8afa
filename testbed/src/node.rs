//! One process's share of an application: its own `Sessions`, over a store that others use too.

use std::time::Duration;

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Json, Router};
use carryall::store::{AnyStore, Encrypted};
use carryall::testing::TestClient;
use carryall::{Error, KeyRing, LeaseOptions, Session, Sessions};
use serde::{Deserialize, Serialize};

use crate::log::{keep_secret, listen};

/// How long a lease is waited for: longer than dozens of holders take on a slow disk.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser that visits a node.
pub type Browser = TestClient<Router>;

/// How long a handler takes between loading its session and changing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// No time at all.
    Nothing,
    /// Others get a turn.
    Yield,
    /// Five milliseconds.
    Millis,
}

/// What a session holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// How often something was added.
    pub counter: u64,
    /// The keys beside the counter, in order.
    pub keys: Vec<String>,
    /// Who is signed in.
    pub subject: Option<String>,
}

/// Nodes of one application, each with its own store.
pub fn nodes(stores: impl IntoIterator<Item = AnyStore>) -> Vec<Router> {
    let ring = KeyRing::random().unwrap();
    stores.into_iter().map(|store| node(&ring, store, Duration::from_secs(20), Pause::Nothing)).collect()
}

/// The same stores, encrypted under keys that they share.
pub fn encrypted(stores: [AnyStore; 2]) -> [AnyStore; 2] {
    let ring = KeyRing::random().unwrap();
    stores.map(|store| Encrypted::new(store, &ring).unwrap().into())
}

/// A node whose requests wait this long for the store, and whose handlers take so long.
pub fn node(ring: &KeyRing, store: AnyStore, patience: Duration, pause: Pause) -> Router {
    let sessions = Sessions::builder(ring.clone()).store(store).patience(patience, patience).build().unwrap();
    serving(&sessions, pause)
}

/// A node with these sessions, whose handlers take so long.
pub fn serving(sessions: &Sessions, pause: Pause) -> Router {
    listen();
    let add = move |session: Session, Path(key): Path<String>| add(session, key, pause);
    Router::new()
        .route("/add/{key}", post(add))
        .route("/put/{key}", post(put))
        .route("/count-alone", post(move |session: Session| count_alone(session, pause)))
        .route("/state", get(state))
        .route("/login/{subject}", post(login))
        .route("/logout", post(async |session: Session| session.logout()))
        .layer(sessions.layer())
}

/// The same browser at another node.
pub fn at(node: &Router, browser: &Browser) -> Browser {
    let mut other = TestClient::new(node.clone());
    for (name, value) in browser.cookies() {
        keep_secret(value);
        other.set_cookie(name, value);
    }
    other
}

/// What the browser's session holds.
pub async fn state_of(browser: &mut Browser) -> State {
    let response = browser.get("/state").await;
    assert_eq!(response.status, 200, "{}", response.text());
    serde_json::from_slice(&response.body).unwrap()
}

/// A browser at this node, with a session that has come back once.
pub async fn visitor(node: &Router) -> Browser {
    let mut browser = TestClient::new(node.clone());
    assert_eq!(browser.post("/add/first").await.status, 200);
    assert_eq!(state_of(&mut browser).await.counter, 1);
    browser
}

/// A visitor who has signed in.
pub async fn user(node: &Router, subject: &str) -> Browser {
    let mut browser = visitor(node).await;
    assert_eq!(browser.post(&format!("/login/{subject}")).await.status, 200);
    browser
}

impl Pause {
    async fn take(self) {
        match self {
            Self::Nothing => {}
            Self::Yield => tokio::task::yield_now().await,
            Self::Millis => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    }
}

async fn add(session: Session, key: String, pause: Pause) -> Result<(), Error> {
    pause.take().await;
    session.set(&format!("key-{key}"), &key)?;
    session.update("counter", |n: Option<u64>| n.unwrap_or(0) + 1)?;
    Ok(())
}

async fn put(session: Session, Path(key): Path<String>) -> Result<(), Error> {
    session.set(&format!("key-{key}"), &key)
}

/// Looks at the counter and sets it, as only a handler can that has the session to itself.
async fn count_alone(session: Session, pause: Pause) -> Result<(), Error> {
    session.lock(LeaseOptions::default().wait(PATIENCE).waiting(100)).await?;
    let counter: u64 = session.get("counter")?.unwrap_or(0);
    pause.take().await;
    session.set("counter", &(counter + 1))
}

async fn state(session: Session) -> Result<Json<State>, Error> {
    let mut keys = session.keys()?;
    keys.retain(|key| key != "counter");
    keys.sort_unstable();
    let subject = session.subject().map(|subject| subject.as_str().to_owned());
    Ok(Json(State { counter: session.get("counter")?.unwrap_or(0), keys, subject }))
}

async fn login(session: Session, Path(subject): Path<String>) -> Result<(), Error> {
    session.login(subject)
}
