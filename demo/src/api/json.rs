//! A body of JSON, whatever its content type says: scripts seldom say it, and it protects nothing.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde::de::DeserializeOwned;

use super::fault::Fault;

/// What a body of JSON says.
#[derive(Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for JsonBody<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            Fault::new(
                rejection.into_response().status(),
                "the body cannot be read, or is larger than 64 KiB",
            )
        })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            Fault::new(StatusCode::BAD_REQUEST, format!("the body is not the JSON expected here: {error}"))
        })
    }
}
