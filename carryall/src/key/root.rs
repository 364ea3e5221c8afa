//! The root secret.

use std::fmt;

use aws_lc_rs::{constant_time, hkdf};
use zeroize::Zeroizing;

use super::{KeyId, Purpose, weak};
use crate::base64url;
use crate::error::{ConfigError, Error};
use crate::random::Random;

/// Separates this library's derivations from any other use of the same secret.
const SALT: &[u8] = b"carryall key ring 1";

/// A root secret of 32 to 64 random bytes. Every key in use is derived from one; it encrypts nothing itself.
///
/// `Debug` shows its id alone, comparison takes the same time wherever two keys differ, and the bytes are wiped
/// when it is dropped.
pub struct Key {
    id: KeyId,
    secret: Zeroizing<Box<[u8]>>,
}

impl Key {
    /// The shortest secret, in bytes.
    pub const MIN_LEN: usize = 32;
    /// The longest secret, in bytes.
    pub const MAX_LEN: usize = 64;

    /// A fresh key of 32 random bytes. Errors: an outage of the randomness.
    pub fn random(random: &dyn Random) -> Result<Self, Error> {
        let mut secret = Zeroizing::new([0; Self::MIN_LEN]);
        random.secret(secret.as_mut_slice())?;
        Ok(Self::unchecked(secret.as_slice()))
    }

    /// From its bytes. Errors: a length outside 32 to 64, a pattern, or printable text.
    pub fn from_bytes(secret: &[u8]) -> Result<Self, ConfigError> {
        if secret.len() < Self::MIN_LEN || secret.len() > Self::MAX_LEN {
            return Err(ConfigError::new(
                "a key has 32 to 64 bytes: generate one with `KeyRing::generate_file`",
            ));
        }
        weak::refuse_pattern(secret)?;
        weak::refuse_text(secret)?;
        Ok(Self::unchecked(secret))
    }

    /// From base64url without padding. Errors: as [`from_bytes`](Self::from_bytes), or another encoding.
    pub fn from_base64url(text: &str) -> Result<Self, ConfigError> {
        let secret = base64url::decode(text.as_bytes()).map(Zeroizing::new);
        let secret = secret.ok_or_else(|| ConfigError::new("a key is not base64url without padding"))?;
        Self::from_bytes(&secret)
    }

    pub(crate) fn unchecked(secret: &[u8]) -> Self {
        let secret = Zeroizing::new(Box::from(secret));
        let id = KeyId::from_bytes(*expand::<{ KeyId::LEN }>(&secret, b"key-id", &[]));
        Self { id, secret }
    }

    /// The key's public name.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// A subkey of `N` bytes for one purpose and one context; the application id comes first in the context.
    pub(crate) fn derive<const N: usize>(&self, purpose: Purpose, context: &[&str]) -> Zeroizing<[u8; N]> {
        expand(&self.secret, purpose.label(), context)
    }

    /// The secret as base64url, for a key file.
    pub(crate) fn to_base64url(&self) -> Zeroizing<String> {
        Zeroizing::new(base64url::encode(&self.secret))
    }
}

/// HKDF-SHA256 (RFC 5869). Each part of `info` follows its length, so no two contexts read alike.
pub(super) fn expand<const N: usize>(secret: &[u8], label: &[u8], context: &[&str]) -> Zeroizing<[u8; N]> {
    let mut info = Vec::new();
    for part in [label].into_iter().chain(context.iter().map(|part| part.as_bytes())) {
        info.extend_from_slice(&(part.len() as u64).to_be_bytes());
        info.extend_from_slice(part);
    }
    let mut out = Zeroizing::new([0; N]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, SALT)
        .extract(secret)
        .expand(&[&info], Length(N))
        .and_then(|okm| okm.fill(out.as_mut_slice()))
        .expect("HKDF gives up to 8160 bytes and subkeys have at most 64");
    out
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.secret, &other.secret).is_ok()
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, redacted)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;

    #[test]
    fn key_does_not_print_its_secret() {
        let key = Key::random(&SystemRandom).unwrap();
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("Key({}, redacted)", key.id()));
        assert!(!shown.contains(&key.to_base64url()[..8]));
    }

    #[test]
    fn short_long_and_sample_keys_are_refused() {
        let random = Key::random(&SystemRandom).unwrap();
        assert!(Key::from_bytes(&random.secret[..31]).is_err());
        assert!(Key::from_bytes(&[random.secret.as_ref(), &random.secret, &[9]].concat()).is_err());
        assert!(Key::from_bytes(b"carryall sample key, not for use").is_err());
        assert!(Key::from_bytes(&random.secret).is_ok_and(|same| same == random));
        let text = random.to_base64url();
        assert!(Key::from_base64url(&text).is_ok_and(|same| same == random));
        assert!(Key::from_base64url(&format!("{}=", *text)).is_err());
    }

    #[test]
    fn every_purpose_and_application_has_its_own_subkey() {
        let key = Key::unchecked(&[1; 32]);
        let mut seen = std::collections::HashSet::new();
        for purpose in Purpose::ALL {
            for context in [&["shop"][..], &["blog"], &["shop", "a"], &["sho", "pa"], &["shopa"], &[]] {
                assert!(seen.insert(*key.derive::<32>(purpose, context)), "{purpose:?} {context:?}");
            }
        }
    }

    #[test]
    fn derivation_and_id_stay_as_released() {
        let key = Key::unchecked(&std::array::from_fn::<u8, 32, _>(|i| u8::try_from(i).unwrap()));
        assert_eq!(key.id().to_string(), "KrwFuq6M2cI");
        let subkey = key.derive::<32>(Purpose::Seal, &["shop"]);
        assert_eq!(base64url::encode(subkey.as_slice()), "HSuoCB4Y3Cn9YJb7RGMmfn01N8y0PT1LL6hIZxwxoN4");
    }
}
