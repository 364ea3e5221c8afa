//! The name of a value, from the address.

use axum::extract::{FromRequestParts, Path};
use axum::http::StatusCode;
use axum::http::request::Parts;

use super::fault::Fault;

/// The longest name, in bytes.
const LONGEST: usize = 256;

/// The name of a value: text of at most 256 bytes.
#[derive(Debug)]
pub(super) struct Key(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(key)) if String::len(&key) <= LONGEST => Ok(Self(key)),
            _ => Err(Fault::new(StatusCode::BAD_REQUEST, "a name is text of at most 256 bytes")),
        }
    }
}
