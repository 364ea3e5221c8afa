//! Who is compared: one application each, all with the same routes and the same session.

mod arc_layer;
mod bare;
pub(crate) mod carryall;
mod document;
mod header;
mod jsonwebtoken;
mod primitives;
mod tower_cookies;
mod tower_sessions;

use axum::Router;
use serde::Serialize;

use crate::client::Client;
use crate::login::FIRST;
use crate::scenario::Scenario;

/// axum with nothing around it: what everything is compared with.
pub(crate) const BARE: &str = "axum bare";
/// The cost of being a layer at all.
pub(crate) const ARC_LAYER: &str = "layer that inserts an Arc";
/// Encryption, base64 and codec without any session library.
pub(crate) const PRIMITIVES_SEALED: &str = "primitives: AES-256-GCM-SIV, MessagePack";
/// MAC, base64 and codec without any session library.
pub(crate) const PRIMITIVES_SIGNED: &str = "primitives: HMAC-SHA256, MessagePack";
/// The session in the server's memory.
pub(crate) const TOWER_SESSIONS: &str = "tower-sessions memory";
/// The session encrypted in the cookie, as JSON.
pub(crate) const TOWER_COOKIES_PRIVATE: &str = "tower-cookies private";
/// The session signed in the cookie, as JSON.
pub(crate) const TOWER_COOKIES_SIGNED: &str = "tower-cookies signed";
/// The session as claims of a JWT in the cookie.
pub(crate) const JSONWEBTOKEN: &str = "jsonwebtoken HS256 cookie";
/// Carryall, everything in a sealed cookie.
pub(crate) const CARRYALL_SEALED: &str = "carryall sealed";
/// The same, filled by as many `set`s as there are values.
pub(crate) const CARRYALL_SEALED_BY_KEY: &str = "carryall sealed, filled key by key";
/// Carryall, everything in a signed cookie.
pub(crate) const CARRYALL_SIGNED: &str = "carryall signed HS256";
/// Carryall, the whole session as one typed document in a sealed cookie.
pub(crate) const CARRYALL_SEALED_DOCUMENT: &str = "carryall sealed, one document";
/// Carryall, the whole session as one typed document in a signed cookie.
pub(crate) const CARRYALL_SIGNED_DOCUMENT: &str = "carryall signed HS256, one document";
/// Carryall, everything in the server's memory.
pub(crate) const CARRYALL_MEMORY: &str = "carryall memory store";

/// Where a contestant keeps sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keeps {
    /// Nowhere: it is a floor.
    Nothing,
    /// In the cookie.
    Client,
    /// In memory, so that it grows with every new session.
    Server,
}

/// One application to be measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) keeps: Keeps,
    /// Builds it afresh, with the routes `/untouched`, `/read`, `/modify` and `/new`.
    pub(crate) app: fn() -> Router,
}

/// How big a session is on the wire.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Wire {
    /// `name=value`.
    pub(crate) cookie: usize,
    /// The value alone.
    pub(crate) value: usize,
    /// The whole `Set-Cookie` value.
    pub(crate) set_cookie: usize,
}

/// Everyone, the bare application first.
pub(crate) fn all() -> Vec<Contestant> {
    vec![
        bare::CONTESTANT,
        arc_layer::CONTESTANT,
        primitives::SEALED,
        primitives::SIGNED,
        tower_sessions::CONTESTANT,
        tower_cookies::PRIVATE,
        tower_cookies::SIGNED,
        jsonwebtoken::CONTESTANT,
        carryall::SEALED,
        carryall::SEALED_BY_KEY,
        carryall::SIGNED,
        carryall::MEMORY,
        document::SEALED,
        document::SIGNED,
    ]
}

impl Contestant {
    /// A client that is signed in.
    pub(crate) async fn client(&self) -> Client {
        let mut client = Client::new((self.app)());
        client.sign_in().await;
        client
    }

    /// Panics unless sessions really are kept, read and changed: whoever does nothing is fast.
    pub(crate) async fn check(&self) {
        let mut client = self.client().await;
        for scenario in Scenario::ALL {
            client.ask(scenario).await;
        }
        if self.keeps == Keeps::Nothing {
            return;
        }
        client.sign_in().await;
        for changes in 0..3 {
            let expected = (FIRST + changes).to_string();
            assert_eq!(client.ask(Scenario::Read).await, expected, "{} keeps its session", self.name);
            assert_eq!(client.ask(Scenario::Modify).await, expected, "{} keeps its session", self.name);
        }
    }

    /// The size of its cookie, `None` for a floor.
    pub(crate) async fn wire(&self) -> Option<Wire> {
        if self.keeps == Keeps::Nothing {
            return None;
        }
        Some(Wire::of(&self.client().await))
    }
}

impl Wire {
    /// What this client's cookie takes.
    pub(crate) fn of(client: &Client) -> Self {
        let cookie = client.cookie().unwrap_or_default();
        let value = cookie.split_once('=').map_or("", |(_, value)| value);
        Self { cookie: cookie.len(), value: value.len(), set_cookie: client.set_cookie_bytes() }
    }
}
