//! Why a store cannot be connected.

use std::fmt;

use redis::{ErrorKind, RedisError, ServerErrorKind};

use crate::failure::{EVICTING, MISMATCH, says};

/// Why a store cannot be connected. Never shows the URL, which may hold a password.
#[derive(Debug)]
pub struct ConnectError {
    kind: ConnectErrorKind,
    why: String,
    source: Option<RedisError>,
}

/// What sort of failure a [`ConnectError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectErrorKind {
    /// The URL cannot be understood, or is another database's; or the root certificates are none.
    Url,
    /// The server does not let this user in, or not do what it has to.
    Refused,
    /// Nobody answers, or not in time, or the server is still loading.
    Unreachable,
    /// The server is a replica.
    ReadOnly,
    /// The server evicts sessions when its memory is full.
    Evicting,
    /// What is there is not what the URL names: a node of a cluster at the URL of a single server or the other way
    /// round, a sentinel or none, or the sentinels know no master of this name.
    Mismatch,
}

impl ConnectError {
    pub(crate) fn url(why: impl Into<String>) -> Self {
        Self { kind: ConnectErrorKind::Url, why: why.into(), source: None }
    }

    pub(crate) fn new(source: RedisError) -> Self {
        let kind = match source.kind() {
            _ if says(&source, EVICTING) => ConnectErrorKind::Evicting,
            _ if says(&source, MISMATCH) => ConnectErrorKind::Mismatch,
            ErrorKind::InvalidClientConfig => ConnectErrorKind::Url,
            ErrorKind::Server(ServerErrorKind::ReadOnly) => ConnectErrorKind::ReadOnly,
            ErrorKind::Server(
                ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown | ServerErrorKind::ClusterDown,
            ) => ConnectErrorKind::Unreachable,
            ErrorKind::AuthenticationFailed
            | ErrorKind::RESP3NotSupported
            | ErrorKind::Server(_)
            | ErrorKind::Extension => ConnectErrorKind::Refused,
            _ => ConnectErrorKind::Unreachable,
        };
        let own = [ConnectErrorKind::Evicting, ConnectErrorKind::Mismatch].contains(&kind);
        let why = source.detail().filter(|_| own).map_or_else(|| source.to_string(), str::to_owned);
        Self { kind, why, source: Some(source) }
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> ConnectErrorKind {
        self.kind
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            ConnectErrorKind::Url => "the Redis URL cannot be used: ",
            ConnectErrorKind::Refused => "Redis refused the connection: ",
            ConnectErrorKind::Unreachable => "Redis cannot be reached: check its address and health: ",
            ConnectErrorKind::ReadOnly => "this Redis is a replica, name the one that can be written to: ",
            ConnectErrorKind::Evicting => "this Redis would evict sessions: ",
            ConnectErrorKind::Mismatch => "this Redis is not what the URL names: ",
        })?;
        f.write_str(&self.why)
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
