//! The application-wide handle: built once, gives the layer, revokes.

use std::fmt;
use std::sync::Arc;

use crate::builder::SessionsBuilder;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, Revoked};
use crate::http::{CsrfLayer, SessionLayer};
use crate::id::Subject;
use crate::key::{KeyId, KeyRing};
use crate::lifecycle::drive::within;
use crate::lifecycle::house::House;
use crate::policy::CsrfPolicy;
use crate::revocation::{Revocations, Scope};

/// Everything that sessions of one application share. Built once, cloned freely.
///
/// ```
/// use axum::Router;
/// use carryall::{CsrfPolicy, KeyRing, Sessions};
///
/// # fn main() -> Result<(), carryall::Error> {
/// let sessions = Sessions::builder(KeyRing::random()?).single_node().build()?;
/// let app: Router = Router::new()
///     .layer(sessions.csrf_layer(CsrfPolicy::default())?)
///     .layer(sessions.layer())
///     .with_state(sessions);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Sessions {
    house: Arc<House>,
}

impl Sessions {
    /// Begins a configuration. The defaults are safe: sealed cookie, `__Host-` name, Secure, `HttpOnly`, Lax, idle
    /// 30 min, absolute 12 h.
    pub fn builder(ring: KeyRing) -> SessionsBuilder {
        SessionsBuilder::new(ring)
    }

    pub(crate) fn new(house: House) -> Self {
        Self { house: Arc::new(house) }
    }

    #[cfg(feature = "testing")]
    pub(crate) fn house(&self) -> &Arc<House> {
        &self.house
    }

    /// The layer that gives requests their sessions.
    pub fn layer(&self) -> SessionLayer {
        SessionLayer::new(Arc::clone(&self.house))
    }

    /// The layer that refuses forged requests. Put it *inside* [`layer`](Self::layer), that is, before it in a chain
    /// of `Router::layer` calls.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) if the policy contradicts itself.
    pub fn csrf_layer(&self, policy: CsrfPolicy) -> Result<CsrfLayer, Error> {
        policy.check()?;
        Ok(CsrfLayer::new(Arc::clone(&self.house), policy))
    }

    /// Signs a user out everywhere: every session that began before now is refused from the answer on.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) without revocations ([`single_node`](SessionsBuilder::single_node) or a log);
    /// [`Outage`](ErrorKind::Outage) means "unknown": repeating is harmless.
    pub async fn revoke_subject(&self, subject: impl AsRef<str>) -> Result<(), Error> {
        let subject = Subject::new(subject)?;
        self.revoke(Scope::Subject(self.house.subject_hash(&subject)), Revoked::Subject).await
    }

    /// Refuses every token made under this key, such as after a leak; [`Meta::key`](crate::Meta::key) names it.
    ///
    /// A session that was used since the key was replaced has moved to the active key and goes on. Where a forger may
    /// have been as quick, call [`revoke_everyone`](Self::revoke_everyone) as well.
    ///
    /// # Errors
    /// As [`revoke_subject`](Self::revoke_subject).
    pub async fn revoke_key(&self, key: KeyId) -> Result<(), Error> {
        self.revoke(Scope::Key(*key.as_bytes()), Revoked::Key).await
    }

    /// Signs everybody out.
    ///
    /// # Errors
    /// As [`revoke_subject`](Self::revoke_subject).
    pub async fn revoke_everyone(&self) -> Result<(), Error> {
        self.revoke(Scope::Everyone, Revoked::Everyone).await
    }

    /// How many ends of sessions wait for the store or the log to take them; more than a few means trouble there.
    pub fn waiting_ends(&self) -> usize {
        self.house.outbox.waiting()
    }

    async fn revoke(&self, scope: Scope, what: Revoked) -> Result<(), Error> {
        let house = &*self.house;
        let now = house.now();
        let expires = now.plus(house.lifetimes.longest());
        let revoking = self.revocations()?.revoke(scope, now, expires);
        within(house, house.patience.operation, "revoke", revoking).await?;
        house.tell(|| Event::Revoked { what });
        Ok(())
    }

    fn revocations(&self) -> Result<&Revocations, Error> {
        self.house.revocations.as_ref().filter(|_| self.house.revokes).ok_or_else(|| {
            Error::new(ErrorKind::Misuse, "revoking needs `single_node()` or a revocation log in the builder")
        })
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").field("app", &self.house.app).finish_non_exhaustive()
    }
}
