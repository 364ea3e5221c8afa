//! The lazy session in a request's extensions.

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::lifecycle::visit::Visit;
use crate::policy::RequestHead;
use crate::session::Session;

/// A request's session, not loaded yet. The layer puts it into the request's extensions; axum's extractors and
/// middleware of your own take it from there.
///
/// ```
/// # async fn middleware(request: http::Request<axum::body::Body>) -> Result<(), carryall::Error> {
/// use carryall::SessionHandle;
/// if let Some(handle) = request.extensions().get::<SessionHandle>().cloned() {
///     let session = handle.load(&request).await?;
///     println!("{:?}", session.subject());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SessionHandle(pub(crate) Arc<Visit>);

impl SessionHandle {
    /// Loads the session: once a request, however often it is called. Free of I/O with client placement, one load
    /// with a store. `head` is the request, for client address, fingerprint and the ageing of flash messages; it is
    /// looked at before this returns and not held.
    ///
    /// # Errors
    /// [`Outage`](crate::ErrorKind::Outage) if the store failed; nothing that a visitor sends is an error.
    pub fn load<H: RequestHead>(
        &self,
        head: &H,
    ) -> impl Future<Output = Result<Session, Error>> + Send + use<H> {
        self.0.session(head)
    }

    /// As [`load`](Self::load), but an outage of the store ends as an empty session in which nothing can be
    /// written. The response is then always `no-store`.
    pub fn load_or_anonymous<H: RequestHead>(
        &self,
        head: &H,
    ) -> impl Future<Output = Session> + Send + use<H> {
        self.0.session_or_anonymous(head)
    }

    /// Whether the request carries a cookie of the session's name, good or not. Looks at nothing else.
    pub fn has_cookie(&self) -> bool {
        !self.0.lines.candidates(self.0.house.cookie.name()).is_absent()
    }
}

impl fmt::Debug for SessionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionHandle").field("loaded", &self.0.is_loaded()).finish_non_exhaustive()
    }
}
