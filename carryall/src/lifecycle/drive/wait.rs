//! Waiting with a deadline, and going on after the caller has left.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use super::super::house::House;
use super::super::meter::Stopwatch;
use super::super::visit::Visit;
use super::turn::{When, commit_now, tell_abandoned};
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::store::{StoreError, StoreErrorKind};

/// Waits for one operation of a store or log at most this long, and measures it; reports its failure.
pub(crate) async fn within<T, E: Into<Error>>(
    house: &House,
    patience: Duration,
    during: &'static str,
    operation: impl Future<Output = Result<T, E>>,
) -> Result<T, Error> {
    let stopwatch = Stopwatch::start();
    let result = bounded(patience, operation).await.unwrap_or_else(|late| Err(late.into()));
    stopwatch.stop(during, &result);
    if result.as_ref().is_err_and(|error: &Error| error.kind() == ErrorKind::Outage) {
        house.tell(|| Event::Outage { during });
    }
    result
}

/// Waits at most this long for what is made of such operations; reports only that it took too long.
pub(crate) async fn in_time<T>(
    house: &House,
    patience: Duration,
    during: &'static str,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    bounded(patience, work).await.unwrap_or_else(|late| {
        house.tell(|| Event::Outage { during });
        Err(late.into())
    })
}

/// The future is polled once before a timer is made, so a store that answers at once costs none.
async fn bounded<T, E: Into<Error>>(
    patience: Duration,
    future: impl Future<Output = Result<T, E>>,
) -> Result<Result<T, Error>, StoreError> {
    let mut future = pin!(future);
    let first = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    match first {
        Poll::Ready(result) => Ok(result.map_err(Into::into)),
        Poll::Pending => match tokio::time::timeout(patience, future).await {
            Ok(result) => Ok(result.map_err(Into::into)),
            Err(_) => Err(StoreError::new(StoreErrorKind::TimedOut)),
        },
    }
}

type Work = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// A commit that is finished in the background when its future is dropped half-way.
pub(crate) struct Finished {
    visit: Arc<Visit>,
    when: When,
    work: Option<Work>,
    is_started: bool,
}

impl Finished {
    pub(crate) fn new(visit: Arc<Visit>, when: When) -> Self {
        let work = commit_now(Arc::clone(&visit), when);
        Self { visit, when, work: Some(Box::pin(work)), is_started: false }
    }
}

impl Future for Finished {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.is_started = true;
        let Some(work) = self.work.as_mut() else { return Poll::Pending };
        let result = ready!(work.as_mut().poll(cx));
        self.work = None;
        if let Err(error) = &result {
            self.visit.lock().commits.tell(error.kind());
        }
        Poll::Ready(result)
    }
}

impl Drop for Finished {
    fn drop(&mut self) {
        let Some(work) = self.work.take().filter(|_| self.is_started) else { return };
        let (visit, when) = (Arc::clone(&self.visit), self.when);
        in_background(async move {
            let result = work.await;
            if when != When::Early && result.is_err() {
                tell_abandoned(&visit);
            }
        });
    }
}

/// Runs on the runtime of the caller; without one there is nowhere to go on, and nothing is started.
pub(super) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}
