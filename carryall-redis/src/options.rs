//! How keys begin, how large records are, how long to wait.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

/// Options of a [`RedisStore`](crate::RedisStore).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct RedisOptions {
    pub(crate) prefix: String,
    pub(crate) max_record: usize,
    pub(crate) patience: Duration,
    pub(crate) may_evict: bool,
    pub(crate) watching: usize,
    pub(crate) sentinel_user: Option<String>,
    pub(crate) sentinel_password: Option<Password>,
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
            watching: 4,
            sentinel_user: None,
            sentinel_password: None,
            #[cfg(feature = "tls")]
            root_certificates: None,
        }
    }
}

impl RedisOptions {
    /// What the keys of all records begin with, before the 16 bytes of each. Default `carryall:`. In a cluster, a
    /// prefix with text in braces puts every session on one node.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The largest payload in bytes that is written. Default 1 MiB.
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// How long to wait for a new connection, sentinels included, and for an answer. A server that was silent for so
    /// long is given up; on Linux so is a network that receives nothing of what was sent. Default 5 s. Sessions
    /// themselves wait less long, see [`patience`](carryall::SessionsBuilder::patience).
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }

    /// How many connections more there may be to a single server, opened when they are missed. On each of them one
    /// session at a time is watched (`WATCH`) from when it is loaded, and then written without a script, which costs the
    /// server a fraction. Sessions that find none, or were overtaken, are written by the script; so are all with 0, and
    /// all behind sentinels and in clusters. Default 4.
    pub fn watching(mut self, connections: usize) -> Self {
        self.watching = connections;
        self
    }

    /// The user at the sentinels, for `redis+sentinel://`; the one in the URL is for the servers only. Default: none.
    pub fn sentinel_user(mut self, name: impl Into<String>) -> Self {
        self.sentinel_user = Some(name.into());
        self
    }

    /// The password of the sentinels, for `redis+sentinel://`; the one in the URL is for the servers only. Default: none.
    pub fn sentinel_password(mut self, password: impl Into<String>) -> Self {
        self.sentinel_password = Some(Password(password.into()));
        self
    }

    /// The certificate authorities, in PEM, whose servers are believed over TLS (feature `tls`). Default: those of the
    /// system.
    #[cfg(feature = "tls")]
    pub fn root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.root_certificates = Some(pem.into());
        self
    }

    /// Puts up with a server that evicts keys when its memory is full (`maxmemory-policy` other than `noeviction`).
    /// Sessions then end before their time, whoever they belong to, and visitors can provoke it by beginning new
    /// ones. As an index may be evicted and the sessions it names are not, such a store does not declare that it finds a
    /// user's sessions: they are neither listed, nor revoked by name, nor limited in number. Refused by default.
    pub fn danger_may_evict(mut self) -> Self {
        self.may_evict = true;
        self
    }
}

/// Never shown.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password(String);

impl Deref for Password {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_of_sentinels_is_not_shown() {
        let options = RedisOptions::default().sentinel_user("ada").sentinel_password("secret");
        assert!(!format!("{options:?}").contains("secret"));
    }
}
