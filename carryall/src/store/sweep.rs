//! The capability to remove expired records in batches.

use crate::clock::Timestamp;

use super::{Store, StoreError};

/// A [`Store`] whose expired records have to be removed by somebody.
///
/// Declared with [`Wrapped::sweeps`](super::Wrapped::sweeps). A store whose server expires records by itself has no
/// use for it. Expired records are absent whether or not they were swept: sweeping frees room and nothing else.
pub trait Sweep: Store {
    /// Removes records that are expired at `now`, at most `limit`, and answers how many it removed.
    ///
    /// Fewer than `limit` means that nothing expired was left. Never removes a live record. Costs as much as it
    /// removes, never a scan of everything.
    fn sweep_once(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<usize, StoreError>> + Send;
}
