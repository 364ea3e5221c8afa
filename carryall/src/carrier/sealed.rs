//! Sealed cookies: encrypted and authenticated with AES-256-GCM-SIV (RFC 8452), which tolerates a repeated nonce.
//!
//! ```text
//! version     1 byte    0x11
//! key id      8 bytes
//! nonce       12 bytes
//! tag         16 bytes
//! ciphertext            envelope ‖ payload, encrypted
//! ```
//!
//! All of it in base64url without padding. The associated data are version ‖ key id ‖ application id ‖ cookie name,
//! the latter two after their lengths. The tag stands in front so that the payload ends where the buffer ends.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::{Buf as _, Bytes};

use super::{Opened, Payload, envelope, limit};
use crate::base64url;
use crate::envelope::Envelope;
use crate::error::{ConfigError, Error, ErrorKind};
use crate::event::Refusal;
use crate::key::{Binding, Key, KeyId, KeyRing, KeyState, Purpose};
use crate::random::Random;

/// Kind in the upper four bits, format version in the lower. Kinds differ, so no token is taken for another.
const VERSION: u8 = 0x11;

const NONCE: usize = 1 + KeyId::LEN;
const TAG: usize = NONCE + 12;
const BODY: usize = TAG + 16;

/// Seals and opens; everything that depends on the keys alone is prepared.
#[derive(Debug)]
pub(crate) struct Sealed {
    active: usize,
    keys: Box<[SealKey]>,
    cookie_len: usize,
}

#[derive(Debug)]
struct SealKey {
    id: KeyId,
    state: KeyState,
    aead: LessSafeKey,
    associated: Box<[u8]>,
}

impl Sealed {
    pub(crate) fn new(ring: &KeyRing, binding: &Binding) -> Result<Self, ConfigError> {
        let keys = ring.keys().map(|(state, key)| SealKey::new(state, key, binding));
        let keys = keys.collect::<Result<_, _>>()?;
        Ok(Self { active: ring.active_index(), keys, cookie_len: binding.cookie.len() })
    }

    /// Authenticates, decrypts in place, and reads the envelope; the payload is a slice of the same buffer.
    pub(crate) fn open(&self, token: &[u8]) -> Result<Opened, Refusal> {
        limit::check(token)?;
        let mut buffer = base64url::decode(token).ok_or(Refusal::Malformed)?;
        let (head, body) = buffer.split_first_chunk_mut::<BODY>().ok_or(Refusal::Malformed)?;
        if head[0] != VERSION {
            return Err(Refusal::Malformed);
        }
        let key = self.keys.iter().find(|key| key.id.as_bytes()[..] == head[1..NONCE]);
        let key = key.ok_or(Refusal::UnknownKey)?;
        let nonce = Nonce::try_assume_unique_for_key(&head[NONCE..TAG]).map_err(|_| Refusal::Malformed)?;
        key.aead
            .open_in_place_separate_tag(nonce, Aad::from(&key.associated), &head[TAG..], body)
            .map_err(|_| Refusal::Tampered)?;
        let mut payload = Bytes::from(buffer);
        payload.advance(BODY);
        let mut rest = &payload[..];
        let envelope = envelope::read(&mut rest).ok_or(Refusal::Unreadable)?;
        payload.advance(payload.len() - rest.len());
        let payload = Payload::Bytes(payload);
        Ok(Opened { envelope, payload, key_id: key.id, key: key.state, expires: None })
    }

    /// The bytes of a token with this envelope and whatever `payload` appends, before base64url.
    ///
    /// Errors: [`ErrorKind::TooLarge`] if the cookie would not fit a browser.
    pub(crate) fn seal(
        &self,
        envelope: &Envelope,
        payload: impl FnOnce(&mut Vec<u8>),
        random: &dyn Random,
    ) -> Result<Vec<u8>, Error> {
        let key = &self.keys[self.active];
        let mut scratch = Vec::with_capacity(limit::SCRATCH);
        scratch.push(VERSION);
        scratch.extend_from_slice(key.id.as_bytes());
        scratch.resize(BODY, 0);
        random.nonce(&mut scratch[NONCE..TAG]);
        envelope::write(envelope, &mut scratch);
        payload(&mut scratch);
        limit::check_cookie(self.cookie_len, base64url::encoded_len(scratch.len()))?;
        let (head, body) = scratch.split_at_mut(BODY);
        let tag = Nonce::try_assume_unique_for_key(&head[NONCE..TAG])
            .and_then(|nonce| key.aead.seal_in_place_separate_tag(nonce, Aad::from(&key.associated), body))
            .map_err(|_| Error::new(ErrorKind::TooLarge, "the session is too large to be encrypted"))?;
        head[TAG..].copy_from_slice(tag.as_ref());
        Ok(scratch)
    }

    /// How many bytes of payload fit beside this envelope in a cookie with a name of `name_len` bytes.
    pub(crate) fn room(envelope: &Envelope, name_len: usize) -> usize {
        let bytes = base64url::decoded_len(limit::PAIR.saturating_sub(name_len));
        bytes.saturating_sub(BODY + envelope::len(envelope))
    }
}

impl SealKey {
    fn new(state: KeyState, key: &Key, binding: &Binding) -> Result<Self, ConfigError> {
        let secret = key.derive::<32>(Purpose::Seal, &[&binding.app]);
        let unbound = UnboundKey::new(&AES_256_GCM_SIV, secret.as_slice())
            .map_err(|_| ConfigError::new("AES-256-GCM-SIV is not available in this build"))?;
        let mut associated = vec![VERSION];
        associated.extend_from_slice(key.id().as_bytes());
        for part in [&binding.app, &binding.cookie] {
            associated.extend_from_slice(&(part.len() as u64).to_be_bytes());
            associated.extend_from_slice(part.as_bytes());
        }
        Ok(Self { id: key.id(), state, aead: LessSafeKey::new(unbound), associated: associated.into() })
    }
}
