//! What a session asks of the house it lives in, without knowing carriers, stores or HTTP.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::lease::LeaseOptions;
use super::seat::Locked;
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::id::{Family, Handle, Subject};
use crate::lease::Claim;

/// A boxed future, for the trait's object safety.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One request's session, seen from inside a handler.
pub(crate) trait Engine: Debug + Send + Sync {
    /// The session's state, locked. Never held across an await or a closure of the application.
    fn state(&self) -> Locked<'_>;

    /// The time now.
    fn now(&self) -> Timestamp;

    /// The authentication time of a login that is made now.
    fn auth_time(&self, subject: &Subject) -> Timestamp;

    /// The facts of a session that begins now, with a fresh family.
    fn begin(&self) -> Result<Envelope, Error>;

    /// How many payload bytes fit beside this envelope.
    fn room(&self, envelope: Option<&Envelope>) -> usize;

    /// The public name of a family.
    fn handle(&self, family: &Family) -> Handle;

    /// When the session with these facts ends, if it is not used again.
    fn deadline(&self, envelope: &Envelope) -> Timestamp;

    /// The longest time that "remember me" may ask for.
    fn longest_persistence(&self) -> std::time::Duration;

    /// A masked token bound to family and login count.
    fn csrf_token(&self, envelope: &Envelope) -> String;

    /// Whether a masked token was made for this family and login count.
    fn is_csrf_token(&self, envelope: &Envelope, token: &str) -> bool;

    /// Makes the changes so far durable. Goes on when the returned future is dropped.
    fn commit(self: Arc<Self>) -> BoxFuture<'static, Result<(), Error>>;

    /// Waits for the lease of the session and takes it.
    fn lease(self: Arc<Self>, options: LeaseOptions) -> BoxFuture<'static, Result<Claim, Error>>;

    /// Resolves when the session is revoked or expires.
    fn ended(self: Arc<Self>) -> BoxFuture<'static, ()>;
}
