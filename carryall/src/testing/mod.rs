//! For applications' own tests: sessions without HTTP, a client with a cookie jar, a frozen clock.
//!
//! ```
//! use axum::{Router, routing::get};
//! use carryall::testing::TestClient;
//! use carryall::{Session, Sessions, KeyRing};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), carryall::Error> {
//! let sessions = Sessions::builder(KeyRing::random()?).single_node().build()?;
//! let app: Router = Router::new()
//!     .route("/", get(|session: Session| async move {
//!         session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1).map(|n| n.to_string())
//!     }))
//!     .layer(sessions.layer());
//! let mut client = TestClient::new(app);
//! assert_eq!(client.get("/").await.text(), "1");
//! assert_eq!(client.get("/").await.text(), "2");
//! # Ok(()) }
//! ```

mod client;
mod clock;
mod session;

pub use client::{TestClient, TestRequest, TestResponse};
pub use clock::FrozenClock;
