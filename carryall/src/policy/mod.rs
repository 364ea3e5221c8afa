//! Decisions over a request's head: CSRF, client address, fingerprint, cache rules, flash ageing.
//!
//! All of them are pure. They ask for a request through the small [`RequestHead`] trait, so that they serve servers
//! with other request types too.
//!
//! ```
//! use carryall::policy::{CsrfDecision, CsrfPolicy};
//!
//! let policy = CsrfPolicy::default().origin("https://shop.example");
//! let request = http::Request::post("/cart").header("origin", "https://evil.example").body(()).unwrap();
//! assert!(matches!(policy.decide(&request, true), CsrfDecision::Refuse(_)));
//! ```

mod cache;
mod clear;
mod client;
mod csrf;
mod fingerprint;
mod flash;
mod head;
mod origin;
mod pattern;

pub(crate) use cache::Privacy;
pub use clear::ClearSiteData;
pub use client::{ClientPolicy, ProxyHeader};
pub use csrf::{CsrfDecision, CsrfPolicy};
pub use fingerprint::{FingerprintPolicy, OnMismatch};
pub use flash::ages_flash;
pub(crate) use flash::{is_ahead, is_page};
pub use head::{PeerAddr, RequestHead};
