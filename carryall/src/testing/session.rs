//! A session without HTTP.

use crate::cookie::Lines;
use crate::key::KeyRing;
use crate::lifecycle::visit::Visit;
use crate::session::Session;
use crate::sessions::Sessions;

impl Session {
    /// A new, empty session without HTTP, for tests of code that takes a `&Session`. Feature `testing`.
    ///
    /// Everything works as in a request, `commit` included; nothing outlives the handle.
    ///
    /// # Panics
    /// If the operating system gives no randomness.
    #[allow(clippy::expect_used, reason = "a helper for tests may stop them")]
    pub fn for_test() -> Self {
        let ring = KeyRing::random().expect("randomness");
        let sessions = Sessions::builder(ring).single_node().build().expect("the default configuration");
        let visit = Visit::open(sessions.house().clone(), Lines::default());
        Self::new(visit)
    }
}
