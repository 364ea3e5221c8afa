//! The application-wide handle: built once, gives the layer, revokes.

mod listing;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use listing::Listed;

use crate::builder::SessionsBuilder;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, Revoked};
use crate::http::{CsrfLayer, SessionLayer};
use crate::id::Subject;
use crate::key::{KeyId, KeyRing};
use crate::lifecycle::Sweeping;
use crate::lifecycle::drive::{subjects, sweep, sweep_every, within};
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
    /// Where nothing is configured that revokes, but a store finds the user's sessions, each of them is ended there.
    /// Somebody who signs in meanwhile may stay then, and a session that calls this from inside and signs in again
    /// loses its values.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) without revocations ([`single_node`](SessionsBuilder::single_node) or a log) and
    /// without such a store;
    /// [`Outage`](ErrorKind::Outage) means "unknown": repeating is harmless.
    pub async fn revoke_subject(&self, subject: impl AsRef<str>) -> Result<(), Error> {
        let subject = Subject::new(subject)?;
        if !self.house.revokes && subjects::can_list(&self.house) {
            subjects::end_all(&self.house, &subject, None).await?;
            self.house.tell(|| Event::Revoked { what: Revoked::Subject });
            return Ok(());
        }
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

    /// Removes expired sessions from the store about this often, until the answer is dropped.
    ///
    /// A minute suits most applications: expired sessions are absent whether or not they were removed, so this frees
    /// room and nothing else. Every node may do so. They begin at random moments and wait a quarter more or less each
    /// time, so they seldom meet, and a store takes several at once.
    ///
    /// Removes 500 at a time and 100 000 at most before it pauses. A failure is told as an
    /// [`Outage`](Event::Outage) during `"sweep"` and in the log; the pauses double with each one in a row, to an hour,
    /// and end with the first success. Does nothing where nothing has to be removed: with sessions in cookies, or a
    /// store that forgets by itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use carryall::{KeyRing, MemoryStore, Sessions};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), carryall::Error> {
    /// let sessions = Sessions::builder(KeyRing::random()?).store(MemoryStore::new()).build()?;
    /// let sweeping = sessions.sweep_every(Duration::from_mins(1))?; // keep it: dropped, it stops
    /// // .. serve ..
    /// sweeping.stop().await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) outside a tokio runtime, or for an interval of zero.
    pub fn sweep_every(&self, interval: Duration) -> Result<Sweeping, Error> {
        sweep_every(&self.house, interval)
    }

    /// Removes the sessions that are expired now, for a job that runs from time to time. Answers how many, at most
    /// 100 000: then there may be more.
    ///
    /// # Errors
    /// [`Outage`](ErrorKind::Outage) if the store fails; what was removed before stays removed.
    pub async fn sweep_once(&self) -> Result<usize, Error> {
        sweep(&self.house).await
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
