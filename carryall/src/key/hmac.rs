//! HMAC (RFC 2104), as far as it can be done before there is a message.

use std::fmt;

use aws_lc_rs::digest::{Algorithm, Context, Digest, MAX_BLOCK_LEN, digest};
use zeroize::Zeroizing;

/// A key for HMAC, and what all messages under it start with.
///
/// Kept as the two hashes that every tag begins with, one block in: a ready-made context for any hash function is so
/// large that copying it for each tag takes as long as the hashing of a short message.
#[derive(Clone)]
pub(super) struct Hmac {
    inner: Context,
    outer: Context,
}

impl Hmac {
    /// A key for this hash function.
    pub(super) fn new(hash: &'static Algorithm, secret: &[u8]) -> Self {
        if secret.len() > hash.block_len() {
            return Self::of_block(hash, digest(hash, secret).as_ref());
        }
        Self::of_block(hash, secret)
    }

    fn of_block(hash: &'static Algorithm, secret: &[u8]) -> Self {
        let begun = |pad: u8| {
            let mut block = Zeroizing::new([pad; MAX_BLOCK_LEN]);
            block.iter_mut().zip(secret).for_each(|(byte, secret)| *byte ^= secret);
            let mut context = Context::new(hash);
            context.update(&block[..hash.block_len()]);
            context
        };
        Self { inner: begun(0x36), outer: begun(0x5c) }
    }

    /// The key for messages that all start like this.
    pub(super) fn started(&self, start: &[u8]) -> Self {
        let mut started = self.clone();
        started.inner.update(start);
        started
    }

    /// The tag of the message that `message` takes in, after its start.
    pub(super) fn tag(&self, message: impl FnOnce(&mut Context)) -> Digest {
        let mut inner = self.inner.clone();
        message(&mut inner);
        let mut outer = self.outer.clone();
        outer.update(inner.finish().as_ref());
        outer.finish()
    }
}

impl fmt::Debug for Hmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hmac(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{digest, hmac};

    use super::*;

    #[test]
    fn tags_are_those_of_hmac_for_secrets_and_messages_of_any_length() {
        let hashes = [
            (&digest::SHA256, hmac::HMAC_SHA256),
            (&digest::SHA384, hmac::HMAC_SHA384),
            (&digest::SHA512, hmac::HMAC_SHA512),
        ];
        let bytes: Vec<u8> = (0..300_u16).map(|n| n.to_le_bytes()[0].wrapping_mul(7)).collect();
        for (hash, known) in hashes {
            for secret in [32, 63, 64, 65, 127, 128, 129, 300] {
                let (key, known) =
                    (Hmac::new(hash, &bytes[..secret]), hmac::Key::new(known, &bytes[..secret]));
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
