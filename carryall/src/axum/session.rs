//! `Session` and `Option<Session>` as extractors.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::{Rejection, handle};
use crate::http::SessionHandle;
use crate::session::Session;

impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let loading = handle(parts)?.load(parts);
        Ok(loading.await?)
    }
}

/// `None` where the layer is missing; an outage is still a rejection.
impl<S: Send + Sync> OptionalFromRequestParts<S> for Session {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        let loading = parts.extensions.get::<SessionHandle>().map(|handle| handle.load(parts));
        match loading {
            Some(loading) => Ok(Some(loading.await?)),
            None => Ok(None),
        }
    }
}
