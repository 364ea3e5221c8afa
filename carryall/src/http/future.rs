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
use crate::lifecycle::drive::{Ending, Finished, Pace, When, close, close_without_io};
use crate::lifecycle::visit::Visit;
use crate::policy::ClearSiteData;

pin_project! {
    /// The future of a [`SessionService`](super::SessionService).
    #[must_use = "futures do nothing unless polled"]
    pub struct SessionFuture<F, R, B> {
        #[pin]
        pub(super) inner: F,
        // None for a request without a session of its own.
        pub(super) guest: Option<Guest<R, B>>,
    }
}

/// What the session needs until the response leaves. Dropped before that, the session is abandoned.
pub(super) struct Guest<R, B> {
    visit: Arc<Visit>,
    // Boxed, so that the usual request, whose commit waits for nothing, does not carry the room for it.
    committing: Option<Box<Committing<B>>>,
    clear_site_data: Option<ClearSiteData>,
    failure: R,
    pace: Pace,
    is_done: bool,
}

/// A response that waits for its commit.
struct Committing<B> {
    response: Response<B>,
    commit: Finished,
}

impl<R, B> Drop for Guest<R, B> {
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
        if guest.committing.is_some() {
            return guest.poll_commit(cx).map(Ok);
        }
        let Poll::Ready(result) = this.inner.poll(cx) else {
            guest.pace = Pace::Waited;
            return Poll::Pending;
        };
        match result {
            Ok(response) => guest.see_off(response, cx).map(Ok),
            Err(error) => {
                guest.visit.abandon();
                guest.is_done = true;
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<R, B> Guest<R, B> {
    pub(super) fn new(visit: Arc<Visit>, config: &Config, failure: R) -> Self {
        // Copied: to count one more user of the configuration would cost every request more.
        let clear_site_data = config.clear_site_data;
        Self { visit, committing: None, clear_site_data, failure, pace: Pace::AtOnce, is_done: false }
    }

    /// The response with what the session has to say, at once if its commit waits for nothing.
    fn see_off(&mut self, mut response: Response<B>, cx: &mut Context<'_>) -> Poll<Response<B>>
    where
        R: FailureResponse<B>,
    {
        if !self.visit.is_accessed() {
            // Mostly the request is gone by now, and with it everybody who could still ask.
            if Arc::strong_count(&self.visit) > 1 {
                self.visit.leave();
            }
            self.is_done = true;
            return Poll::Ready(response);
        }
        let redirects = response.status().is_redirection();
        if let Some(ending) = close_without_io(&self.visit, redirects, self.pace) {
            self.finish(&mut response, ending);
            return Poll::Ready(response);
        }
        let commit = Finished::new(Arc::clone(&self.visit), When::Last { redirects });
        self.committing = Some(Box::new(Committing { response, commit }));
        self.poll_commit(cx)
    }

    #[cold]
    fn poll_commit(&mut self, cx: &mut Context<'_>) -> Poll<Response<B>>
    where
        R: FailureResponse<B>,
    {
        // Asked for only while there is one.
        let Some(committing) = &mut self.committing else { return Poll::Pending };
        let result = ready!(Pin::new(&mut committing.commit).poll(cx));
        let Some(committing) = self.committing.take() else { return Poll::Pending };
        let mut response = committing.response;
        let ending = close(&self.visit, result);
        self.finish(&mut response, ending);
        Poll::Ready(response)
    }

    fn finish(&mut self, response: &mut Response<B>, ending: Ending)
    where
        R: FailureResponse<B>,
    {
        self.is_done = true;
        response::finish(&self.visit, self.clear_site_data, &self.failure, response, ending);
    }
}

impl<F, R, B> std::fmt::Debug for SessionFuture<F, R, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionFuture").finish_non_exhaustive()
    }
}
