//! The tower layer: translation between HTTP and the lifecycle, no decisions of its own.
//!
//! ```
//! use axum::{Router, routing::get};
//! use carryall::{KeyRing, Session, Sessions};
//!
//! async fn visits(session: Session) -> Result<String, carryall::Error> {
//!     let n = session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
//!     Ok(format!("visit {n}"))
//! }
//!
//! # fn main() -> Result<(), carryall::Error> {
//! let sessions = Sessions::builder(KeyRing::random()?).single_node().build()?;
//! let app: Router = Router::new().route("/", get(visits)).layer(sessions.layer());
//! # Ok(()) }
//! ```

pub(crate) mod csrf;
pub(crate) mod csrf_body;
mod future;
mod handle;
mod layer;
mod outage;
mod response;
mod service;

#[cfg(feature = "axum")]
pub(crate) use self::csrf_body::{LARGEST_FORM, PATIENCE, token_in};
pub use csrf::{CsrfLayer, CsrfService};
pub use future::SessionFuture;
pub use handle::SessionHandle;
pub use layer::SessionLayer;
#[cfg(feature = "axum")]
pub(crate) use outage::status;
pub use outage::{EmptyResponse, FailureResponse};
pub use service::SessionService;
