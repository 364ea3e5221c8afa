//! How keys begin, how large records are, how long to wait.

use std::time::Duration;

/// Options of a [`RedisStore`](crate::RedisStore).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RedisOptions {
    pub(crate) prefix: String,
    pub(crate) max_record: usize,
    pub(crate) patience: Duration,
    pub(crate) may_evict: bool,
    #[cfg(feature = "tls")]
    pub(crate) root_certificates: Option<Vec<u8>>,
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self {
            prefix: "carryall:".to_owned(),
            max_record: 1024 * 1024,
            patience: Duration::from_secs(5),
            may_evict: false,
            #[cfg(feature = "tls")]
            root_certificates: None,
        }
    }
}

impl RedisOptions {
    /// What the keys of all records begin with, before the 16 bytes of each. Default `carryall:`.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The largest payload in bytes that is written. Default 1 MiB.
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// How long to wait for a new connection and for an answer; whoever waited in vain gives the connection up, and
    /// so does the network, on Linux, if nothing that was sent is received. Default 5 s. Sessions themselves wait
    /// less long, see [`patience`](carryall::SessionsBuilder::patience).
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// The certificate authorities, in PEM, whose servers are believed with `rediss://` (feature `tls`). Default: those
    /// of the system.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Puts up with a server that evicts keys when its memory is full (`maxmemory-policy` other than `noeviction`).
    /// Sessions then end before their time, whoever they belong to, and visitors can provoke it by beginning new
    /// ones. Refused by default.
    pub fn danger_may_evict(mut self) -> Self {
        self.may_evict = true;
        self
    }
}
