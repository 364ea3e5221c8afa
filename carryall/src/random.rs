//! Randomness, injected: ids from the operating system, nonces and masks from a generator in user space.

use std::cell::RefCell;
use std::fmt;

use forkguard::Guard;
use rand::Rng;
use zeroize::Zeroize;

use crate::error::{Error, ErrorKind};

/// Where the library gets random bytes from.
pub trait Random: fmt::Debug + Send + Sync + 'static {
    /// Fills `out` with bytes that nobody can guess; used for ids and keys. An error refuses the session.
    fn secret(&self, out: &mut [u8]) -> Result<(), Error>;

    /// Fills `out` with bytes that must not repeat often; used for nonces and masks.
    fn nonce(&self, out: &mut [u8]);
}

/// The operating system for ids, a per-thread `ChaCha` generator for nonces. The default.
///
/// Ids of 16 bytes are fetched 64 at a time and kept by the thread that asked. Each is wiped when it is handed out, and the
/// child of a `fork` forgets all that its parent fetched, so the two never share an id. A process that is cloned without
/// the C library, past its `pthread_atfork` handlers, has to start anew (`exec`) before it makes sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn secret(&self, out: &mut [u8]) -> Result<(), Error> {
        match <&mut [u8; ID]>::try_from(&mut *out) {
            // Gone only when the thread itself is ending.
            Ok(id) => STOCK.try_with(|stock| stock.borrow_mut().take(id)).unwrap_or_else(|_| ask_system(id)),
            Err(_) => ask_system(out),
        }
    }

    #[allow(clippy::disallowed_methods, reason = "the one place that asks for a generator")]
    fn nonce(&self, out: &mut [u8]) {
        rand::rng().fill_bytes(out);
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
fn ask_system(out: &mut [u8]) -> Result<(), Error> {
    getrandom::fill(out)
        .map_err(|e| Error::new(ErrorKind::Outage, "the operating system gave no random bytes").because(e))
}

/// Bytes in an id.
const ID: usize = 16;

/// How many ids are fetched at once: one by one, each would cost a system call.
const IDS: usize = 64;

thread_local! {
    static STOCK: RefCell<Stock> = const { RefCell::new(Stock { bytes: [0; ID * IDS], left: 0, guard: None }) };
}

/// Random bytes that nobody has seen yet.
struct Stock {
    bytes: [u8; ID * IDS],
    /// How many at the front are good.
    left: usize,
    /// Knows of forks since the last look; there before anything is fetched.
    guard: Option<Guard>,
}

impl Stock {
    fn take(&mut self, out: &mut [u8; ID]) -> Result<(), Error> {
        if self.guard.as_mut().is_none_or(Guard::detected_fork) {
            self.left = 0;
        }
        if self.left < ID {
            self.fetch()?;
        }
        self.left -= ID;
        let id = &mut self.bytes[self.left..self.left + ID];
        out.copy_from_slice(id);
        id.zeroize();
        Ok(())
    }

    #[cold]
    fn fetch(&mut self) -> Result<(), Error> {
        if self.guard.is_none() {
            let guard = Guard::try_new();
            self.guard = Some(guard.map_err(|e| {
                Error::new(ErrorKind::Outage, "the operating system takes no handler of forks").because(e)
            })?);
        }
        ask_system(&mut self.bytes)?;
        self.left = self.bytes.len();
        Ok(())
    }
}

impl Drop for Stock {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_id_is_another_one_and_wiped_from_the_stock() {
        let mut stock = Stock { bytes: [0; ID * IDS], left: 0, guard: None };
        let mut met = HashSet::new();
        for _ in 0..3 * IDS {
            let mut id = [0; ID];
            stock.take(&mut id).unwrap();
            assert!(met.insert(id));
            assert!(!stock.bytes.windows(ID).any(|kept| kept == id));
        }
    }

    #[test]
    fn secrets_of_any_length_are_filled() {
        for len in [1, 8, 15, 16, 17, 32, 64] {
            let mut secrets = [vec![0; len], vec![0; len]];
            for secret in &mut secrets {
                SystemRandom.secret(secret).unwrap();
            }
            assert!(len < 8 || secrets[0] != secrets[1], "{len}");
        }
    }
}
