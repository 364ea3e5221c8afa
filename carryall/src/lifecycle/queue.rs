//! Queues of this node, one a record: of writers that have lost a race, so that they do not fight, and of requests that
//! wait for the lease of their session.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as Turn, Notify, OwnedMutexGuard};

use crate::id::RecordKey;

type Lines = HashMap<RecordKey, Line>;

/// A queue, with a bell for the one at its head.
#[derive(Clone, Debug, Default)]
struct Line {
    turn: Arc<Turn<()>>,
    bell: Arc<Notify>,
}

/// The queues of this node.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    lines: Mutex<Lines>,
}

/// The right to try next; the queue is forgotten with its last holder.
#[derive(Debug)]
pub(crate) struct Place<'a> {
    queues: &'a Queues,
    key: RecordKey,
    bell: Arc<Notify>,
    turn: Option<OwnedMutexGuard<()>>,
}

impl Queues {
    /// Waits for a turn. Waiting ends with the caller's deadline, because the future is dropped then.
    pub(crate) async fn join(&self, key: RecordKey) -> Place<'_> {
        let line = self.lock().entry(key).or_default().clone();
        self.wait(key, line).await
    }

    /// The same, unless `most` wait already besides the one whose turn it is.
    pub(crate) fn join_if(
        &self,
        key: RecordKey,
        most: usize,
    ) -> Option<impl Future<Output = Place<'_>> + use<'_>> {
        let line = {
            let mut lines = self.lock();
            let line = lines.entry(key).or_default();
            // One is the map's own, one belongs to the head.
            if Arc::strong_count(&line.bell) > most.saturating_add(1) {
                return None;
            }
            line.clone()
        };
        Some(self.wait(key, line))
    }

    /// Tells the head of the queue, if there is one, that what it waits for may be free.
    pub(crate) fn let_go(&self, key: &RecordKey) {
        if let Some(line) = self.lock().get(key) {
            line.bell.notify_one();
        }
    }

    /// Waits for the turn in a line that it has a share of from the call on, and cleans up if it is dropped before.
    fn wait(&self, key: RecordKey, line: Line) -> impl Future<Output = Place<'_>> + use<'_> {
        let mut place = Place { queues: self, key, bell: line.bell, turn: None };
        let turn = line.turn;
        async move {
            place.turn = Some(turn.lock_owned().await);
            place
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// Resolves when somebody has called [`let_go`](Queues::let_go).
    pub(crate) async fn let_go(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        drop(self.turn.take());
        let mut lines = self.queues.lock();
        // Places take their share of the bell only under this lock: without another, nobody waits.
        if Arc::strong_count(&self.bell) == 2 {
            lines.remove(&self.key);
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

    #[tokio::test]
    async fn a_full_queue_takes_nobody_until_somebody_leaves() {
        let queues = Queues::default();
        let key = RecordKey::from_bytes([7; RecordKey::LEN]);
        let head = queues.join_if(key, 1).expect("nobody is there").await;
        let waiting = queues.join_if(key, 1).expect("one may wait");
        assert!(queues.join_if(key, 1).is_none());
        assert!(queues.join_if(RecordKey::from_bytes([8; RecordKey::LEN]), 1).is_some());
        drop(waiting);
        let waiting = queues.join_if(key, 1).expect("one may wait again");
        drop(head);
        queues.let_go(&key);
        waiting.await.let_go().await;
        assert!(queues.lock().is_empty());
    }
}
