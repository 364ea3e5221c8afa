//! The layer that refuses forged requests.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};
use tower_layer::Layer;
use tower_service::Service;

use super::csrf_body::{Replay, Replayed};
use super::handle::SessionHandle;
use crate::error::Error;
use crate::event::{CsrfRefusal, Event};
use crate::lifecycle::house::House;
use crate::policy::{CsrfDecision, CsrfPolicy};

/// Refuses requests that another site made in the visitor's name, with 403 and before the handler.
///
/// Looks at `Sec-Fetch-Site` and `Origin` first; only if they prove nothing and the policy is strict, at a token in a
/// header. Made by [`Sessions::csrf_layer`](crate::Sessions::csrf_layer). Costs a few header look-ups; the session is
/// loaded only to compare a token.
#[derive(Clone, Debug)]
pub struct CsrfLayer<P = HeaderOnly> {
    config: Arc<Config>,
    body: P,
}

/// The token is looked for in headers only; bodies are never read. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeaderOnly;

#[derive(Debug)]
struct Config {
    house: Arc<House>,
    policy: CsrfPolicy,
}

impl CsrfLayer {
    pub(crate) fn new(house: Arc<House>, policy: CsrfPolicy) -> Self {
        Self { config: Arc::new(Config { house, policy }), body: HeaderOnly }
    }

    /// Looks for the token in URL-encoded forms as well, when headers are inconclusive: reads at most 64 KiB, for at
    /// most 10 s, refuses encoded content, and hands the handler the same bytes.
    #[must_use]
    pub fn replay_forms(self) -> CsrfLayer<Replay> {
        CsrfLayer { config: self.config, body: Replay }
    }
}

impl<S, P: Clone> Layer<S> for CsrfLayer<P> {
    type Service = CsrfService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        CsrfService { inner, config: Arc::clone(&self.config), body: self.body.clone() }
    }
}

/// The service of a [`CsrfLayer`].
#[derive(Clone, Debug)]
pub struct CsrfService<S, P = HeaderOnly> {
    inner: S,
    config: Arc<Config>,
    body: P,
}

/// How a token is found in a request's body, if at all.
pub trait TokenBody<B>: Clone + Send + 'static {
    /// The token in the body, if there is one, and the request with the same bytes.
    fn token(
        self,
        request: Request<B>,
        field: Arc<str>,
    ) -> impl Future<Output = (Option<String>, Request<B>)> + Send;
}

impl<B: Send + 'static> TokenBody<B> for HeaderOnly {
    async fn token(self, request: Request<B>, _: Arc<str>) -> (Option<String>, Request<B>) {
        (None, request)
    }
}

impl<B> TokenBody<B> for Replay
where
    B: Replayed,
{
    async fn token(self, request: Request<B>, field: Arc<str>) -> (Option<String>, Request<B>) {
        super::csrf_body::form_token(request, &field).await
    }
}

type Answer<F, B, E> = Verdict<F, Pin<Box<dyn Future<Output = Result<Response<B>, E>> + Send>>, B>;

impl<S, P, B, C> Service<Request<B>> for CsrfService<S, P>
where
    S: Service<Request<B>, Response = Response<C>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
    P: TokenBody<B>,
    B: Send + 'static,
    C: Default + Send + 'static,
{
    type Response = Response<C>;
    type Error = S::Error;
    type Future = Answer<S::Future, C, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let policy = &self.config.policy;
        // Where the session layer is missing nothing can be checked, so nothing passes unchecked.
        let has_cookie = || request.extensions().get::<SessionHandle>().is_none_or(SessionHandle::has_cookie);
        match policy.decide(&request, policy.asks_for_cookie(&request) && has_cookie()) {
            CsrfDecision::Pass => Verdict::Passed { inner: self.inner.call(request) },
            CsrfDecision::Refuse(reason) => Verdict::Refused { response: Some(self.config.refuse(reason)) },
            CsrfDecision::NeedsToken => {
                // The service that was polled ready goes with the request.
                let spare = self.inner.clone();
                let mut ready = std::mem::replace(&mut self.inner, spare);
                let (config, body) = (Arc::clone(&self.config), self.body.clone());
                let answer = Box::pin(async move {
                    match config.check_token(request, body).await {
                        Ok(request) => ready.call(request).await,
                        Err(Refused::Forged(reason)) => Ok(config.refuse(reason)),
                        Err(Refused::Outage(error)) => Ok(outage(&error)),
                    }
                });
                Verdict::Asked { answer }
            }
        }
    }
}

enum Refused {
    Forged(CsrfRefusal),
    Outage(Error),
}

impl Config {
    fn refuse<C: Default>(&self, reason: CsrfRefusal) -> Response<C> {
        self.house.tell(|| Event::CsrfRefused { reason });
        let mut response = Response::new(C::default());
        *response.status_mut() = StatusCode::FORBIDDEN;
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::VARY, HeaderValue::from_static("Sec-Fetch-Site, Origin"));
        response
    }

    async fn check_token<B, P: TokenBody<B>>(
        &self,
        request: Request<B>,
        body: P,
    ) -> Result<Request<B>, Refused> {
        let (token, request) = match self.header_token(request.headers()) {
            Some(token) => (Some(token), request),
            None => body.token(request, self.policy.field().into()).await,
        };
        let token = token.ok_or(Refused::Forged(CsrfRefusal::MissingToken))?;
        let handle = request.extensions().get::<SessionHandle>().cloned();
        let wrong = Refused::Forged(CsrfRefusal::WrongToken);
        let Some(handle) = handle else {
            tracing::error!(
                target: "carryall",
                "no CSRF token can be checked here: put `sessions.layer()` around `sessions.csrf_layer(..)`"
            );
            return Err(wrong);
        };
        let (parts, body) = request.into_parts();
        let session = handle.load(&parts).await.map_err(Refused::Outage)?;
        if session.csrf().verify(&token) { Ok(Request::from_parts(parts, body)) } else { Err(wrong) }
    }

    fn header_token(&self, headers: &HeaderMap) -> Option<String> {
        let value = headers.get(self.policy.header())?;
        value.to_str().ok().map(str::to_owned)
    }
}

fn outage<C: Default>(error: &Error) -> Response<C> {
    let mut response = Response::new(C::default());
    *response.status_mut() = super::outage::status(error);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

pin_project_lite::pin_project! {
    /// The future of a [`CsrfService`]: the inner one, a refusal, or the look for a token.
    #[project = VerdictProjection]
    #[must_use = "futures do nothing unless polled"]
    pub enum Verdict<F, A, B> {
        /// The headers let it pass.
        Passed {
            #[pin]
            inner: F,
        },
        /// Refused at once.
        Refused {
            response: Option<Response<B>>,
        },
        /// A token decides.
        Asked {
            #[pin]
            answer: A,
        },
    }
}

impl<F, A, B, E> Future for Verdict<F, A, B>
where
    F: Future<Output = Result<Response<B>, E>>,
    A: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            VerdictProjection::Passed { inner } => inner.poll(cx),
            VerdictProjection::Asked { answer } => answer.poll(cx),
            // Polled once: a future that is polled after it answered may stay pending.
            VerdictProjection::Refused { response } => {
                response.take().map_or(Poll::Pending, |response| Poll::Ready(Ok(response)))
            }
        }
    }
}

impl<F, A, B> std::fmt::Debug for Verdict<F, A, B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Verdict")
    }
}
