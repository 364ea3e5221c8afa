//! What happened to a session, as one closed enum: through `tracing`, and to an [`Observer`].
//!
//! Never a secret in it: sessions are named by their public [`Handle`].

use std::fmt;

use crate::id::Handle;

/// Why a cookie was not let in. The client cannot tell these apart; the operator can.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Not of the form of a token: wrong alphabet, length, version or structure.
    Malformed,
    /// The authentication tag, MAC or signature does not fit.
    Tampered,
    /// Made with a key that this ring does not hold.
    UnknownKey,
    /// Past its idle or absolute deadline.
    Expired,
    /// Issued further in the future than clocks may differ.
    FromTheFuture,
    /// The session, its user, its key or everyone was revoked.
    Revoked,
    /// A generation from before an identity change, while requests from before it may still be under way.
    Superseded,
    /// A generation from before an identity change, long after it: possibly a stolen cookie.
    Reuse,
    /// Authentic, but no store knows it: ended elsewhere, swept or lost.
    UnknownId,
    /// The client does not look like the one the session began with.
    FingerprintMismatch,
    /// Two cookies of different sessions under one name: no choice is made.
    Ambiguous,
    /// The authentic content could not be read by this version of the library.
    Unreadable,
}

/// How a session's identity changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdentityChange {
    /// A user signed in.
    Login,
    /// The user proved more.
    Elevate,
    /// A new generation without a change of who.
    Regenerate,
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum End {
    /// The user signed out.
    Logout,
    /// Nothing was left in it.
    Emptied,
    /// It was revoked by its name, or as one of its user's others.
    Revoked,
    /// Its user signed in elsewhere, and it was the oldest of as many sessions as they may have.
    Displaced,
}

/// Which sessions the application or an operator revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Revoked {
    /// Those of one user.
    Subject,
    /// Those under one key.
    Key,
    /// All.
    Everyone,
}

/// One thing that happened to a session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A cookie was not let in; the request goes on with an empty session.
    Refused {
        /// Why.
        reason: Refusal,
        /// Which session, when the cookie was authentic.
        handle: Option<Handle>,
    },
    /// A session began.
    Created {
        /// Which.
        handle: Handle,
    },
    /// A session's identity changed.
    IdentityChanged {
        /// Which.
        handle: Handle,
        /// How.
        change: IdentityChange,
    },
    /// A session ended.
    Ended {
        /// Which.
        handle: Handle,
        /// Why.
        end: End,
    },
    /// Sessions that began before were revoked. Each of their cookies is [`Refused`](Self::Refused) when it comes.
    Revoked {
        /// Which.
        what: Revoked,
    },
    /// A token under an accepted older key was minted anew under the active one.
    KeyRotated {
        /// Which.
        handle: Handle,
    },
    /// The store answered with an older generation than the client holds: it lost writes.
    StoreRolledBack {
        /// Which.
        handle: Handle,
    },
    /// Another request had changed the record; the writes were replayed on it.
    Replayed {
        /// Which.
        handle: Handle,
    },
    /// The store or the revocation log failed.
    Outage {
        /// During what.
        during: &'static str,
    },
    /// A request was refused by the CSRF layer.
    CsrfRefused {
        /// Why.
        reason: CsrfRefusal,
    },
    /// A handler changed a session and then panicked or was cancelled; the changes were dropped.
    Abandoned {
        /// Which, if it had been loaded from a cookie.
        handle: Option<Handle>,
    },
}

/// Why the CSRF layer refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CsrfRefusal {
    /// `Sec-Fetch-Site` says that another site asked.
    CrossSite,
    /// `Origin` is another origin, `null`, or repeated.
    WrongOrigin,
    /// The headers prove nothing and there was no token.
    MissingToken,
    /// The token belongs to another session or to the time before a login.
    WrongToken,
}

/// Told of every [`Event`], after the fact and outside every lock.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Called once an event. Must return quickly and must not panic.
    fn on_event(&self, event: &Event);
}

/// Writes the event to `tracing` under the target `carryall`.
pub(crate) fn trace(event: &Event) {
    match event {
        Event::Outage { .. } | Event::StoreRolledBack { .. } => tracing::warn!(target: "carryall", ?event),
        Event::Refused { reason: Refusal::Reuse | Refusal::Ambiguous, .. }
        | Event::CsrfRefused { .. }
        | Event::Revoked { .. } => {
            tracing::info!(target: "carryall", ?event);
        }
        _ => tracing::debug!(target: "carryall", ?event),
    }
}
