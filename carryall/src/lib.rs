//! HTTP sessions: carried by the client, kept by a store.
//!
//! A tower layer with extractors for axum. Handlers read and write a [`Session`]; one line of configuration says where
//! its state lives:
//!
//! | home | say | choose it when |
//! | --- | --- | --- |
//! | an encrypted cookie | nothing, it is the default | sessions are small and no server state is wanted |
//! | a signed cookie (JWT) | `.carrier(Carrier::Signed(..))` | a script or another service has to read it: **the user can too** |
//! | a store | `.store(MemoryStore::new())`, or one of `carryall-file`, `carryall-sql` and `carryall-redis` | sessions are large, or parallel requests must not lose updates |
//!
//! ```
//! use axum::{Router, routing::{get, post}};
//! use carryall::axum::Authenticated;
//! use carryall::testing::TestClient;
//! use carryall::{CsrfPolicy, KeyRing, Session, Sessions};
//!
//! async fn visits(session: Session) -> Result<String, carryall::Error> {
//!     let n = session.update_now("visits", |n: Option<u64>| n.unwrap_or(0) + 1).await?;
//!     Ok(format!("visit {n}"))
//! }
//! async fn sign_in(session: Session) -> Result<(), carryall::Error> {
//!     session.flash().set("notice", "Welcome back.")?;
//!     session.login("user-17")
//! }
//! async fn profile(user: Authenticated) -> String {
//!     format!("hello {}", user.subject())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), carryall::Error> {
//! let sessions = Sessions::builder(KeyRing::random()?) // in production: KeyRing::from_env("CARRYALL_KEYS")?
//!     .single_node()
//!     .build()?;
//! let app: Router = Router::new()
//!     .route("/", get(visits))
//!     .route("/sign-in", post(sign_in))
//!     .route("/profile", get(profile))
//!     .layer(sessions.csrf_layer(CsrfPolicy::default())?)
//!     .layer(sessions.layer());
//!
//! let mut browser = TestClient::new(app);
//! assert_eq!(browser.get("/").await.text(), "visit 1");
//! assert_eq!(browser.get("/profile").await.status, 401);
//! browser.post("/sign-in").await;
//! assert_eq!(browser.get("/profile").await.text(), "hello user-17");
//! # Ok(()) }
//! ```
//!
//! # What it protects from
//! - **Forged and altered cookies**: everything is authenticated, bound to the application and the cookie's name.
//! - **Session fixation**: no unknown id is adopted; [`Session::login`] closes everything older at once.
//! - **A logout that does not last**: a slow request can neither write nor mint after it. With the state in cookies this
//!   is remembered by the process, see [`SessionsBuilder::single_node`].
//! - **Endless sessions**: idle and absolute deadlines, on the server, in every home.
//! - **Lost updates** with a store: compare-and-swap, replay, or a typed [`Conflict`](ErrorKind::Conflict).
//! - **Cross-site requests** with [`Sessions::csrf_layer`], and shared caches.
//!
//! It does not protect from whoever holds the keys or a good cookie, and cookies have limits of their own: an older one
//! of a live session can be put back, and brings its values back. A store does not have that.
//!
//! # Costs
//! A request that never asks for its session pays a few allocations. One that does pays one authentication; with a store
//! one load, and one commit if it changed something. An unchanged session writes nothing and sets no cookie, except that
//! "last seen" is written anew once it is older than 60 s.
//!
//! # Features
//! | feature | default | gives |
//! | --- | --- | --- |
//! | `axum` | yes | [`axum`]: extractors for axum 0.8 |
//! | `metrics` | no | [`metrics`]: counters and latencies through the facade of that name |
//! | `testing` | no | [`testing`]: sessions without HTTP, a client with a cookie jar, a frozen clock |
//! | `conformance` | no | [`conformance`]: the laws of stores as a suite |

mod base64url;
mod builder;
pub mod carrier;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod cookie;
pub mod envelope;
pub mod error;
pub mod event;
mod format;
mod generation;
pub mod http;
pub mod id;
pub mod key;
mod lease;
mod lifecycle;
pub mod lifetime;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod policy;
pub mod random;
pub mod revocation;
mod session;
mod sessions;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod value;
mod varint;

#[cfg(feature = "axum")]
pub mod axum;

pub use builder::SessionsBuilder;
pub use carrier::Carrier;
pub use cookie::CookiePolicy;
pub use error::{ConfigError, Error, ErrorKind};
pub use http::{CsrfLayer, SessionHandle, SessionLayer};
pub use key::{Algorithm, Key, KeyRing};
pub use lifecycle::{Place, Sweeping};
pub use lifetime::Lifetime;
pub use policy::{ClientPolicy, CsrfPolicy, FingerprintPolicy};
pub use session::{
    Csrf, Flash, Lease, LeaseOptions, Meta, Outdated, Segment, SegmentData, Session, UntypedSegment,
};
pub use sessions::{Listed, Sessions};
pub use store::MemoryStore;

/// The examples of the documents, compiled and run with the other examples.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../README.md")]
    struct Readme;
    #[doc = include_str!("../../docs/guide.md")]
    struct Guide;
}
