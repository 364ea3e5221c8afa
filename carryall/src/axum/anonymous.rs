//! A session even if the store is down.

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use super::{Rejection, handle};
use crate::session::Session;

/// The visitor's session, or, while the store does not answer, an empty one in which nothing can be written.
///
/// For pages that must work for everybody during an outage. They show a signed-in user as nobody, so such responses
/// are always `no-store`; the cookie stays as it is.
#[derive(Clone, Debug)]
pub struct SessionOrAnonymous(
    /// The session.
    pub Session,
);

impl<S: Send + Sync> FromRequestParts<S> for SessionOrAnonymous {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let handle = handle(parts)?;
        Ok(Self(handle.load_or_anonymous(parts).await))
    }
}
