//! What a session knows about itself.

use std::net::IpAddr;

use super::Session;
use super::state::Standing;
use crate::clock::Timestamp;
use crate::id::{Handle, Subject};

/// A snapshot of a session's facts. Taking it costs no I/O.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Meta {
    /// The public name: safe to show and to log, useless as a cookie.
    pub handle: Handle,
    /// When the session began.
    pub created: Timestamp,
    /// When it was last seen, to within the refresh threshold (default 60 s).
    pub seen: Timestamp,
    /// When it ends if it is not used again.
    pub expires: Timestamp,
    /// Who is signed in.
    pub subject: Option<Subject>,
    /// When the user last proved who they are.
    pub auth_time: Option<Timestamp>,
    /// The assurance level: 0 for anonymous, 1 after `login`, more after `elevate`.
    pub level: u8,
    /// The count of identity changes.
    pub generation: u64,
    /// The id of the key that the cookie which came in was made under, for
    /// [`KeyId::from_bytes`](crate::key::KeyId::from_bytes). `None` if none came in.
    pub key: Option<[u8; 8]>,
    /// Whether the browser keeps the cookie when it closes ("remember me").
    pub is_persistent: bool,
    /// The client's address when the session began, if the application records it.
    pub address: Option<IpAddr>,
    /// The client's agent when the session began, if the application records it.
    pub agent: Option<Box<str>>,
}

impl Session {
    /// The session's facts, or `None` if it does not exist yet.
    pub fn meta(&self) -> Option<Meta> {
        let state = self.state();
        let envelope = state.envelope.as_ref()?;
        let login = envelope.login.as_ref();
        Some(Meta {
            handle: self.engine.handle(&envelope.family),
            created: envelope.created,
            seen: envelope.issued,
            expires: self.engine.deadline(envelope),
            subject: login.map(|login| login.subject.clone()),
            auth_time: login.map(|login| login.auth_time),
            level: login.map_or(0, |login| login.level),
            generation: envelope.generation,
            key: state.presented.map(|presented| presented.key),
            is_persistent: envelope.persist_for.is_some(),
            address: envelope.origin.as_ref().and_then(|origin| origin.address),
            agent: envelope.origin.as_ref().and_then(|origin| origin.agent.clone()),
        })
    }

    /// Who is signed in.
    pub fn subject(&self) -> Option<Subject> {
        self.state().subject().cloned()
    }

    /// The assurance level: 0 for anonymous, 1 after `login`, more after `elevate`.
    pub fn level(&self) -> u8 {
        self.state().login().map_or(0, |login| login.level)
    }

    /// How long ago the user proved who they are, or `None` for an anonymous visitor.
    pub fn since_auth(&self) -> Option<std::time::Duration> {
        let auth_time = self.state().login()?.auth_time;
        Some(self.engine.now().since(auth_time))
    }

    /// Whether a session exists beyond this request: it was loaded, or a write has begun it.
    pub fn exists(&self) -> bool {
        let state = self.state();
        state.standing == Standing::Live || state.is_changed() && !state.is_empty()
    }

    /// Whether this request has changed anything that the commit will write.
    pub fn is_changed(&self) -> bool {
        let state = self.state();
        state.ending.is_some() || state.is_changed()
    }

    /// Encoded bytes of each segment, by name; the default segment has the empty name.
    pub fn sizes(&self) -> Vec<(String, usize)> {
        self.state().contents.segments()
    }
}
