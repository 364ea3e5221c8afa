//! Waiting with a deadline, and going on after the caller has left.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use super::super::house::House;
use crate::error::{Error, ErrorKind};
use crate::event::Event;
use crate::store::{StoreError, StoreErrorKind};

/// Waits for a store at most this long; reports its failure.
///
/// The future is polled once before a timer is made, so a store that answers at once costs none.
pub(crate) async fn within<T, E: Into<Error>>(
    house: &House,
    patience: Duration,
    during: &'static str,
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, Error> {
    let mut future = pin!(future);
    let first = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
    let result = match first {
        Poll::Ready(result) => result.map_err(Into::into),
        Poll::Pending => match tokio::time::timeout(patience, future).await {
            Ok(result) => result.map_err(Into::into),
            Err(_) => Err(StoreError::new(StoreErrorKind::TimedOut).into()),
        },
    };
    if result.as_ref().is_err_and(|error: &Error| error.kind() == ErrorKind::Outage) {
        house.tell(|| Event::Outage { during });
    }
    result
}

type Work<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A future that is finished in the background when it is dropped half-way.
pub(crate) struct Uninterrupted<T: Send + 'static> {
    work: Option<Work<T>>,
    started: bool,
}

impl<T: Send + 'static> Uninterrupted<T> {
    pub(crate) fn new(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self { work: Some(Box::pin(work)), started: false }
    }
}

impl<T: Send + 'static> Future for Uninterrupted<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.started = true;
        let Some(work) = self.work.as_mut() else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Uninterrupted<T> {
    fn drop(&mut self) {
        if let (true, Some(work)) = (self.started, self.work.take()) {
            in_background(async move {
                work.await;
            });
        }
    }
}

/// Runs on the runtime of the caller; without one there is nowhere to go on, and nothing is started.
pub(super) fn in_background(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(work);
    }
}
