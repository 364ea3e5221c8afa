//! The service: opens a session, calls the inner service, hands the response to the commit.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::{Guest, SessionFuture};
use super::handle::SessionHandle;
use super::layer::Config;
use super::outage::{EmptyResponse, FailureResponse};
use crate::cookie::Lines;
use crate::lifecycle::visit::Visit;

/// The service of a [`SessionLayer`](super::SessionLayer).
#[derive(Clone, Debug)]
pub struct SessionService<S, R = EmptyResponse> {
    pub(super) inner: S,
    pub(super) config: Arc<Config>,
    pub(super) failure: R,
}

impl<S, R, B, C> Service<Request<B>> for SessionService<S, R>
where
    S: Service<Request<B>, Response = Response<C>>,
    R: FailureResponse<C>,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = SessionFuture<S::Future, R, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let guest = self.welcome(&mut request);
        // Built where it is returned: an inner future can be large, and every move of it is a copy.
        SessionFuture { inner: self.inner.call(request), guest }
    }
}

impl<S, R: Clone> SessionService<S, R> {
    /// Gives the request a session, unless it has one already or is to have none.
    fn welcome<B, C>(&self, request: &mut Request<B>) -> Option<Guest<R, C>> {
        let house = &self.config.house;
        if self.config.excludes(request.uri()) {
            return None;
        }
        let visit = Visit::open(Arc::clone(house), Lines::of(request.headers()));
        let known = request.extensions_mut().insert(SessionHandle(Arc::clone(&visit)));
        // Looked at last: mostly there is none, and then it need not be looked for beforehand.
        if let Some(known) = known.filter(|handle| Arc::ptr_eq(&handle.0.house, house)) {
            request.extensions_mut().insert(known);
            return None;
        }
        Some(Guest::new(visit, &self.config, self.failure.clone()))
    }
}
