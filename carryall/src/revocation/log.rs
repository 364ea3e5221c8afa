//! Where revocations are written down, so that every node learns of them.

use std::fmt::Debug;
use std::pin::Pin;
use std::time::Duration;

use super::entry::Entry;
use super::set::RevocationSet;
use crate::clock::Timestamp;
use crate::store::StoreError;

/// Where revocations are written down, so that every node learns of them.
///
/// **Laws**
/// * [`append`](Self::append) answers `Ok` only when the log keeps the entry until it expires and every node that
///   proves its freshness by a read begun later holds it. An error means "unknown"; appending again is harmless.
/// * Every entry reaches the set of every node, in any order, once or more often.
/// * [`is_fresh`](Self::is_fresh) is true only while this node can prove that it holds every entry that was
///   acknowledged before a read that it began less than the lease ago.
pub trait RevocationLog: Debug + Send + Sync + 'static {
    /// Hands over this node's set. Called once, before the first request: everything that the log holds and
    /// everything that comes is to be applied to it.
    fn attach(&self, set: &RevocationSet);

    /// Writes an entry down.
    fn append(&self, entry: &Entry) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether this node knows everything that it has to know to authenticate anybody.
    fn is_fresh(&self, now: Timestamp) -> bool;

    /// By how much the clocks of two nodes may differ; zero if there is only one.
    fn skew(&self) -> Duration;
}

/// The object-safe twin of [`RevocationLog`].
pub(super) trait AnyLog: Debug + Send + Sync {
    fn append<'a>(
        &'a self,
        entry: &'a Entry,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;
    fn is_fresh(&self, now: Timestamp) -> bool;
    fn skew(&self) -> Duration;
}

impl<L: RevocationLog> AnyLog for L {
    fn append<'a>(
        &'a self,
        entry: &'a Entry,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>> {
        Box::pin(RevocationLog::append(self, entry))
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        RevocationLog::is_fresh(self, now)
    }

    fn skew(&self) -> Duration {
        RevocationLog::skew(self)
    }
}
