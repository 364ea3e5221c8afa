//! `Segment<T>` and `Option<Segment<T>>` as extractors.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::{Rejection, handle};
use crate::http::SessionHandle;
use crate::session::{Segment, SegmentData};

impl<S: Send + Sync, T: SegmentData> FromRequestParts<S> for Segment<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Ok(handle(parts)?.load(parts).await?.document()?)
    }
}

/// `None` where the layer is missing; an outage is still a rejection.
impl<S: Send + Sync, T: SegmentData> OptionalFromRequestParts<S> for Segment<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Rejection> {
        match parts.extensions.get::<SessionHandle>().cloned() {
            Some(handle) => Ok(Some(handle.load(parts).await?.document()?)),
            None => Ok(None),
        }
    }
}
