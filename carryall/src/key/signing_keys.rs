//! The keys of signed tokens, by id and state.

use std::sync::Arc;

use super::{Algorithm, Binding, KeyRing, KeyState, SigningKey, Verifier, VerifyingKey, jwks};
use crate::error::ConfigError;

/// Keys for tokens that other software makes or reads, instead of keys derived from the ring.
///
/// ```
/// use carryall::key::{SigningKey, SigningKeys};
/// # use carryall::random::{Random as _, SystemRandom};
/// # let (mut new_secret, mut old_secret) = ([0; 32], [0; 32]);
/// # SystemRandom.secret(&mut new_secret)?;
/// # SystemRandom.secret(&mut old_secret)?;
/// let keys = SigningKeys::new(SigningKey::hs256(&new_secret)?).accept(SigningKey::hs256(&old_secret)?);
/// # Ok::<(), carryall::error::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SigningKeys {
    keys: Vec<(KeyState, Arc<Verifier>)>,
    /// Derived for one cookie, so that no token of another verifies.
    is_of_one_cookie: bool,
}

impl SigningKeys {
    /// Makes tokens with this key.
    pub fn new(active: SigningKey) -> Self {
        Self { keys: vec![(KeyState::Active, Arc::new(Verifier::Signing(active)))], is_of_one_cookie: false }
    }

    /// Reads tokens and makes none: to change a session is then an error of kind
    /// [`ReadOnly`](crate::error::ErrorKind::ReadOnly).
    pub fn verify_only(keys: impl IntoIterator<Item = VerifyingKey>) -> Self {
        // Nothing moves to another key here, so each counts as the active one.
        let verifiers = keys.into_iter().map(|key| (KeyState::Active, Arc::new(Verifier::Public(key))));
        Self { keys: verifiers.collect(), is_of_one_cookie: false }
    }

    /// Also reads tokens made with this key; they move to the active one at their next use.
    pub fn accept(mut self, key: SigningKey) -> Self {
        self.keys.push((KeyState::Accepted, Arc::new(Verifier::Signing(key))));
        self
    }

    /// Also reads tokens that belong to this public key.
    pub fn accept_public(mut self, key: VerifyingKey) -> Self {
        self.keys.push((KeyState::Accepted, Arc::new(Verifier::Public(key))));
        self
    }

    /// The public keys as a JWK set (RFC 7517 section 5); empty when all are HMAC keys.
    pub fn jwks(&self) -> String {
        jwks::render(self.keys.iter().filter_map(|(_, key)| match &**key {
            Verifier::Signing(key) => key.verifying_key(),
            Verifier::Public(key) => Some(key),
        }))
    }

    /// The keys of a ring for the tokens of one application and cookie.
    pub(crate) fn derived(
        ring: &KeyRing,
        binding: &Binding,
        algorithm: Algorithm,
    ) -> Result<Self, ConfigError> {
        match algorithm {
            Algorithm::EdDsa => Self::published(ring, &binding.app),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                let keys = Self::derived_for(ring, &[&binding.app, &binding.cookie], algorithm)?;
                Ok(Self { is_of_one_cookie: true, ..keys })
            }
        }
    }

    /// The keys that others verify with. They belong to the application, whatever its cookies are called.
    pub(super) fn published(ring: &KeyRing, app: &str) -> Result<Self, ConfigError> {
        Self::derived_for(ring, &[app], Algorithm::EdDsa)
    }

    fn derived_for(ring: &KeyRing, context: &[&str], algorithm: Algorithm) -> Result<Self, ConfigError> {
        let derive = |(state, key)| {
            let key = SigningKey::derived(key, context, algorithm)?;
            Ok((state, Arc::new(Verifier::Signing(key))))
        };
        let keys = ring.keys().map(derive).collect::<Result<_, ConfigError>>()?;
        Ok(Self { keys, is_of_one_cookie: false })
    }

    /// Whether a token that verifies can only have been made for the right cookie.
    pub(crate) fn is_of_one_cookie(&self) -> bool {
        self.is_of_one_cookie
    }

    /// The keys once each. Errors: none at all, one twice.
    pub(crate) fn checked(&self) -> Result<&[(KeyState, Arc<Verifier>)], ConfigError> {
        if self.keys.is_empty() {
            return Err(ConfigError::new("there are no signing keys: give one"));
        }
        for (i, (_, key)) in self.keys.iter().enumerate() {
            if self.keys[..i].iter().any(|(_, earlier)| earlier.id() == key.id()) {
                return Err(ConfigError::new(format!("signing key {} is given twice: remove one", key.id())));
            }
        }
        Ok(&self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::random::{Random as _, SystemRandom};

    fn secret<const N: usize>() -> [u8; N] {
        let mut bytes = [0; N];
        SystemRandom.secret(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn secrets_are_as_long_as_their_hash() {
        let bytes = secret::<64>();
        assert!(SigningKey::hs256(&bytes[..31]).is_err() && SigningKey::hs256(&bytes[..32]).is_ok());
        assert!(SigningKey::hs384(&bytes[..47]).is_err() && SigningKey::hs384(&bytes[..48]).is_ok());
        assert!(SigningKey::hs512(&bytes[..63]).is_err() && SigningKey::hs512(&bytes).is_ok());
        assert!(SigningKey::ed25519_from_seed(&bytes[..31]).is_err());
        assert!(SigningKey::ed25519_from_seed(&bytes[..33]).is_err());
        assert!(SigningKey::hs256(&[7; 32]).is_err());
        assert!(VerifyingKey::ed25519(&[0; 32]).is_err());
        assert!(SigningKey::ed25519_from_pkcs8(&bytes).is_err());
    }

    #[test]
    fn the_same_key_has_the_same_id_whether_it_signs_or_verifies() {
        let signing = SigningKey::ed25519_from_seed(&secret::<32>()).unwrap();
        let public = VerifyingKey::ed25519(signing.verifying_key().unwrap().as_bytes()).unwrap();
        assert_eq!(signing.id(), public.id());
        let signature = signing.sign(b"message").unwrap();
        assert!(Verifier::Public(public).verify(b"message", signature.as_ref()));
    }

    #[test]
    fn no_or_repeated_keys_are_refused() {
        let bytes = secret::<32>();
        let key = || SigningKey::hs256(&bytes).unwrap();
        assert!(SigningKeys::new(key()).accept(key()).checked().is_err());
        assert!(SigningKeys::verify_only([]).checked().is_err());
        assert!(SigningKeys::new(key()).checked().is_ok());
    }

    #[test]
    fn derived_keys_differ_by_application_cookie_and_algorithm() {
        let ring = KeyRing::new(Key::from_bytes(&secret::<32>()).unwrap()).build().unwrap();
        let signed = |app, cookie, algorithm| {
            let keys = SigningKeys::derived(&ring, &Binding::new(app, cookie), algorithm).unwrap();
            let Verifier::Signing(key) = &*keys.keys[0].1 else { panic!("derived keys sign") };
            key.sign(b"message").unwrap().as_ref()[..32].to_vec()
        };
        let mut seen = std::collections::HashSet::new();
        for algorithm in [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512, Algorithm::EdDsa] {
            assert!(
                seen.insert(signed("shop", "id", algorithm)) && seen.insert(signed("blog", "id", algorithm))
            );
            let is_of_one_cookie = algorithm != Algorithm::EdDsa;
            assert_eq!(seen.insert(signed("shop", "other", algorithm)), is_of_one_cookie);
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = SigningKey::hs256(&secret::<32>()).unwrap();
        assert_eq!(format!("{key:?}"), format!("SigningKey(HS256, {}, redacted)", key.id()));
    }
}
