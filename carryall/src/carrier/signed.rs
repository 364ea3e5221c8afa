//! Signed cookies: a JWT (RFC 7519) in a compact JWS (RFC 7515). Anyone may read it; only the keys can make it.
//!
//! The header is `{"alg":…,"kid":…,"typ":"JWT"}`, all three required, `typ` in any case of letters, no other member.
//! `kid` is the key's id in base64url. It names the key, the key has one algorithm, and `alg` must agree.

use std::sync::Arc;

use super::claims::Claims;
use super::jws::{Compact, Header};
use super::{Opened, limit};
use crate::base64url;
use crate::envelope::Envelope;
use crate::error::{ConfigError, Error, ErrorKind};
use crate::event::Refusal;
use crate::key::{Begun, Binding, KeyId, KeyState, SigningKey, SigningKeys, Verifier};
use crate::lifetime::Lifetimes;

/// Signs and verifies; headers and keys are prepared.
#[derive(Debug)]
pub(crate) struct Signed {
    keys: Box<[Slot]>,
    claims: Claims,
    cookie_len: usize,
}

#[derive(Debug)]
struct Slot {
    id: KeyId,
    state: KeyState,
    verifier: Arc<Verifier>,
    /// The one header that tokens of this key get, encoded, and the dot after it.
    start: Box<[u8]>,
    begun: Option<Begun>,
}

impl Signed {
    pub(crate) fn new(
        keys: &SigningKeys,
        binding: &Binding,
        lifetimes: Lifetimes,
    ) -> Result<Self, ConfigError> {
        let claims = Claims::new(binding, keys.is_of_one_cookie(), lifetimes);
        let keys = keys.checked()?.iter().map(|(state, verifier)| Slot::new(*state, Arc::clone(verifier)));
        Ok(Self { keys: keys.collect(), claims, cookie_len: binding.cookie.len() })
    }

    /// Verifies and reads; the payload is a part of the decoded claims.
    pub(crate) fn open(&self, token: &[u8]) -> Result<Opened, Refusal> {
        limit::check(token)?;
        let (slot, compact) = match self.ours(token) {
            Some(ours) => ours,
            None => self.taken_apart(token)?,
        };
        let algorithm = slot.verifier.algorithm();
        let claims = compact.verify(algorithm, |signed, signature| slot.verifies(signed, signature))?;
        self.claims.read(claims, slot.id, slot.state)
    }

    /// The key of a token that begins as one of ours, and its parts if they are as long as ours.
    fn ours<'a>(&self, token: &'a [u8]) -> Option<(&Slot, Compact<'a>)> {
        let slot = self.keys.iter().find(|slot| token.starts_with(&slot.start))?;
        Some((slot, Compact::of_lengths(token, slot.header().len(), slot.signature_len())?))
    }

    /// Any other token, and the key that its header names.
    #[cold]
    fn taken_apart<'a>(&self, token: &'a [u8]) -> Result<(&Slot, Compact<'a>), Refusal> {
        let compact = Compact::split(token).ok_or(Refusal::Malformed)?;
        Ok((self.choose(compact.header)?, compact))
    }

    /// The key that a header names.
    fn choose(&self, segment: &[u8]) -> Result<&Slot, Refusal> {
        let header = Header::read(segment).ok_or(Refusal::Malformed)?;
        let (Some(kid), Some(typ)) = (header.kid, header.typ) else { return Err(Refusal::Malformed) };
        if !typ.eq_ignore_ascii_case("JWT") {
            return Err(Refusal::Malformed);
        }
        let id = base64url::decode_array(kid.as_bytes()).map(KeyId::from_bytes).ok_or(Refusal::UnknownKey)?;
        let slot = self.keys.iter().find(|slot| slot.id == id).ok_or(Refusal::UnknownKey)?;
        if header.alg == slot.verifier.algorithm().name() { Ok(slot) } else { Err(Refusal::Malformed) }
    }

    /// Makes a token with this envelope and whatever JSON object `payload` appends, or none, behind what `begin` has
    /// put into a buffer with room for the token's length.
    ///
    /// Errors: [`ErrorKind::TooLarge`] if the cookie would not fit a browser, [`ErrorKind::ReadOnly`] without a
    /// key to sign with, [`ErrorKind::Encode`] if the payload is no object.
    pub(crate) fn mint_after(
        &self,
        envelope: &Envelope,
        payload: impl FnOnce(&mut Vec<u8>),
        begin: impl FnOnce(usize) -> Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        let (slot, key) = self.signing().ok_or_else(|| {
            Error::new(
                ErrorKind::ReadOnly,
                "this application verifies sessions with public keys: let the one with the private key change them",
            )
        })?;
        let mut scratch = Vec::with_capacity(limit::SCRATCH);
        self.claims.write(envelope, payload, &mut scratch)?;
        let len = slot.around() + base64url::encoded_len(scratch.len());
        limit::check_cookie(self.cookie_len, len)?;
        let mut out = begin(len);
        let start = out.len();
        out.extend_from_slice(&slot.start);
        base64url::encode_into(&scratch, &mut out);
        if let Some(hash) = &slot.begun {
            let signature = hash.sign(&out[start + slot.start.len()..]);
            put_signature(signature.as_ref(), &mut out);
        } else {
            let signature = key.sign(&out[start..])?;
            put_signature(signature.as_ref(), &mut out);
        }
        Ok(out)
    }

    /// How many bytes of payload fit beside this envelope in a cookie with a name of `name_len` bytes.
    pub(crate) fn room(&self, envelope: &Envelope, name_len: usize) -> usize {
        let around = self.keys.iter().map(Slot::around).max().unwrap_or(0);
        let bytes = base64url::decoded_len(limit::PAIR.saturating_sub(name_len + around));
        bytes.saturating_sub(self.claims.overhead(envelope))
    }

    /// Whether there is a key to make tokens with.
    pub(crate) fn mints(&self) -> bool {
        self.signing().is_some()
    }

    fn signing(&self) -> Option<(&Slot, &SigningKey)> {
        self.keys.iter().find_map(|slot| match &*slot.verifier {
            Verifier::Signing(key) if slot.state == KeyState::Active => Some((slot, key)),
            _ => None,
        })
    }
}

fn put_signature(signature: &[u8], out: &mut Vec<u8>) {
    out.push(b'.');
    match signature.try_into() {
        // The most frequent ones.
        Ok(signature) => base64url::encode_array::<32, _>(signature, |text| out.extend_from_slice(text)),
        Err(_) => base64url::encode_into(signature, out),
    }
}

impl Slot {
    fn new(state: KeyState, verifier: Arc<Verifier>) -> Self {
        let (id, alg) = (verifier.id(), verifier.algorithm().name());
        let header = base64url::encode(format!(r#"{{"alg":"{alg}","kid":"{id}","typ":"JWT"}}"#).as_bytes());
        let start = (header + ".").into_bytes();
        let begun = verifier.begin(&start);
        Self { id, state, verifier, start: start.into(), begun }
    }

    fn header(&self) -> &[u8] {
        self.start.strip_suffix(b".").unwrap_or_default()
    }

    fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match (&self.begun, signed.strip_prefix(&*self.start)) {
            (Some(begun), Some(rest)) => begun.verify(rest, signature),
            _ => self.verifier.verify(signed, signature),
        }
    }

    /// The characters of a token that are not claims.
    fn around(&self) -> usize {
        self.start.len() + 1 + self.signature_len()
    }

    /// The characters of a signature.
    fn signature_len(&self) -> usize {
        base64url::encoded_len(self.verifier.algorithm().signature_len())
    }
}
