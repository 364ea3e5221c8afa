//! Randomness, injected: ids from the operating system, nonces and masks from a generator in user space.

use std::fmt;

use rand::Rng;

use crate::error::{Error, ErrorKind};

/// Where the library gets random bytes from.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills `out` with bytes that nobody can guess; used for ids and keys. An error refuses the session.
    fn secret(&self, out: &mut [u8]) -> Result<(), Error>;

    /// Fills `out` with bytes that must not repeat often; used for nonces and masks.
    fn nonce(&self, out: &mut [u8]);
}

/// The operating system for ids, a per-thread `ChaCha` generator for nonces. The default.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[allow(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
    fn secret(&self, out: &mut [u8]) -> Result<(), Error> {
        getrandom::fill(out).map_err(|e| {
            Error::new(ErrorKind::Outage, "the operating system gave no random bytes").because(e)
        })
    }

    #[allow(clippy::disallowed_methods, reason = "the one place that asks for a generator")]
    fn nonce(&self, out: &mut [u8]) {
        rand::rng().fill_bytes(out);
    }
}
