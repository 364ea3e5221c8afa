//! Carryall: everything sealed in the cookie, everything signed in the cookie, everything in memory.

use axum::Router;
use axum::routing::get;
use carryall::error::Error;
use carryall::store::AnyStore;
use carryall::{Algorithm, Carrier, KeyRing, MemoryStore, Place, Session, Sessions};

use super::{
    CARRYALL_MEMORY, CARRYALL_SEALED, CARRYALL_SEALED_BY_KEY, CARRYALL_SIGNED, Contestant, Keeps, Wire,
};
use crate::client::Client;
use crate::login::Login;

pub(super) const SEALED: Contestant =
    Contestant { name: CARRYALL_SEALED, keeps: Keeps::Client, app: || app(&sealed()) };
pub(super) const SEALED_BY_KEY: Contestant =
    Contestant { name: CARRYALL_SEALED_BY_KEY, keeps: Keeps::Client, app: || app_by_key(&sealed()) };
pub(super) const SIGNED: Contestant =
    Contestant { name: CARRYALL_SIGNED, keeps: Keeps::Client, app: || app(&signed()) };
pub(super) const MEMORY: Contestant =
    Contestant { name: CARRYALL_MEMORY, keeps: Keeps::Server, app: || app(&memory()) };

/// The size of a sealed cookie that carries a subject of 16 bytes and nothing else.
pub(crate) async fn subject_alone() -> Wire {
    let login = async |session: Session| session.login("0123456789abcdef");
    let mut client = Client::new(Router::new().route("/new", get(login)).layer(sealed().layer()));
    client.sign_in().await;
    Wire::of(&client)
}

pub(super) fn sealed() -> Sessions {
    Sessions::builder(ring()).single_node().build().expect("the options agree")
}

pub(super) fn signed() -> Sessions {
    let builder = Sessions::builder(ring()).carrier(Carrier::Signed(Algorithm::Hs256));
    builder.single_node().build().expect("the options agree")
}

fn memory() -> Sessions {
    stored(MemoryStore::new())
}

pub(crate) fn stored(store: impl Into<AnyStore>) -> Sessions {
    let builder = Sessions::builder(ring()).store(store);
    builder.place_all(Place::Store).build().expect("the options agree")
}

fn ring() -> KeyRing {
    KeyRing::random().expect("the system gives random bytes")
}

pub(crate) fn app(sessions: &Sessions) -> Router {
    routes().route("/new", get(new)).layer(sessions.layer())
}

/// The same, filled one value after the other.
fn app_by_key(sessions: &Sessions) -> Router {
    routes().route("/new", get(new_by_key)).layer(sessions.layer())
}

fn routes() -> Router {
    Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(read))
        .route("/modify", get(modify))
}

async fn read(session: Session) -> Result<String, Error> {
    let counter = session.get::<u64>("counter")?.unwrap_or_default();
    Ok(counter.to_string())
}

async fn modify(session: Session) -> Result<String, Error> {
    let counter = session.get::<u64>("counter")?.unwrap_or_default();
    session.set("counter", &(counter + 1))?;
    Ok(counter.to_string())
}

async fn new(session: Session) -> Result<&'static str, Error> {
    session.set_all(&Login::new())?;
    Ok("ok")
}

async fn new_by_key(session: Session) -> Result<&'static str, Error> {
    let login = Login::new();
    session.set("user_id", &login.user_id)?;
    session.set("name", &login.name)?;
    session.set("email", &login.email)?;
    session.set("roles", &login.roles)?;
    session.set("tenant", &login.tenant)?;
    session.set("counter", &login.counter)?;
    session.set("signed_in", &login.signed_in)?;
    session.set("cart_items", &login.cart_items)?;
    session.set("return_to", &login.return_to)?;
    session.set("preferences", &login.preferences)?;
    Ok("ok")
}
