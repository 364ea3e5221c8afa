//! What a visitor gets when the session could not be committed.

use http::{Response, StatusCode};

use crate::error::{Error, ErrorKind};

/// Makes the response that replaces the handler's when its changes could not be committed.
///
/// Implemented by [`EmptyResponse`] for bodies with a `Default`, and by closures
/// `Fn(&Error, StatusCode) -> Response<B>`.
pub trait FailureResponse<B>: Clone {
    /// The response; its status is set by the layer afterwards.
    fn response(&self, error: &Error, status: StatusCode) -> Response<B>;
}

/// An empty body. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyResponse;

impl<B: Default> FailureResponse<B> for EmptyResponse {
    fn response(&self, _: &Error, _: StatusCode) -> Response<B> {
        Response::new(B::default())
    }
}

impl<B, F> FailureResponse<B> for F
where
    F: Fn(&Error, StatusCode) -> Response<B> + Clone,
{
    fn response(&self, error: &Error, status: StatusCode) -> Response<B> {
        self(error, status)
    }
}

/// The status that tells a client what happened.
pub(crate) fn status(error: &Error) -> StatusCode {
    match error.kind() {
        ErrorKind::Outage => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Conflict | ErrorKind::Superseded | ErrorKind::TooManySessions => StatusCode::CONFLICT,
        ErrorKind::Busy => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Misuse
        | ErrorKind::TooLarge
        | ErrorKind::Encode
        | ErrorKind::Decode
        | ErrorKind::ReadOnly => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
