//! The service: opens a session, calls the inner service, hands the response to the commit.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use super::future::SessionFuture;
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
        let house = &self.config.house;
        let known = request.extensions().get::<SessionHandle>();
        let is_nested = known.is_some_and(|handle| Arc::ptr_eq(&handle.0.house, house));
        if is_nested || self.config.excludes(request.uri().path()) {
            return SessionFuture::aside(self.inner.call(request));
        }
        let visit = Visit::open(Arc::clone(house), Lines::of(request.headers()));
        request.extensions_mut().insert(SessionHandle(Arc::clone(&visit)));
        let inner = self.inner.call(request);
        SessionFuture::new(inner, visit, Arc::clone(&self.config), self.failure.clone())
    }
}
