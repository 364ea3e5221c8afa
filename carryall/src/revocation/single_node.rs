//! The log of an application that runs as one process: none.

use std::time::Duration;

use super::entry::Entry;
use super::log::RevocationLog;
use super::scope::Scope;
use super::set::RevocationSet;
use crate::clock::Timestamp;
use crate::lifetime::LONGEST;
use crate::store::StoreError;

/// Revocations that live in the memory of the only process there is.
///
/// They are lost when it ends. What that means is chosen here: with [`SingleNode::default`] the sessions of before
/// go on, and one that was ended before is good again if a copy of its cookie was kept, until its deadline; with
/// [`SingleNode::log_out_at_restart`] none of them does.
#[derive(Clone, Copy, Debug, Default)]
pub struct SingleNode {
    started: Option<Timestamp>,
}

impl SingleNode {
    /// Refuses every session that began until `started`, the instant at which the process starts.
    pub fn log_out_at_restart(started: Timestamp) -> Self {
        Self { started: Some(started) }
    }
}

impl RevocationLog for SingleNode {
    fn attach(&self, set: &RevocationSet) {
        if let Some(started) = self.started {
            set.apply(&Entry::revoke(Scope::Everyone, started, started.plus(LONGEST)), started);
        }
    }

    async fn append(&self, _: &Entry) -> Result<(), StoreError> {
        Ok(())
    }

    fn is_fresh(&self, _: Timestamp) -> bool {
        true
    }

    fn skew(&self) -> Duration {
        Duration::ZERO
    }
}
