//! What a session says about itself, apart from the application's values.
//!
//! Plain data. Its byte layout belongs to the carriers ([`carrier`](crate::carrier)); what it means is decided by
//! the lifecycle.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::id::{Family, Subject};

/// The facts that travel with a session: in the sealed payload, the signed claims, or the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The session's lasting random id.
    pub family: Family,
    /// Counts identity changes; starts at 0.
    pub generation: u64,
    /// When the session began.
    pub created: Timestamp,
    /// When this token was minted. In a record: when the session was last seen.
    pub issued: Timestamp,
    /// Counts logins and elevations; everything derived from it (CSRF tokens) changes with it.
    pub logins: u32,
    /// Who is signed in; `None` for an anonymous visitor.
    pub login: Option<Login>,
    /// "Remember me": how long the browser is asked to keep the cookie; `None` is a browser-session cookie.
    pub persist_for: Option<Duration>,
    /// A hash of what was seen of the client when the session began, if the application asked for it.
    pub fingerprint: Option<[u8; 8]>,
    /// Address and agent of the client that began the session, if the application asked for them.
    pub origin: Option<Box<Origin>>,
}

/// A sign-in: who, when, how strong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The application's user id.
    pub subject: Subject,
    /// When the user proved who they are; revocations compare this, never `issued`.
    pub auth_time: Timestamp,
    /// The assurance level, 1 after `login`, raised by `elevate`.
    pub level: u8,
}

/// What was seen of the client when the session began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's address behind trusted proxies.
    pub address: Option<std::net::IpAddr>,
    /// The `User-Agent`, cut to 200 bytes.
    pub agent: Option<Box<str>>,
}

impl Envelope {
    /// A new anonymous session that begins now.
    pub fn begin(family: Family, now: Timestamp) -> Self {
        Self {
            family,
            generation: 0,
            created: now,
            issued: now,
            logins: 0,
            login: None,
            persist_for: None,
            fingerprint: None,
            origin: None,
        }
    }
}
