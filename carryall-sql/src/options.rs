//! How many connections, how large records, how long to wait.

use std::time::Duration;

/// Options of a [`SqlStore`](crate::SqlStore).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct SqlOptions {
    pub(crate) max_connections: u32,
    pub(crate) max_record: usize,
    pub(crate) patience: Duration,
}

impl Default for SqlOptions {
    fn default() -> Self {
        Self { max_connections: 10, max_record: 1024 * 1024, patience: Duration::from_secs(5) }
    }
}

impl SqlOptions {
    /// The most connections that this node opens, at least one. Default 10. With SQLite: to read; one more writes.
    pub fn max_connections(mut self, connections: u32) -> Self {
        self.max_connections = connections.max(1);
        self
    }

    /// The largest payload in bytes that is written. Default 1 MiB. MySQL and MariaDB have a limit of their own,
    /// `max_allowed_packet`.
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// How long an operation waits for a free connection or a new one, and, with SQLite, for another process that
    /// writes. Default 5 s. How long it waits for an answer is up to the sessions, see
    /// [`patience`](carryall::SessionsBuilder::patience).
    pub fn patience(mut self, time: Duration) -> Self {
        self.patience = time;
        self
    }
}
