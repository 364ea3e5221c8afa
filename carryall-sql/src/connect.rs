//! Why a store cannot be connected.

use std::fmt;

/// Why a store cannot be connected. Never shows the URL, which may hold a password.
#[derive(Debug)]
pub struct ConnectError {
    kind: ConnectErrorKind,
    source: sqlx::Error,
}

/// What sort of failure a [`ConnectError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The URL cannot be understood, or is another database's.
    Url,
    /// The server does not let this user in, or does not know the database.
    Refused,
    /// Nobody answers, or not in time.
    Unreachable,
}

impl ConnectError {
    pub(crate) fn url(source: sqlx::Error) -> Self {
        Self { kind: ConnectErrorKind::Url, source }
    }

    pub(crate) fn new(source: sqlx::Error) -> Self {
        let kind = match source {
            sqlx::Error::Configuration(_) => ConnectErrorKind::Url,
            sqlx::Error::Database(_) => ConnectErrorKind::Refused,
            _ => ConnectErrorKind::Unreachable,
        };
        Self { kind, source }
    }

    /// Ensures that the URL begins with one of these words and a colon: the drivers look at what follows only.
    pub(crate) fn unless_scheme(url: &str, known: &[&str]) -> Result<(), Self> {
        let scheme = url.split(':').next().unwrap_or_default();
        if known.contains(&scheme) {
            return Ok(());
        }
        let wanted = format!("it has to begin with `{}:`", known[0]);
        Err(Self::url(sqlx::Error::Configuration(wanted.into())))
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = &self.source;
        match self.kind {
            ConnectErrorKind::Url => write!(f, "the database URL cannot be used: {source}"),
            ConnectErrorKind::Refused => write!(f, "the database refused the connection: {source}"),
            ConnectErrorKind::Unreachable => {
                write!(f, "the database cannot be reached: check its address and health: {source}")
            }
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
