//! A store whose operations wait until the test lets them go on.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use carryall::KeyRing;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    AnyStore, Commit, Draft, Durability, MemoryStore, Record, Store, StoreError, StoreErrorKind, Version,
};
use tokio::sync::Notify;

use super::house::Home;
use super::lab::Lab;

/// Where an operation is held: before the store does anything, or when it has done it and is about to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Before,
    After,
}

pub const HOLDS: [Hold; 2] = [Hold::Before, Hold::After];

/// A store in memory whose operations can be held one by one, by their letters as in `Recorder`: `L`, `C`, `T`, `X`.
#[derive(Clone, Debug, Default)]
pub struct Slow {
    pub inner: MemoryStore,
    state: Arc<Mutex<State>>,
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    /// Which operations are held, and where.
    holding: Option<(char, Hold)>,
    /// How many operations wait now.
    waiting: usize,
    /// How many of them may go on, and how many of these are to fail.
    released: usize,
    failing: usize,
    /// All operations that began, by letter.
    begun: String,
}

impl Slow {
    /// Holds every operation of this letter from now on.
    pub fn hold(&self, letter: char, hold: Hold) {
        let mut state = self.state.lock().unwrap();
        state.holding = Some((letter, hold));
        (state.released, state.failing) = (0, 0);
    }

    /// Holds nothing any more, and lets go on what is held.
    pub fn free(&self) {
        let mut state = self.state.lock().unwrap();
        state.holding = None;
        state.released = state.waiting;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Lets one go on.
    pub fn release(&self) {
        self.state.lock().unwrap().released += 1;
        self.changed.notify_waiters();
    }

    /// Lets one go on, and answer with an outage.
    pub fn fail(&self) {
        self.state.lock().unwrap().failing += 1;
        self.release();
    }

    /// Waits until so many operations are held.
    pub async fn held(&self, count: usize) {
        self.until(|state| (state.waiting >= count).then_some(())).await;
    }

    /// The operations since the last call.
    pub fn take(&self) -> String {
        std::mem::take(&mut self.state.lock().unwrap().begun)
    }

    async fn until<R>(&self, mut answer: impl FnMut(&mut State) -> Option<R>) -> R {
        loop {
            let changed = self.changed.notified();
            let mut changed = pin!(changed);
            changed.as_mut().enable();
            if let Some(found) = answer(&mut self.state.lock().unwrap()) {
                return found;
            }
            changed.await;
        }
    }

    async fn pass(&self, letter: char, at: Hold) -> Result<(), StoreError> {
        if self.state.lock().unwrap().holding != Some((letter, at)) {
            return Ok(());
        }
        self.state.lock().unwrap().waiting += 1;
        self.changed.notify_waiters();
        // The caller may give up while it waits.
        let _left = Left(self);
        let fails = self.until(|state| {
            state.released = state.released.checked_sub(1)?;
            let fails = state.failing > 0;
            state.failing -= usize::from(fails);
            Some(fails)
        });
        if fails.await { Err(StoreError::new(StoreErrorKind::Unavailable)) } else { Ok(()) }
    }

    async fn run<R>(
        &self,
        letter: char,
        work: impl Future<Output = Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        self.state.lock().unwrap().begun.push(letter);
        self.pass(letter, Hold::Before).await?;
        let done = work.await;
        self.pass(letter, Hold::After).await?;
        done
    }
}

struct Left<'a>(&'a Slow);

impl Drop for Left<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap().waiting -= 1;
        self.0.changed.notify_waiters();
    }
}

impl Store for Slow {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        self.run('L', self.inner.load(key, now)).await
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        self.run('C', self.inner.commit(key, expected, draft, now)).await
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        self.run('T', self.inner.touch(key, seen, expires, now)).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        self.run('X', self.inner.remove(key, now)).await
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }
}

/// An application over such a store.
pub fn slow_lab() -> (Lab, Slow) {
    let (lab, slow, _) = slow_lab_and_neighbour();
    (lab, slow)
}

/// An application over such a store, and a node of it whose operations are never held.
pub fn slow_lab_and_neighbour() -> (Lab, Slow, Lab) {
    let (ring, slow) = (KeyRing::random().unwrap(), Slow::default());
    let lab = Lab::with_keys(Home::Store, ring.clone(), |builder| builder.store(AnyStore::of(slow.clone())));
    let clock = lab.clock.clone();
    let neighbour =
        Lab::with_keys(Home::Store, ring, |builder| builder.store(slow.inner.clone()).clock(clock));
    (lab, slow, neighbour)
}

/// Polls once, as a handler that loses patience does.
pub async fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
}

/// Waits until nothing goes on any more, timers included. Needs tokio's time to be paused.
pub async fn quiet() {
    tokio::time::sleep(Duration::from_mins(1)).await;
}
