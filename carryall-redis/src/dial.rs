//! How a server is called: where it is, with whose name and password, over TLS or not.

use std::fmt;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::{
    Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo as _, ProtocolVersion, RedisConnectionInfo,
    RedisResult,
};

use crate::connect::ConnectError;
use crate::options::RedisOptions;

/// How a server is called. There is no `Debug`: it knows the password.
#[derive(Clone)]
pub(crate) struct Dial {
    server: ConnectionInfo,
    pub(crate) patience: Duration,
    #[cfg(feature = "tls")]
    root_certificates: Option<Vec<u8>>,
}

/// One of several servers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Dial {
    /// As the URL of a single server says.
    pub(crate) fn of(url: &str, options: &RedisOptions) -> Result<Self, ConnectError> {
        if cfg!(not(feature = "tls")) && (url.starts_with("rediss:") || url.starts_with("valkeys:")) {
            return Err(ConnectError::url("TLS takes the feature `tls` of carryall-redis"));
        }
        let server = url.into_connection_info().map_err(ConnectError::new)?;
        // The protocol's third version is spoken whatever the URL says: it tells of a lost connection.
        let settings = server.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let tcp = TcpSettings::default().set_nodelay(true);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let tcp = tcp.set_user_timeout(options.patience);
        let dial = Self {
            server: server.set_redis_settings(settings).set_tcp_settings(tcp),
            patience: options.patience,
            #[cfg(feature = "tls")]
            root_certificates: options.root_certificates.clone(),
        };
        // A certificate that is none is found now.
        dial.client().map_err(|error| ConnectError::url(error.to_string()))?;
        Ok(dial)
    }

    /// Another server, called in the same way.
    pub(crate) fn at(&self, node: &Node) -> Self {
        let (host, port) = (node.host.clone(), node.port);
        let address = match self.server.addr() {
            ConnectionAddr::TcpTls { insecure, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure: *insecure, tls_params: None }
            }
            _ => ConnectionAddr::Tcp(host, port),
        };
        Self { server: self.server.clone().set_addr(address), ..self.clone() }
    }

    /// The same server, called with this name and password and no others.
    pub(crate) fn with_credentials(self, user: Option<&str>, password: Option<&str>) -> Self {
        let mut settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = user {
            settings = settings.set_username(user);
        }
        if let Some(password) = password {
            settings = settings.set_password(password);
        }
        Self { server: self.server.set_redis_settings(settings), ..self }
    }

    /// The same server, another of its databases.
    pub(crate) fn with_database(self, number: u32) -> Self {
        let settings = self.server.redis_settings().clone().set_db(number.into());
        Self { server: self.server.set_redis_settings(settings), ..self }
    }

    /// Who it is; `None` for a socket in the file system.
    pub(crate) fn node(&self) -> Option<Node> {
        match self.server.addr() {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some(Node { host: host.clone(), port: *port })
            }
            _ => None,
        }
    }

    pub(crate) fn client(&self) -> RedisResult<Client> {
        #[cfg(feature = "tls")]
        if matches!(self.server.addr(), ConnectionAddr::TcpTls { .. }) {
            choose_cryptography();
            let root_cert = self.root_certificates.clone();
            let certificates = redis::TlsCertificates { client_tls: None, root_cert };
            return Client::build_with_tls(self.server.clone(), certificates);
        }
        Client::open(self.server.clone())
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// rustls panics if it was built with several libraries and nobody has chosen one for the process.
#[cfg(feature = "tls")]
fn choose_cryptography() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Whoever was faster has chosen, which is as good.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}
