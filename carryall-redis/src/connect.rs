//! Why a store cannot be connected.

use std::fmt;

use redis::io::tcp::TcpSettings;
use redis::{Client, ErrorKind, IntoConnectionInfo as _, ProtocolVersion, RedisError, ServerErrorKind};

use crate::options::RedisOptions;

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
}

impl ConnectError {
    pub(crate) fn url(why: impl Into<String>) -> Self {
        Self { kind: ConnectErrorKind::Url, why: why.into(), source: None }
    }

    pub(crate) fn evicting(policy: &str) -> Self {
        let why = format!("its maxmemory-policy is {policy}; set it to noeviction");
        Self { kind: ConnectErrorKind::Evicting, why, source: None }
    }

    pub(crate) fn new(source: RedisError) -> Self {
        let kind = match source.kind() {
            ErrorKind::InvalidClientConfig => ConnectErrorKind::Url,
            ErrorKind::Server(ServerErrorKind::ReadOnly) => ConnectErrorKind::ReadOnly,
            ErrorKind::Server(ServerErrorKind::BusyLoading | ServerErrorKind::MasterDown) => {
                ConnectErrorKind::Unreachable
            }
            ErrorKind::AuthenticationFailed
            | ErrorKind::RESP3NotSupported
            | ErrorKind::Server(_)
            | ErrorKind::Extension => ConnectErrorKind::Refused,
            _ => ConnectErrorKind::Unreachable,
        };
        Self { kind, why: source.to_string(), source: Some(source) }
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
        })?;
        f.write_str(&self.why)
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}

/// Who connects to the server of a URL. The third version of the protocol is spoken whatever the URL says: it tells of
/// a lost connection.
pub(crate) fn client(url: &str, options: &RedisOptions) -> Result<Client, ConnectError> {
    const KNOWN: [&str; 7] = ["redis", "valkey", "rediss", "valkeys", "unix", "redis+unix", "valkey+unix"];
    let scheme = url.split(':').next().unwrap_or_default();
    if !KNOWN.contains(&scheme) {
        return Err(ConnectError::url("it has to begin with `redis:`, `rediss:` or `unix:`"));
    }
    let has_tls = ["rediss", "valkeys"].contains(&scheme);
    if cfg!(not(feature = "tls")) && has_tls {
        return Err(ConnectError::url("TLS takes the feature `tls` of carryall-redis"));
    }
    let server = url.into_connection_info().map_err(ConnectError::new)?;
    let settings = server.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
    let tcp = TcpSettings::default().set_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let tcp = tcp.set_user_timeout(options.patience);
    let server = server.set_redis_settings(settings).set_tcp_settings(tcp);
    #[cfg(feature = "tls")]
    if has_tls {
        return secured(server, options);
    }
    Client::open(server).map_err(ConnectError::new)
}

#[cfg(feature = "tls")]
fn secured(server: redis::ConnectionInfo, options: &RedisOptions) -> Result<Client, ConnectError> {
    choose_cryptography();
    let certificates =
        redis::TlsCertificates { client_tls: None, root_cert: options.root_certificates.clone() };
    Client::build_with_tls(server, certificates).map_err(|error| ConnectError::url(error.to_string()))
}

/// rustls panics if it was built with several libraries and nobody has chosen one for the process.
#[cfg(feature = "tls")]
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Whoever was faster has chosen, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}
