//! The session's cookie: its policy, reading it out of `Cookie` headers, writing it into `Set-Cookie`.
//!
//! The defaults are the strictest a browser knows: `__Host-` name, `Secure`, `HttpOnly`, `SameSite=Lax`, `Path=/`,
//! no `Domain`. What is changed is checked when the application starts, never while it serves.
//!
//! ```
//! use carryall::cookie::{CookiePolicy, SameSite};
//!
//! // Shared by an application under /shop only, so without the `__Host-` prefix, which demands Path=/.
//! let policy = CookiePolicy::default().name("__Secure-shop").path("/shop").same_site(SameSite::Strict);
//! assert!(policy.check().is_ok());
//! ```

mod lines;
mod policy;
mod read;
mod write;

pub(crate) use lines::{Lines, SetCookie};
pub use policy::{CookiePolicy, SameSite};
pub(crate) use write::Writer;
