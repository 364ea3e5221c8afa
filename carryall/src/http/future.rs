//! The future of a request with a session: the inner response, the commit, the cookie.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::Response;
use pin_project_lite::pin_project;

use super::layer::Config;
use super::outage::FailureResponse;
use super::response;
use crate::error::Error;
use crate::lifecycle::drive::{Finished, When, commit_without_io};
use crate::lifecycle::visit::Visit;
use crate::policy::ClearSiteData;

pin_project! {
    /// The future of a [`SessionService`](super::SessionService).
    #[must_use = "futures do nothing unless polled"]
    pub struct SessionFuture<F, R, B> {
        #[pin]
        pub(super) inner: F,
        // None for a request without a session of its own.
        pub(super) guest: Option<Guest<R>>,
        // Boxed, so that the usual request, whose commit waits for nothing, does not carry the room for it.
        pub(super) committing: Option<Box<Committing<B>>>,
    }
}

/// What the session needs until the response leaves. Dropped before that, the session is abandoned.
pub(super) struct Guest<R> {
    visit: Arc<Visit>,
    clear_site_data: Option<ClearSiteData>,
    failure: R,
    is_done: bool,
}

/// A response that waits for its commit.
pub(super) struct Committing<B> {
    response: Response<B>,
    commit: Finished,
}

impl<R> Drop for Guest<R> {
    fn drop(&mut self) {
        if !self.is_done {
            self.visit.abandon();
        }
    }
}

impl<F, R, B, E> Future for SessionFuture<F, R, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    R: FailureResponse<B>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(guest) = this.guest.as_mut() else { return this.inner.poll(cx) };
        if let Some(committing) = this.committing.as_mut() {
            let result = ready!(Pin::new(&mut committing.commit).poll(cx));
            let done = this.committing.take().map(|done| done.response);
            // Taken above from the same option.
            let Some(response) = done else { return Poll::Pending };
            return Poll::Ready(Ok(guest.finish(response, result)));
        }
        let response = match ready!(this.inner.poll(cx)) {
            Ok(response) => response,
            Err(error) => {
                guest.visit.abandon();
                guest.is_done = true;
                return Poll::Ready(Err(error));
            }
        };
        if !guest.visit.is_accessed() {
            // Mostly the request is gone by now, and with it everybody who could still ask.
            if Arc::strong_count(&guest.visit) > 1 {
                guest.visit.leave();
            }
            guest.is_done = true;
            return Poll::Ready(Ok(response));
        }
        let redirects = response.status().is_redirection();
        if let Some(result) = commit_without_io(&guest.visit, redirects) {
            return Poll::Ready(Ok(guest.finish(response, result)));
        }
        let mut commit = Finished::new(Arc::clone(&guest.visit), When::Last { redirects });
        match Pin::new(&mut commit).poll(cx) {
            Poll::Ready(result) => Poll::Ready(Ok(guest.finish(response, result))),
            Poll::Pending => {
                *this.committing = Some(Box::new(Committing { response, commit }));
                Poll::Pending
            }
        }
    }
}

impl<R> Guest<R> {
    pub(super) fn new(visit: Arc<Visit>, config: &Config, failure: R) -> Self {
        // Copied: to count one more user of the configuration would cost every request more.
        Self { visit, clear_site_data: config.clear_site_data, failure, is_done: false }
    }

    fn finish<B>(&mut self, response: Response<B>, committed: Result<(), Error>) -> Response<B>
    where
        R: FailureResponse<B>,
    {
        self.is_done = true;
        response::finish(&self.visit, self.clear_site_data, &self.failure, response, committed)
    }
}

impl<F, R, B> std::fmt::Debug for SessionFuture<F, R, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionFuture").finish_non_exhaustive()
    }
}
