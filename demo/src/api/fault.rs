//! What went wrong, as `{"error": ".."}`.

use axum::Json;
use axum::body::HttpBody as _;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use carryall::axum::Rejection;
use carryall::{Error, ErrorKind};
use serde_json::json;

/// A status, and a sentence that says what to do.
#[derive(Debug)]
pub(super) struct Fault {
    status: StatusCode,
    message: String,
}

impl Fault {
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// The answer to an error of a session. Whoever sends the value is to blame for its size and shape.
    pub(super) fn of(error: &Error) -> Self {
        let (status, is_theirs) = match error.kind() {
            ErrorKind::Outage => (StatusCode::SERVICE_UNAVAILABLE, false),
            ErrorKind::Conflict | ErrorKind::Superseded | ErrorKind::TooManySessions => {
                (StatusCode::CONFLICT, true)
            }
            ErrorKind::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, true),
            ErrorKind::Encode | ErrorKind::Decode => (StatusCode::UNPROCESSABLE_ENTITY, true),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, false),
        };
        let message = if is_theirs { error.to_string() } else { "the session is not available".into() };
        Self { status, message }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        tracing::warn!(target: "carryall", %error, kind = ?error.kind());
        Self::of(&error)
    }
}

impl From<Rejection> for Fault {
    fn from(rejection: Rejection) -> Self {
        Self::new(rejection.status(), rejection.to_string())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.message }));
        (self.status, [(header::CACHE_CONTROL, "no-store")], body).into_response()
    }
}

/// No such address.
pub(super) async fn not_found() -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "there is nothing at this address")
}

/// An address, but not for this method.
pub(super) async fn wrong_method() -> Fault {
    Fault::new(StatusCode::METHOD_NOT_ALLOWED, "this address answers other methods")
}

/// Says why, in place of the layer's empty refusal.
pub(super) async fn explain_refusal(response: Response) -> Response {
    if response.status() != StatusCode::FORBIDDEN || response.body().size_hint().exact() != Some(0) {
        return response;
    }
    let (head, _) = response.into_parts();
    let fault = Fault::new(StatusCode::FORBIDDEN, "another site asked for this in the visitor's name");
    let mut explained = fault.into_response();
    explained.headers_mut().extend(head.headers);
    explained
}
