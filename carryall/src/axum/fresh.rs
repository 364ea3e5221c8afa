//! Somebody who proved who they are lately, or more strongly.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use axum_core::extract::FromRequestParts;
use http::request::Parts;

use super::{Authenticated, Rejection, RejectionKind};

/// What a sensitive route asks of its user.
pub trait FreshPolicy: Send + Sync + 'static {
    /// How long ago the user may have proved who they are; at that age it is too long.
    const MAX_AGE: Duration;

    /// The least assurance level; 1 is a plain login.
    const LEVEL: u8 = 1;
}

/// An [`Authenticated`] session that meets a [`FreshPolicy`]: 401 if nobody is signed in or it was too long ago, 403 if
/// the level is too low (OWASP ASVS 7.5.3).
///
/// ```
/// use std::time::Duration;
/// use carryall::axum::{Fresh, FreshPolicy};
///
/// struct Payment;
/// impl FreshPolicy for Payment {
///     const MAX_AGE: Duration = Duration::from_secs(300);
///     const LEVEL: u8 = 2;
/// }
/// async fn pay(user: Fresh<Payment>) -> String {
///     format!("paid by {}", user.get().subject())
/// }
/// ```
pub struct Fresh<P> {
    user: Authenticated,
    policy: PhantomData<fn() -> P>,
}

impl<P> Fresh<P> {
    /// The user.
    pub fn get(&self) -> &Authenticated {
        &self.user
    }
}

impl<S: Send + Sync, P: FreshPolicy> FromRequestParts<S> for Fresh<P> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let user = <Authenticated as FromRequestParts<S>>::from_request_parts(parts, state).await?;
        if user.level() < P::LEVEL {
            return Err(Rejection::new(RejectionKind::Level));
        }
        if user.session().since_auth().is_none_or(|age| age >= P::MAX_AGE) {
            return Err(Rejection::new(RejectionKind::Stale));
        }
        Ok(Self { user, policy: PhantomData })
    }
}

impl<P> fmt::Debug for Fresh<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fresh").field(&self.user).finish()
    }
}
