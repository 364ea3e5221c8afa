//! Keys for signed tokens. The algorithm belongs to the key's type: no token ever chooses it.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};

use super::hmac::Hmac;
use super::{Key, KeyId, Purpose, root, weak};
use crate::base64url;
use crate::error::{ConfigError, Error, ErrorKind};

/// How tokens are signed (RFC 7518 section 3.2, RFC 8037 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256. Whoever can verify can also forge.
    Hs256,
    /// HMAC with SHA-384. Whoever can verify can also forge.
    Hs384,
    /// HMAC with SHA-512. Whoever can verify can also forge.
    Hs512,
    /// Ed25519: others verify with the public key alone. Some 50 times as slow as HMAC.
    EdDsa,
}

impl Algorithm {
    /// The name in a token's header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// Bytes in a signature.
    pub(crate) const fn signature_len(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 | Self::EdDsa => 64,
        }
    }
}

/// The most bytes a signature has.
pub(crate) const MAX_SIGNATURE: usize = 64;

/// A signature, without an allocation.
pub(crate) struct Signature {
    bytes: [u8; MAX_SIGNATURE],
    len: usize,
}

impl Signature {
    pub(super) fn new(bytes: &[u8]) -> Self {
        let len = bytes.len().min(MAX_SIGNATURE);
        let mut signature = Self { bytes: [0; MAX_SIGNATURE], len };
        signature.bytes[..len].copy_from_slice(&bytes[..len]);
        signature
    }
}

impl AsRef<[u8]> for Signature {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A key that signs tokens and verifies them. `Debug` shows algorithm and id alone.
///
/// Applications that share nothing with others need none: [`Carrier::Signed`](crate::carrier::Carrier::Signed)
/// derives its keys from the ring. This is for tokens that other software makes or reads.
pub struct SigningKey {
    id: KeyId,
    algorithm: Algorithm,
    secret: Secret,
}

enum Secret {
    Hmac(Hmac),
    Ed25519(Ed25519KeyPair, VerifyingKey),
}

impl SigningKey {
    /// A key for HS256. Errors: fewer than 32 bytes (RFC 7518 section 3.2), a pattern.
    pub fn hs256(secret: &[u8]) -> Result<Self, ConfigError> {
        Self::hmac(Algorithm::Hs256, Hmac::sha256, secret)
    }

    /// A key for HS384. Errors: fewer than 48 bytes, a pattern.
    pub fn hs384(secret: &[u8]) -> Result<Self, ConfigError> {
        Self::hmac(Algorithm::Hs384, Hmac::sha384, secret)
    }

    /// A key for HS512. Errors: fewer than 64 bytes, a pattern.
    pub fn hs512(secret: &[u8]) -> Result<Self, ConfigError> {
        Self::hmac(Algorithm::Hs512, Hmac::sha512, secret)
    }

    fn hmac(algorithm: Algorithm, new: fn(&[u8]) -> Hmac, secret: &[u8]) -> Result<Self, ConfigError> {
        let least = algorithm.signature_len();
        if secret.len() < least {
            return Err(ConfigError::new(format!(
                "a secret for {} has at least {least} bytes (RFC 7518 section 3.2)",
                algorithm.name()
            )));
        }
        weak::refuse_pattern(secret)?;
        let id = KeyId::from_bytes(*root::expand(secret, b"signing-key-id", &[algorithm.name()]));
        Ok(Self { id, algorithm, secret: Secret::Hmac(new(secret)) })
    }

    /// A key for Ed25519 from its seed of 32 bytes (RFC 8032 section 5.1.5). Errors: another length, a pattern.
    pub fn ed25519_from_seed(seed: &[u8]) -> Result<Self, ConfigError> {
        if seed.len() != 32 {
            return Err(ConfigError::new("a seed for Ed25519 has 32 bytes"));
        }
        weak::refuse_pattern(seed)?;
        Self::ed25519(Ed25519KeyPair::from_seed_unchecked(seed))
    }

    /// A key for Ed25519 from unencrypted PKCS#8 (RFC 8410) in DER. Errors: anything else.
    pub fn ed25519_from_pkcs8(der: &[u8]) -> Result<Self, ConfigError> {
        Self::ed25519(Ed25519KeyPair::from_pkcs8_maybe_unchecked(der))
    }

    fn ed25519<E>(pair: Result<Ed25519KeyPair, E>) -> Result<Self, ConfigError> {
        let pair = pair.map_err(|_| ConfigError::new("not a private key for Ed25519 (RFC 8410)"))?;
        let public = VerifyingKey::parsed(pair.public_key().as_ref())?;
        Ok(Self { id: public.id, algorithm: Algorithm::EdDsa, secret: Secret::Ed25519(pair, public) })
    }

    /// The key of a ring for what the context names; HMAC keys are named like the key they are derived from.
    pub(super) fn derived(key: &Key, context: &[&str], algorithm: Algorithm) -> Result<Self, ConfigError> {
        let secret = match algorithm {
            Algorithm::Hs256 => Hmac::sha256(key.derive::<32>(Purpose::SignHs256, context).as_slice()),
            Algorithm::Hs384 => Hmac::sha384(key.derive::<48>(Purpose::SignHs384, context).as_slice()),
            Algorithm::Hs512 => Hmac::sha512(key.derive::<64>(Purpose::SignHs512, context).as_slice()),
            Algorithm::EdDsa => {
                let seed = key.derive::<32>(Purpose::SignEdDsa, context);
                return Self::ed25519(Ed25519KeyPair::from_seed_unchecked(seed.as_slice()));
            }
        };
        Ok(Self { id: key.id(), algorithm, secret: Secret::Hmac(secret) })
    }

    /// The key's public name, as in a token's `kid`.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The algorithm this key is for.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What others need to verify; `None` for HMAC, where they would need the secret.
    pub fn verifying_key(&self) -> Option<&VerifyingKey> {
        match &self.secret {
            Secret::Hmac(_) => None,
            Secret::Ed25519(_, public) => Some(public),
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, Error> {
        match &self.secret {
            Secret::Hmac(key) => Ok(key.tag(|tag| tag.update(message))),
            Secret::Ed25519(pair, _) => pair
                .try_sign(message)
                .map(|signature| Signature::new(signature.as_ref()))
                .map_err(|_| Error::new(ErrorKind::Misuse, "Ed25519 refused to sign: check the key")),
        }
    }

    fn begin(&self, start: &[u8]) -> Option<Begun> {
        let Secret::Hmac(key) = &self.secret else { return None };
        Some(Begun(key.started(start)))
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match &self.secret {
            Secret::Hmac(key) => is_signature(key, message, signature),
            Secret::Ed25519(_, public) => public.verify(message, signature),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, {}, redacted)", self.algorithm.name(), self.id)
    }
}

/// Takes the same time wherever the signature differs.
fn is_signature(key: &Hmac, message: &[u8], signature: &[u8]) -> bool {
    verify_slices_are_equal(key.tag(|tag| tag.update(message)).as_ref(), signature).is_ok()
}

/// An HMAC of which the start of the message is done, for messages that all start alike.
#[derive(Debug)]
pub(crate) struct Begun(Hmac);

impl Begun {
    /// The signature of the message that goes on like this.
    pub(crate) fn sign(&self, rest: &[u8]) -> Signature {
        self.0.tag(|tag| tag.update(rest))
    }

    /// Whether the signature is that of the message that goes on like this. Takes the same time wherever it differs.
    pub(crate) fn verify(&self, rest: &[u8], signature: &[u8]) -> bool {
        is_signature(&self.0, rest, signature)
    }
}

/// A public key for Ed25519: verifies tokens and cannot make any.
///
/// Its id is the start of its JWK thumbprint (RFC 7638), so whoever has the public key knows the `kid`.
#[derive(Clone)]
pub struct VerifyingKey {
    id: KeyId,
    public: ParsedPublicKey,
}

impl VerifyingKey {
    /// From the 32 bytes of the public key (RFC 8032 section 5.1.5). Errors: another length, no point of the
    /// curve, a pattern.
    pub fn ed25519(public: &[u8]) -> Result<Self, ConfigError> {
        weak::refuse_pattern(public)?;
        Self::parsed(public)
    }

    fn parsed(public: &[u8]) -> Result<Self, ConfigError> {
        let refused = |_| ConfigError::new("not a public key for Ed25519: it has 32 bytes (RFC 8032)");
        let bytes: &[u8; 32] = public.try_into().map_err(refused)?;
        let parsed = ParsedPublicKey::new(&ED25519, bytes).map_err(|_| {
            ConfigError::new("not a public key for Ed25519: no such point is on the curve (RFC 8032)")
        })?;
        Ok(Self { id: thumbprint(bytes), public: parsed })
    }

    /// The key's public name, as in a token's `kid`.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The 32 bytes of the public key.
    pub fn as_bytes(&self) -> &[u8] {
        self.public.as_ref()
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.public.verify_sig(message, signature).is_ok()
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({}, {})", Algorithm::EdDsa.name(), self.id)
    }
}

fn thumbprint(public: &[u8; 32]) -> KeyId {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, base64url::encode(public));
    let mut id = [0; KeyId::LEN];
    id.copy_from_slice(&digest::digest(&digest::SHA256, jwk.as_bytes()).as_ref()[..KeyId::LEN]);
    KeyId::from_bytes(id)
}

/// A key that verifies: one that could also sign, or a public one.
#[derive(Debug)]
pub(crate) enum Verifier {
    Signing(SigningKey),
    Public(VerifyingKey),
}

impl Verifier {
    pub(crate) fn id(&self) -> KeyId {
        match self {
            Self::Signing(key) => key.id,
            Self::Public(key) => key.id,
        }
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Signing(key) => key.algorithm,
            Self::Public(_) => Algorithm::EdDsa,
        }
    }

    /// Takes in the start of messages; `None` if the algorithm needs every message whole.
    pub(crate) fn begin(&self, start: &[u8]) -> Option<Begun> {
        match self {
            Self::Signing(key) => key.begin(start),
            Self::Public(_) => None,
        }
    }

    /// Whether the signature is this key's. Takes the same time wherever an HMAC differs.
    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Signing(key) => key.verify(message, signature),
            Self::Public(key) => key.verify(message, signature),
        }
    }
}
