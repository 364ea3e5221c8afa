//! A session with somebody signed in.

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use http::request::Parts;

use super::{Rejection, RejectionKind};
use crate::id::Subject;
use crate::session::Session;

/// A session with somebody signed in, at any level. Anybody else gets 401.
///
/// `Option<Authenticated>` is `None` for an anonymous visitor. For a minimum level or a recent login see
/// [`Fresh`](super::Fresh).
#[derive(Clone, Debug)]
pub struct Authenticated {
    session: Session,
    subject: Subject,
    level: u8,
}

impl Authenticated {
    pub(super) fn of(session: Session) -> Option<Self> {
        let subject = session.subject()?;
        let level = session.level();
        Some(Self { session, subject, level })
    }

    /// Who is signed in.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The assurance level, 1 or more.
    pub fn level(&self) -> u8 {
        self.level
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let session = <Session as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        Self::of(session).ok_or_else(|| Rejection::new(RejectionKind::Anonymous))
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Authenticated {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Option<Self>, Rejection> {
        let session = <Session as OptionalFromRequestParts<S>>::from_request_parts(parts, state).await?;
        Ok(session.and_then(Self::of))
    }
}
