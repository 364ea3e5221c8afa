//! The `Cookie` header lines of a request, kept without a copy until somebody asks.

use http::{HeaderMap, HeaderValue, header};

use super::read::{Candidates, candidates};

/// The `Cookie` header lines of a request. Cloning a header value copies no bytes.
#[derive(Clone, Default)]
pub(crate) enum Lines {
    /// There are none.
    #[default]
    None,
    /// One, as browsers send.
    One(HeaderValue),
    /// Several, as HTTP/2 allows.
    Many(Vec<HeaderValue>),
}

/// What leaves with the response.
pub(crate) type SetCookie = HeaderValue;

impl Lines {
    /// The lines of a request.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(header::COOKIE).iter();
        match (lines.next(), lines.next()) {
            (None, _) => Self::None,
            (Some(line), None) => Self::One(line.clone()),
            (Some(first), Some(second)) => {
                Self::Many([first, second].into_iter().chain(lines).cloned().collect())
            }
        }
    }

    /// The values of the cookie `name`.
    pub(crate) fn candidates(&self, name: &str) -> Candidates<'_> {
        let lines = match self {
            Self::None => &[],
            Self::One(line) => std::slice::from_ref(line),
            Self::Many(lines) => lines.as_slice(),
        };
        candidates(lines.iter().map(HeaderValue::as_bytes), name)
    }
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Cookies of everybody are in there.
        f.write_str("Lines(redacted)")
    }
}
