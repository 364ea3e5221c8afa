//! Extractors for axum.
//!
//! | extractor | gives | refuses with |
//! | --- | --- | --- |
//! | [`Session`](crate::Session) | the visitor's session | 503 if the store is down |
//! | [`Segment<T>`](crate::Segment) | one typed document | 503 |
//! | [`Authenticated`] | a session with a subject | 401 |
//! | [`Fresh<P>`] | one whose user proved who they are lately, or more strongly | 401, 403 |
//! | [`CsrfForm<T>`] | a form that was made for this session | 400, 403, 413, 415 |
//! | [`SessionOrAnonymous`] | a session even if the store is down | never |
//!
//! `Option<Session>`, `Option<Segment<T>>` and `Option<Authenticated>` are `None` where the layer is missing or nobody is
//! signed in. All of them load one session once.
//!
//! ```
//! use axum::{Router, routing::{get, post}};
//! use carryall::axum::Authenticated;
//! use carryall::{KeyRing, Session, Sessions};
//!
//! async fn sign_in(session: Session) -> Result<(), carryall::Error> {
//!     session.login("ada")
//! }
//! async fn profile(user: Authenticated) -> String {
//!     format!("hello {}", user.subject())
//! }
//! # fn main() -> Result<(), carryall::Error> {
//! let sessions = Sessions::builder(KeyRing::random()?).single_node().build()?;
//! let app: Router = Router::new()
//!     .route("/sign-in", post(sign_in))
//!     .route("/profile", get(profile))
//!     .layer(sessions.layer());
//! # Ok(()) }
//! ```

mod anonymous;
mod authenticated;
mod csrf_form;
mod fresh;
mod rejection;
mod segment;
mod session;

pub use anonymous::SessionOrAnonymous;
pub use authenticated::Authenticated;
pub use csrf_form::CsrfForm;
pub use fresh::{Fresh, FreshPolicy};
pub use rejection::{Rejection, RejectionKind};

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use crate::error::{Error, ErrorKind};
use crate::http::SessionHandle;

/// The lazy session that the layer left in the request.
fn handle(parts: &Parts) -> Result<&SessionHandle, Rejection> {
    parts.extensions.get::<SessionHandle>().ok_or_else(|| {
        Rejection::from(Error::new(
            ErrorKind::Misuse,
            "this route has no session: add `sessions.layer()` around it, outside every layer that uses sessions",
        ))
    })
}

impl<S: Send + Sync> FromRequestParts<S> for SessionHandle {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        handle(parts).cloned()
    }
}
