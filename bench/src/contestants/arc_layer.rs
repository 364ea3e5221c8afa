//! What any session layer costs before it does anything: a handle in the request's extensions, and a future of
//! its own that could look at the response.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::Router;
use http::Request;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::{ARC_LAYER, Contestant, Keeps, bare};

pub(super) const CONTESTANT: Contestant = Contestant { name: ARC_LAYER, keeps: Keeps::Nothing, app };

fn app() -> Router {
    bare::app().layer(ArcLayer)
}

/// Gives every request a handle.
#[derive(Clone, Copy, Debug)]
struct ArcLayer;

/// The service that [`ArcLayer`] makes.
#[derive(Clone, Debug)]
struct ArcService<S>(S);

/// The handle.
#[derive(Clone, Debug, Default)]
struct Handle(Arc<AtomicU64>);

pin_project! {
    /// Keeps the handle until the response is there.
    struct ArcFuture<F> {
        #[pin]
        inner: F,
        handle: Handle,
    }
}

impl<S> Layer<S> for ArcLayer {
    type Service = ArcService<S>;

    fn layer(&self, inner: S) -> ArcService<S> {
        ArcService(inner)
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for ArcService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = ArcFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let handle = Handle::default();
        request.extensions_mut().insert(handle.clone());
        ArcFuture { inner: self.0.call(request), handle }
    }
}

impl<F: Future> Future for ArcFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let response = ready!(this.inner.poll(cx));
        // Whether the handler has used it would be decided here.
        std::hint::black_box(this.handle.0.load(Ordering::Relaxed));
        Poll::Ready(response)
    }
}
