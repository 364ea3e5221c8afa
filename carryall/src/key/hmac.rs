//! HMAC (RFC 2104) with the hash function that a key is for.

use std::fmt;

use ::hmac::digest::Update;
use ::hmac::{Hmac as Keyed, KeyInit, Mac};
use sha2::{Sha256, Sha384, Sha512};

use super::signing::Signature;

/// A key for HMAC, and what all messages under it start with.
///
/// The keyed states are prepared once and copied for each tag, which takes no heap (ADR 14).
#[derive(Clone)]
pub(super) enum Hmac {
    Sha256(Keyed<Sha256>),
    Sha384(Box<Keyed<Sha384>>),
    Sha512(Box<Keyed<Sha512>>),
}

impl Hmac {
    /// A key for HMAC-SHA256, of any length.
    pub(super) fn sha256(secret: &[u8]) -> Self {
        Self::Sha256(keyed(secret))
    }

    /// A key for HMAC-SHA384, of any length.
    pub(super) fn sha384(secret: &[u8]) -> Self {
        Self::Sha384(Box::new(keyed(secret)))
    }

    /// A key for HMAC-SHA512, of any length.
    pub(super) fn sha512(secret: &[u8]) -> Self {
        Self::Sha512(Box::new(keyed(secret)))
    }

    /// The key for messages that all start like this.
    pub(super) fn started(&self, start: &[u8]) -> Self {
        let mut started = self.clone();
        match &mut started {
            Self::Sha256(key) => Update::update(key, start),
            Self::Sha384(key) => Update::update(&mut **key, start),
            Self::Sha512(key) => Update::update(&mut **key, start),
        }
        started
    }

    /// The tag of the message that `message` takes in, after its start.
    pub(super) fn tag(&self, message: impl FnOnce(&mut dyn Update)) -> Signature {
        match self {
            Self::Sha256(key) => tag(key.clone(), message),
            Self::Sha384(key) => tag(Keyed::clone(key), message),
            Self::Sha512(key) => tag(Keyed::clone(key), message),
        }
    }
}

fn keyed<M: KeyInit>(secret: &[u8]) -> M {
    M::new_from_slice(secret).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"))
}

fn tag<M: Mac + Update>(mut key: M, message: impl FnOnce(&mut dyn Update)) -> Signature {
    message(&mut key);
    Signature::new(&key.finalize().into_bytes())
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hmac(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;

    use super::*;

    #[test]
    fn tags_are_those_of_another_library_for_secrets_and_messages_of_any_length() {
        let hashes = [
            (Hmac::sha256 as fn(&[u8]) -> Hmac, hmac::HMAC_SHA256),
            (Hmac::sha384, hmac::HMAC_SHA384),
            (Hmac::sha512, hmac::HMAC_SHA512),
        ];
        let bytes: Vec<u8> = (0..300_u16).map(|n| n.to_le_bytes()[0].wrapping_mul(7)).collect();
        for (new, known) in hashes {
            for secret in [32, 63, 64, 65, 127, 128, 129, 300] {
                let (key, known) = (new(&bytes[..secret]), hmac::Key::new(known, &bytes[..secret]));
                for length in [0, 1, 55, 56, 63, 64, 111, 112, 128, 200] {
                    let (start, rest) = bytes[..length].split_at(length / 3);
                    let tag = key.started(start).tag(|message| message.update(rest));
                    let known = hmac::sign(&known, &bytes[..length]);
                    assert_eq!(tag.as_ref(), known.as_ref(), "{secret} {length}");
                }
            }
        }
    }
}
