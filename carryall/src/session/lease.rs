//! Having a session to oneself for a moment.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Session;
use super::engine::Engine;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::lease::{Claim, Want};

/// How long a lease is held and waited for.
///
/// ```
/// use std::time::Duration;
/// use carryall::LeaseOptions;
/// let options = LeaseOptions::default().hold(Duration::from_secs(30)).wait(Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct LeaseOptions {
    pub(crate) hold: Duration,
    pub(crate) wait: Duration,
    pub(crate) waiting: usize,
}

impl Default for LeaseOptions {
    fn default() -> Self {
        Self { hold: Duration::from_secs(10), wait: Duration::from_secs(5), waiting: 16 }
    }
}

impl LeaseOptions {
    /// The longest hold, and the longest wait.
    pub const LONGEST: Duration = Duration::from_mins(5);

    /// How long it is held at most: then others may take it, should its holder have died. Choose it longer than the
    /// handler takes. Default 10 s, at most [`LONGEST`](Self::LONGEST).
    pub fn hold(mut self, time: Duration) -> Self {
        self.hold = time;
        self
    }

    /// How long to wait for whoever has it; zero tries once. Default 5 s, at most
    /// [`LONGEST`](Self::LONGEST).
    pub fn wait(mut self, time: Duration) -> Self {
        self.wait = time;
        self
    }

    /// How many requests of one session may wait for it on this node, so that a visitor cannot pile them up. Default
    /// 16.
    pub fn waiting(mut self, requests: usize) -> Self {
        self.waiting = requests;
        self
    }

    fn check(&self) -> Result<(), Error> {
        if self.hold.is_zero() || self.hold > Self::LONGEST || self.wait > Self::LONGEST {
            return Err(Error::new(
                ErrorKind::Misuse,
                "a lease is held for more than nothing, and held and waited for 5 min at most",
            ));
        }
        Ok(())
    }
}

/// The session is this request's alone, among those that lock it; see [`Session::lock`].
///
/// Held until the response is committed, whether or not this value is kept.
pub struct Lease {
    claim: Claim,
    engine: Arc<dyn Engine>,
}

impl Lease {
    /// A number that is higher than that of every earlier lease of this session, as long as the store keeps what it has
    /// acknowledged, to be handed on to other systems, so
    /// that they can refuse a holder that was overtaken. 0 for a session that does not exist yet, which nobody else
    /// can know.
    pub fn fence(&self) -> u64 {
        self.claim.fence
    }

    /// When others may take it.
    pub fn until(&self) -> Timestamp {
        self.claim.until
    }

    /// Commits the changes so far and lets go, before the response leaves.
    ///
    /// # Errors
    /// As [`Session::commit`]. Then the lease is let go of with the response.
    pub async fn release(self) -> Result<(), Error> {
        self.engine.state().leasing.want = Want::LetGo;
        let result = Arc::clone(&self.engine).commit().await;
        let mut state = self.engine.state();
        if state.leasing.want == Want::LetGo {
            state.leasing.want = Want::Nothing;
        }
        result
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease")
            .field("fence", &self.claim.fence)
            .field("until", &self.claim.until)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// Waits until no other request has the session locked, and locks it: for a handler that cannot live with a
    /// [`Conflict`](ErrorKind::Conflict), because it does something elsewhere that cannot be taken back.
    ///
    /// Only requests that lock exclude each other; all others read and write as ever, and wait for nobody. So lock in
    /// each handler that changes the same values, and read them *after* locking: the session is fresh then, and a
    /// value that was read before and has changed meanwhile can be read again, but not set.
    ///
    /// The lease ends with the response, when the handler panics or its client hangs up, and after
    /// [`hold`](LeaseOptions::hold) at the latest. A holder that was overtaken commits nothing more: the lease is part
    /// of the record, and looked at in the same compare-and-swap.
    ///
    /// ```
    /// # use carryall::{Error, LeaseOptions, Session};
    /// # async fn pay(_fence: u64) {}
    /// async fn check_out(session: Session) -> Result<(), Error> {
    ///     let lease = session.lock(LeaseOptions::default()).await?;
    ///     if session.get::<bool>("paid")?.is_none() {
    ///         pay(lease.fence()).await;
    ///         session.set("paid", &true)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Changes made before are committed first. Costs one compare-and-swap if nobody has the lease, and nothing to let
    /// go if the handler changed something, else one more. Waiting requests of one node queue up in order; the first
    /// of them looks at the record up to ten times a second. Locking again makes the hold begin anew.
    ///
    /// # Errors
    /// [`Busy`](ErrorKind::Busy) if another request did not let go in time, or too many wait;
    /// [`Misuse`](ErrorKind::Misuse) where cookies carry the sessions, which nobody can lock, and for a hold that is too
    /// long; else as [`commit`](Self::commit).
    pub async fn lock(&self, options: LeaseOptions) -> Result<Lease, Error> {
        options.check()?;
        let claim = Arc::clone(&self.engine).lease(options).await?;
        Ok(Lease { claim, engine: Arc::clone(&self.engine) })
    }
}
