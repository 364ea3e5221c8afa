//! What a handler touches: values, segments, flash messages, identity.
//!
//! Access is synchronous and typed on what is loaded. Changes are provisional until the commit before the response
//! head leaves, or an earlier [`Session::commit`].

pub(crate) mod commits;
mod csrf;
pub(crate) mod engine;
mod flash;
mod identity;
mod lease;
mod meta;
pub(crate) mod seat;
mod segment;
pub(crate) mod state;
mod untyped;
mod values;
pub(crate) mod writing;

use std::fmt;
use std::sync::Arc;

pub use csrf::Csrf;
pub use flash::Flash;
pub(crate) use flash::{NEXT as FLASH, age as age_flash, hold as hold_flash};
pub use lease::{Lease, LeaseOptions};
pub use meta::Meta;
pub use segment::{Outdated, Segment, SegmentData};
pub use untyped::UntypedSegment;

use self::engine::Engine;
use self::seat::Locked;
use crate::error::Error;

/// A visitor's session: a cheap handle, cloned freely, good for one request.
///
/// `Session` is an axum extractor (feature `axum`). Reading never fails for reasons a visitor controls; an error is
/// a value of another type, a programming mistake, or an outage of the store. Nothing is written, and no cookie set,
/// for a session that was only read.
///
/// ```
/// # fn main() -> Result<(), carryall::Error> {
/// # let session = carryall::Session::for_test();
/// session.set("user.name", "Ada")?;
/// assert_eq!(session.get::<String>("user.name")?.as_deref(), Some("Ada"));
/// let visits = session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
/// assert_eq!(visits, 1);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Session {
    engine: Arc<dyn Engine>,
}

impl Session {
    pub(crate) fn new(engine: Arc<dyn Engine>) -> Self {
        Self { engine }
    }

    pub(crate) fn state(&self) -> Locked<'_> {
        self.engine.state()
    }

    /// Makes the changes so far durable, now instead of before the response head.
    ///
    /// What [`update`](Self::update) returned before is final afterwards, unless this answers an error. Costs nothing
    /// with client placement; one compare-and-swap with a store, more when others write the same session. Goes on
    /// when its future is dropped.
    ///
    /// # Errors
    /// [`Conflict`](crate::ErrorKind::Conflict) if another request changed a value that this one had read before it
    /// set it, [`Superseded`](crate::ErrorKind::Superseded) if the session was ended meanwhile,
    /// [`Outage`](crate::ErrorKind::Outage) if the store failed.
    pub async fn commit(&self) -> Result<(), Error> {
        Arc::clone(&self.engine).commit().await
    }

    /// Gives up every change since the last commit: values, flash messages, identity.
    ///
    /// The one exception is [`logout`](Self::logout): whoever asked to be signed out stays signed out.
    pub fn rollback(&self) {
        self.state().roll_back();
    }

    /// Resolves when the session is revoked or expires, so that a WebSocket or event stream can close.
    ///
    /// A session that does not exist yet never ends. Costs one timer and one watch, no polling.
    pub async fn ended(&self) {
        Arc::clone(&self.engine).ended().await;
    }
}

impl fmt::Debug for Session {
    /// Shows the public handle and the state, never values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        let handle = state.envelope.as_ref().map(|envelope| self.engine.handle(&envelope.family));
        f.debug_struct("Session")
            .field("handle", &handle)
            .field("standing", &state.standing)
            .field("changed", &state.is_changed())
            .finish()
    }
}
