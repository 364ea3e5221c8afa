//! Who may no longer come in although their cookie is authentic.
//!
//! An exact set in memory, fed by a log. What [`Revocations::revoke`] promises is said there, word for word.
//!
//! ```
//! use std::time::Duration;
//! use carryall::clock::{Clock, SystemClock};
//! use carryall::revocation::{Revocations, Scope, SingleNode};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let revocations = Revocations::new(SingleNode::default());
//! let now = SystemClock.now();
//! // Until the last session that began before now would have ended by itself.
//! revocations.revoke(Scope::Everyone, now, now.plus(Duration::from_hours(12))).await?;
//! # Ok::<(), carryall::store::StoreError>(()) }).unwrap();
//! ```

mod entry;
mod facts;
mod families;
mod forgotten;
mod groups;
mod log;
mod revocations;
mod scope;
mod set;
mod single_node;
#[cfg(test)]
mod tests;

pub use entry::Entry;
pub(crate) use facts::Facts;
pub use log::RevocationLog;
pub use revocations::Revocations;
pub use scope::{Scope, TenantHash};
pub use set::RevocationSet;
pub use single_node::SingleNode;
