//! The size of a cookie.

use crate::error::{Error, ErrorKind};
use crate::event::Refusal;

/// A cookie's name and value together, in bytes; the `=` does not count (RFC 6265bis section 5.6).
pub(super) const PAIR: usize = 4096;

/// Room for a token of the usual size, so that minting one allocates once.
pub(super) const SCRATCH: usize = 512;

/// Refuses, before any other work, what no browser would have kept.
pub(super) fn check(token: &[u8]) -> Result<(), Refusal> {
    if token.is_empty() || token.len() > PAIR { Err(Refusal::Malformed) } else { Ok(()) }
}

/// Refuses a cookie that browsers would drop without a word.
pub(super) fn check_cookie(name: usize, value: usize) -> Result<(), Error> {
    if name + value > PAIR {
        return Err(Error::new(
            ErrorKind::TooLarge,
            "the session does not fit into a cookie of 4096 bytes: keep less in it, or place segments in a store",
        ));
    }
    Ok(())
}
