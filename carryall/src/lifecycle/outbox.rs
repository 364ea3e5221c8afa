//! Ends that a store or log could not take yet, retried in the background.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// How many ends may wait at a time; each is a small task.
const MOST: usize = 10_000;
/// The first and the longest pause between two tries.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(30));

/// Counts the ends that wait.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Arc<AtomicUsize>,
}

/// A place in the outbox, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Outbox {
    /// A place, or `None` when the outbox is full.
    pub(crate) fn slot(&self) -> Option<Slot> {
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let slot = Slot(Arc::clone(&self.waiting));
        (before < MOST).then_some(slot)
    }

    /// How many ends wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The pause before each retry: doubling, without end.
pub(crate) fn pauses() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(PAUSES.0), |pause| Some((*pause * 2).min(PAUSES.1)))
}
