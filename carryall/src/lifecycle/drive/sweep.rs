//! Removing expired records, once or for as long as the application runs.

use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::super::house::House;
use super::super::pace::{BATCH, BATCHES, Pace, Pass};
use super::super::place::Home;
use super::within;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::store::Sweeper;

/// Expired sessions are removed until this is dropped; see [`Sessions::sweep_every`](crate::Sessions::sweep_every).
#[must_use = "sweeping stops when this is dropped"]
pub struct Sweeping {
    task: Option<JoinHandle<()>>,
}

impl Sweeping {
    /// Stops it, and waits until it has stopped.
    pub async fn stop(mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            // Cancelled is how it ends.
            let _ = task.await;
        }
    }
}

impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl fmt::Debug for Sweeping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_running = self.task.as_ref().is_some_and(|task| !task.is_finished());
        f.debug_struct("Sweeping").field("is_running", &is_running).finish()
    }
}

/// Begins to sweep about this often.
pub(crate) fn sweep_every(house: &Arc<House>, every: Duration) -> Result<Sweeping, Error> {
    if every.is_zero() {
        return Err(Error::new(ErrorKind::Misuse, "the interval of sweeping must not be zero"));
    }
    let runtime = Handle::try_current()
        .map_err(|error| Error::new(ErrorKind::Misuse, "sweeping needs a tokio runtime").because(error))?;
    let sweeper = sweeper(house).cloned();
    let task = sweeper.map(|sweeper| runtime.spawn(supervise(Arc::clone(house), sweeper, every)));
    Ok(Sweeping { task })
}

/// One pass; answers how many records it removed.
pub(crate) async fn sweep(house: &House) -> Result<usize, Error> {
    let Some(sweeper) = sweeper(house) else { return Ok(0) };
    let mut removed = 0;
    pass(house, sweeper, BATCH, &mut removed).await?;
    Ok(removed)
}

fn sweeper(house: &House) -> Option<&Sweeper> {
    match &house.home {
        Home::Store { store, .. } => store.sweeper(),
        Home::Client(_) => None,
    }
}

async fn supervise(house: Arc<House>, sweeper: Sweeper, every: Duration) {
    let mut pace = Pace::new(every);
    tokio::time::sleep(pace.first(chance(&house))).await;
    loop {
        let mut removed = 0;
        let result = surviving(&house, pass(&house, &sweeper, pace.batch(), &mut removed)).await;
        let pause = pace.after(*result.as_ref().unwrap_or(&Pass::Failed), chance(&house));
        match result {
            Ok(_) => tracing::debug!(target: "carryall", removed, "expired sessions were removed"),
            Err(error) => {
                let cause = std::error::Error::source(&error).and_then(|error| error.source());
                let cause = cause.map(ToString::to_string).unwrap_or_default();
                tracing::warn!(target: "carryall", %error, cause, ?pause, "expired sessions stay for now");
            }
        }
        tokio::time::sleep(pause).await;
    }
}

async fn pass(house: &House, sweeper: &Sweeper, batch: usize, removed: &mut usize) -> Result<Pass, Error> {
    for _ in 0..BATCHES {
        let sweeping = sweeper.sweep_once(house.now(), batch);
        let swept = within(house, house.patience.operation, "sweep", sweeping).await?;
        *removed += swept;
        if swept < batch {
            return Ok(Pass::Clean);
        }
        // A store that answers at once would keep the thread.
        tokio::task::yield_now().await;
    }
    Ok(Pass::Enough)
}

/// What the future answers; a panic of the store is one more outage.
async fn surviving<T>(house: &House, future: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let mut future = pin!(future);
    let result = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Some),
        Err(_) => Poll::Ready(None),
    });
    if let Some(result) = result.await {
        return result;
    }
    house.tell(|| Event::Outage { during: "sweep" });
    Err(Error::new(ErrorKind::Outage, "the store panicked while sweeping"))
}

fn chance(house: &House) -> u16 {
    let mut bytes = [0; 2];
    house.random.nonce(&mut bytes);
    u16::from_be_bytes(bytes)
}
