//! Why an extractor refused, as a response.

use std::fmt;

use axum_core::body::Body;
use axum_core::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::error::{Error, ErrorKind};
use crate::http::status;

/// Why an extractor refused a request.
#[derive(Debug)]
pub struct Rejection {
    kind: RejectionKind,
    source: Option<Error>,
}

/// What sort of refusal a [`Rejection`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectionKind {
    /// Nobody is signed in: 401.
    Anonymous,
    /// The user proved who they are too long ago: 401.
    Stale,
    /// The user has not proved enough: 403.
    Level,
    /// The form carries no token, or one of another session or from before a login: 403.
    Forged,
    /// The form is no form of the expected type: 400, or 405 for GET, 408 when too slow, 413 when too large, 415 for another
    /// content type.
    Form(StatusCode),
    /// The session itself failed: 503 for an outage, 500 for misuse.
    Session,
}

impl Rejection {
    pub(super) fn new(kind: RejectionKind) -> Self {
        Self { kind, source: None }
    }

    /// What sort of refusal this is.
    pub fn kind(&self) -> RejectionKind {
        self.kind
    }

    /// The status of its response.
    pub fn status(&self) -> StatusCode {
        match self.kind {
            RejectionKind::Anonymous | RejectionKind::Stale => StatusCode::UNAUTHORIZED,
            RejectionKind::Level | RejectionKind::Forged => StatusCode::FORBIDDEN,
            RejectionKind::Form(status) => status,
            RejectionKind::Session => self.source.as_ref().map_or(StatusCode::INTERNAL_SERVER_ERROR, status),
        }
    }
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self { kind: RejectionKind::Session, source: Some(error) }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            RejectionKind::Anonymous => "sign in first",
            RejectionKind::Stale => "sign in again",
            RejectionKind::Level => "prove who you are more strongly",
            RejectionKind::Forged => "the form is out of date: reload the page and send it again",
            RejectionKind::Form(_) => "the form cannot be read",
            RejectionKind::Session => "the session is not available",
        })
    }
}

impl std::error::Error for Rejection {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        if let Some(error) = &self.source {
            log(error);
        }
        plain(self.status(), self.to_string())
    }
}

/// An error that a handler returns: 503 for an outage, 409 for a lost race or a login too many, 429 for a locked session,
/// 500 for the rest. The text is general;
/// what happened goes to `tracing`.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        log(&self);
        let text = match self.kind() {
            ErrorKind::Outage => "the session is not available",
            ErrorKind::Conflict => "somebody else changed this at the same time: try again",
            ErrorKind::Busy => "this session is busy: try again",
            ErrorKind::Superseded => "the session has ended",
            ErrorKind::TooManySessions => "signed in too often: sign out elsewhere first",
            _ => "something went wrong",
        };
        plain(status(&self), text.to_owned())
    }
}

fn log(error: &Error) {
    tracing::warn!(target: "carryall", %error, kind = ?error.kind(), source = ?std::error::Error::source(error));
}

fn plain(status: StatusCode, text: String) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
