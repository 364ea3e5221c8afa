//! Why a store could not do its work.

use std::error::Error as StdError;
use std::fmt;

use crate::error::{Error, ErrorKind};

/// A store's failure. Absence of a record is not one.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What sort of failure a [`StoreError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store cannot be reached or refuses to work. Nothing is known about the operation.
    Unavailable,
    /// The store did not answer in time. Nothing is known about the operation.
    TimedOut,
    /// The record does not fit into the store. Nothing was written.
    TooLarge,
    /// The store has no room for another record. Nothing was written.
    Full,
    /// The store answered with something that is no record, or not this one.
    Corrupt,
    /// The record is encrypted under a key that the ring does not hold.
    UnknownKey,
}

impl StoreError {
    /// An error of this kind.
    pub fn new(kind: StoreErrorKind) -> Self {
        Self { kind, source: None }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the session store is unavailable: check its address and health",
            StoreErrorKind::TimedOut => {
                "the session store did not answer in time: check its load and the deadline"
            }
            StoreErrorKind::TooLarge => {
                "the record is too large for the session store: keep less in the session"
            }
            StoreErrorKind::Full => "the session store is full: raise its limits or shorten lifetimes",
            StoreErrorKind::Corrupt => "the session store answered with something that is no record",
            StoreErrorKind::UnknownKey => {
                "the record is encrypted under a key that the ring does not hold: accept that key on every node"
            }
        })
    }
}

impl StdError for StoreError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        let kind = match error.kind {
            StoreErrorKind::TooLarge => ErrorKind::TooLarge,
            _ => ErrorKind::Outage,
        };
        Error::new(kind, error.to_string()).because(error)
    }
}
