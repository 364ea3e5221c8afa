//! A form that was made for this session.

use axum_core::body::Body;
use axum_core::extract::{FromRequest, FromRequestParts, Request};
use http::{Method, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::{Rejection, RejectionKind};
use crate::http::{LARGEST_FORM, PATIENCE, token_in};
use crate::session::Session;

/// A URL-encoded form whose hidden field `csrf_token` was made by [`Csrf::token`](crate::Csrf::token) for this very
/// session since its last login.
///
/// Always checks the token, whatever the headers say; at most 64 KiB, waited for at most 10 s, before the session is
/// loaded. Refuses with 403 without a fitting token, 405 for GET and HEAD, 408 when too slow, 413 when too large, 415 for
/// another content type or a content encoding, 400 when the fields do not fit `T`.
///
/// ```
/// use carryall::axum::CsrfForm;
///
/// #[derive(serde::Deserialize)]
/// struct Profile { name: String }
///
/// async fn save(session: carryall::Session, form: CsrfForm<Profile>) -> Result<(), carryall::Error> {
///     session.set("profile.name", &form.0.name)
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CsrfForm<T>(
    /// The fields.
    pub T,
);

/// The name of the hidden field.
pub(crate) const FIELD: &str = "csrf_token";

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for CsrfForm<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        let (mut parts, body) = request.into_parts();
        let form = |status| Rejection::new(RejectionKind::Form(status));
        if parts.method == Method::GET || parts.method == Method::HEAD {
            return Err(form(StatusCode::METHOD_NOT_ALLOWED));
        }
        let content_type = parts.headers.get(header::CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        let is_form = essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded");
        if !is_form || parts.headers.contains_key(header::CONTENT_ENCODING) {
            return Err(form(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
        let bytes = read(body).await.map_err(form)?;
        // Only now, so that a slow sender works on a fresh session.
        let session = <Session as FromRequestParts<S>>::from_request_parts(&mut parts, state).await?;
        let token = token_in(&bytes, FIELD).ok_or_else(|| Rejection::new(RejectionKind::Forged))?;
        if !session.csrf().verify(&token) {
            return Err(Rejection::new(RejectionKind::Forged));
        }
        serde_urlencoded::from_bytes(&bytes).map(CsrfForm).map_err(|_| form(StatusCode::BAD_REQUEST))
    }
}

async fn read(body: Body) -> Result<bytes::Bytes, StatusCode> {
    let reading = Limited::new(body, LARGEST_FORM).collect();
    let read = tokio::time::timeout(PATIENCE, reading).await.map_err(|_| StatusCode::REQUEST_TIMEOUT)?;
    match read {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}
