//! A queue a record on this node, joined only after a lost race, so that many local writers do not fight.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, OwnedMutexGuard};

use crate::id::RecordKey;

type Turns = HashMap<RecordKey, Arc<Turn<()>>>;

/// The queues of this node.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    turns: Mutex<Turns>,
}

/// The right to try next; the queue is forgotten with its last holder.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    queues: &'a Queues,
    key: RecordKey,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Queues {
    /// Waits for a turn. Waiting ends with the caller's deadline, because the future is dropped then.
    pub(crate) async fn join(&self, key: RecordKey) -> Place<'_> {
        let turn = Arc::clone(self.lock().entry(key).or_default());
        // Made before waiting, so that a waiter who gives up cleans up too.
        let mut place = Place { queues: self, key, turn: None };
        place.turn = Some(turn.lock_owned().await);
        place
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        drop(self.turn.take());
        let mut turns = self.queues.lock();
        // Others clone the turn only under this lock, so a count of one means that nobody waits.
        if turns.get(&self.key).is_some_and(|turn| Arc::strong_count(turn) == 1) {
            turns.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_at_a_time_and_nothing_left_behind() {
        let queues = Arc::new(Queues::default());
        let key = RecordKey::from_bytes([7; RecordKey::LEN]);
        let first = queues.join(key).await;
        let waiting = tokio::spawn({
            let queues = Arc::clone(&queues);
            async move { drop(queues.join(key).await) }
        });
        let given_up = tokio::spawn({
            let queues = Arc::clone(&queues);
            async move { drop(queues.join(key).await) }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        given_up.abort();
        assert!(given_up.await.is_err());
        drop(first);
        assert!(waiting.await.is_ok());
        assert!(queues.lock().is_empty());
    }
}
