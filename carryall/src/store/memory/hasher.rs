//! A hasher for keys that are evenly distributed already.

use std::hash::Hasher;

/// Uses the bytes of a key as its hash.
///
/// Record keys are themselves keyed hashes of ids that this side drew at random, so no visitor can make them
/// collide, and hashing them again would only cost time.
#[derive(Debug, Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    /// The length in front of an array's bytes, the same for all keys.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}
