//! Public keys for other software to verify with.

use super::{KeyRing, SigningKeys, VerifyingKey};
use crate::base64url;
use crate::error::ConfigError;

impl KeyRing {
    /// The public keys with which tokens of [`Algorithm::EdDsa`](super::Algorithm::EdDsa) of this application verify, as a JWK set in JSON
    /// (RFC 7517 section 5, RFC 8037 section 2): announced, active and accepted ones. Costs one derivation a key.
    pub fn jwks(&self, app: &str) -> Result<String, ConfigError> {
        Ok(SigningKeys::published(self, app)?.jwks())
    }
}

/// Base64url needs no escaping in JSON.
pub(super) fn render<'a>(keys: impl Iterator<Item = &'a VerifyingKey>) -> String {
    let keys: Vec<String> = keys
        .map(|key| {
            format!(
                r#"{{"kty":"OKP","crv":"Ed25519","alg":"EdDSA","use":"sig","kid":"{}","x":"{}"}}"#,
                key.id(),
                base64url::encode(key.as_bytes())
            )
        })
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::random::SystemRandom;

    #[test]
    fn the_set_lists_every_public_key_and_no_secret() {
        let key = || Key::random(&SystemRandom).unwrap();
        let ring = KeyRing::new(key()).accept(key()).announce(key()).build().unwrap();
        let set: serde_json::Value = serde_json::from_str(&ring.jwks("shop").unwrap()).unwrap();
        let keys = set["keys"].as_array().unwrap();
        assert_eq!(keys.len(), 3);
        for jwk in keys {
            let public = base64url::decode(jwk["x"].as_str().unwrap().as_bytes()).unwrap();
            assert_eq!(
                VerifyingKey::ed25519(&public).unwrap().id().to_string(),
                jwk["kid"].as_str().unwrap()
            );
            assert!(jwk.get("d").is_none());
        }
        assert_ne!(ring.jwks("shop"), ring.jwks("blog"));
    }
}
