//! A payload at rest: encrypted and authenticated with AES-256-GCM-SIV (RFC 8452), which tolerates a repeated nonce.
//!
//! ```text
//! version     1 byte    0x31
//! key id      8 bytes
//! nonce       12 bytes
//! tag         16 bytes
//! ciphertext            the payload, encrypted
//! ```
//!
//! The associated data, numbers with their highest byte first:
//!
//! ```text
//! version     1 byte    0x31
//! key id      8 bytes
//! record key  16 bytes            a hash over application id and family
//! version     8 bytes             that the record has once this is written
//! created     8 bytes   ms
//! latest      8 bytes   ms
//! subject     1 byte, 0 or 1; 16 bytes, all 0 if there is none
//! ```

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::{Buf as _, Bytes, BytesMut};

use super::super::{Header, StoreError, StoreErrorKind, Version};
use crate::error::ConfigError;
use crate::id::RecordKey;
use crate::key::{Key, KeyId, KeyRing, Purpose};
use crate::random::Random;

/// Kind in the upper four bits, format version in the lower; the kinds of tokens are others.
const VERSION: u8 = 0x31;

const NONCE: usize = 1 + KeyId::LEN;
const TAG: usize = NONCE + 12;
pub(super) const BODY: usize = TAG + 16;

/// Seals and opens payloads; everything that depends on the keys alone is prepared.
pub(super) struct Sealing {
    active: usize,
    keys: Box<[(KeyId, LessSafeKey)]>,
}

impl Sealing {
    pub(super) fn new(ring: &KeyRing) -> Result<Self, ConfigError> {
        let keys = ring.keys().map(|(_, key)| Ok((key.id(), prepare(key)?)));
        let keys = keys.collect::<Result<_, ConfigError>>()?;
        Ok(Self { active: ring.active_index(), keys })
    }

    /// The payload as it is kept, under the active key.
    pub(super) fn seal(
        &self,
        key: &RecordKey,
        version: Version,
        header: &Header,
        payload: &[u8],
        random: &dyn Random,
    ) -> Result<Bytes, StoreError> {
        let (id, aead) = &self.keys[self.active];
        let mut out = Vec::with_capacity(BODY + payload.len());
        out.push(VERSION);
        out.extend_from_slice(id.as_bytes());
        out.resize(BODY, 0);
        random.nonce(&mut out[NONCE..TAG]);
        out.extend_from_slice(payload);
        let (head, body) = out.split_at_mut(BODY);
        let associated = Aad::from(associated(*id, key, version, header));
        let tag = Nonce::try_assume_unique_for_key(&head[NONCE..TAG])
            .and_then(|nonce| aead.seal_in_place_separate_tag(nonce, associated, body))
            .map_err(|_| StoreError::new(StoreErrorKind::TooLarge))?;
        head[TAG..].copy_from_slice(tag.as_ref());
        Ok(Bytes::from(out))
    }

    /// The payload as it was; without a copy if nobody shares the bytes.
    pub(super) fn open(
        &self,
        key: &RecordKey,
        version: Version,
        header: &Header,
        kept: Bytes,
    ) -> Result<Bytes, StoreError> {
        let mut buffer = BytesMut::from(kept);
        let (head, body) = buffer
            .split_first_chunk_mut::<BODY>()
            .filter(|(head, _)| head[0] == VERSION)
            .ok_or_else(|| corrupt("the record is not encrypted, or by a later version of the library"))?;
        let named = self.keys.iter().find(|(id, _)| id.as_bytes()[..] == head[1..NONCE]);
        let (id, aead) = named.ok_or_else(|| unknown(head))?;
        let associated = Aad::from(associated(*id, key, version, header));
        Nonce::try_assume_unique_for_key(&head[NONCE..TAG])
            .and_then(|nonce| aead.open_in_place_separate_tag(nonce, associated, &head[TAG..], body))
            .map_err(|_| corrupt("the record was altered, or is not the one of this key and version"))?;
        buffer.advance(BODY);
        Ok(buffer.freeze())
    }
}

fn prepare(key: &Key) -> Result<LessSafeKey, ConfigError> {
    // Without the application id: that is in the record's key, and so in the associated data.
    let secret = key.derive::<32>(Purpose::Rest, &[]);
    let unbound = UnboundKey::new(&AES_256_GCM_SIV, secret.as_slice())
        .map_err(|_| ConfigError::new("AES-256-GCM-SIV is not available in this build"))?;
    Ok(LessSafeKey::new(unbound))
}

/// What the ciphertext is bound to. `seen` and `expires` are not, as a touch moves them.
fn associated(id: KeyId, key: &RecordKey, version: Version, header: &Header) -> [u8; 66] {
    let mut out = [0; 66];
    out[0] = VERSION;
    out[1..9].copy_from_slice(id.as_bytes());
    out[9..25].copy_from_slice(key.as_bytes());
    out[25..33].copy_from_slice(&version.0.to_be_bytes());
    out[33..41].copy_from_slice(&header.created.as_millis().to_be_bytes());
    out[41..49].copy_from_slice(&header.latest.as_millis().to_be_bytes());
    if let Some(subject) = &header.subject {
        out[49] = 1;
        out[50..].copy_from_slice(&subject.0);
    }
    out
}

fn corrupt(why: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt).because(why)
}

fn unknown(head: &[u8; BODY]) -> StoreError {
    let id = head[1..NONCE].try_into().map_or_else(|_| String::new(), |id| KeyId::from_bytes(id).to_string());
    StoreError::new(StoreErrorKind::UnknownKey).because(format!("the record names the key {id}"))
}
