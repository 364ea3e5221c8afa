//! tower-sessions with its memory store: an id in the cookie, one map of JSON values in the server.

use axum::Router;
use axum::routing::get;
use tower_sessions::session::Error;
use tower_sessions::{MemoryStore, Session, SessionManagerLayer};

use super::{Contestant, Keeps, TOWER_SESSIONS};
use crate::login::Login;

pub(super) const CONTESTANT: Contestant = Contestant { name: TOWER_SESSIONS, keeps: Keeps::Server, app };

fn app() -> Router {
    Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(async |session: Session| or_panic(read(session).await)))
        .route("/modify", get(async |session: Session| or_panic(modify(session).await)))
        .route("/new", get(async |session: Session| or_panic(new(session).await)))
        .layer(SessionManagerLayer::new(MemoryStore::default()))
}

fn or_panic<T>(answer: Result<T, Error>) -> T {
    answer.expect("a memory store does not fail")
}

async fn read(session: Session) -> Result<String, Error> {
    let counter: u64 = session.get("counter").await?.unwrap_or_default();
    Ok(counter.to_string())
}

async fn modify(session: Session) -> Result<String, Error> {
    let counter: u64 = session.get("counter").await?.unwrap_or_default();
    session.insert("counter", counter + 1).await?;
    Ok(counter.to_string())
}

async fn new(session: Session) -> Result<&'static str, Error> {
    let login = Login::new();
    session.insert("user_id", login.user_id).await?;
    session.insert("name", login.name).await?;
    session.insert("email", login.email).await?;
    session.insert("roles", login.roles).await?;
    session.insert("tenant", login.tenant).await?;
    session.insert("counter", login.counter).await?;
    session.insert("signed_in", login.signed_in).await?;
    session.insert("cart_items", login.cart_items).await?;
    session.insert("return_to", login.return_to).await?;
    session.insert("preferences", login.preferences).await?;
    Ok("ok")
}
