//! What can go wrong, told apart: misuse by the programmer, an outage of a store, a lost race.
//!
//! A visitor's bad input is never an error: it ends as an empty session and one [`Event`](crate::event::Event).

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

/// Any failure that a session reports to the application.
///
/// Opaque: ask [`kind`](Error::kind) what it was. `Display` says what to do next, the cause stays in
/// [`source`](StdError::source).
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What sort of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The program asked for something that makes no sense here, such as a session without its layer.
    Misuse,
    /// A store or a revocation log did not answer, or not in time. Nothing is known to be lost.
    Outage,
    /// Another request changed a value that this one had read before it set it.
    Conflict,
    /// Another request has the session locked and did not let go in time, or too many wait for it.
    Busy,
    /// The session was ended or replaced while this request worked on it; its writes are dropped.
    Superseded,
    /// The user has as many sessions as they may have, so this login was refused. Nothing was written.
    TooManySessions,
    /// The session would not fit into its cookie or its record. The value was not written.
    TooLarge,
    /// A value cannot be stored: it is not a number, has keys that are no strings, or is nested too deep.
    Encode,
    /// A stored value has another type than the one asked for.
    Decode,
    /// The carrier can verify sessions but has no key to write them.
    ReadOnly,
}

impl Error {
    /// An error of this kind; `message` says what to do next.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner { kind, message: message.into(), source: None }))
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Error");
        out.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(source) = &self.0.source {
            out.field("source", source);
        }
        out.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// A configuration that contradicts itself or is unsafe, found while building, never while serving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError(Cow<'static, str>);

impl ConfigError {
    /// A configuration error; `message` says what to change.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for ConfigError {}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Error::new(ErrorKind::Misuse, error.0)
    }
}
