//! Compact JWS (RFC 7515 section 7.1): three segments of base64url, a signature over the first two.
//!
//! This layer knows keys and headers, and nothing of claims. The key is chosen by the caller, and with it the
//! algorithm; the header can only agree or be refused.

use serde::Deserialize;

use super::json;
use crate::base64url;
use crate::event::Refusal;
use crate::key::{Algorithm, MAX_SIGNATURE};

/// Far longer than any header made here, and short enough to read before a signature is checked.
const LONGEST_HEADER: usize = 256;

/// A token taken apart, not verified.
#[derive(Debug)]
pub(crate) struct Compact<'a> {
    /// The segment of the header, still encoded.
    pub(crate) header: &'a [u8],
    claims: &'a [u8],
    signature: &'a [u8],
    signed: &'a [u8],
}

/// A header with these members and no other: `crit`, `zip`, `b64`, `enc`, `jku`, `jwk` and their like are refused
/// with everything else that is not understood.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    pub(crate) alg: String,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) kid: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    pub(crate) typ: Option<String>,
}

impl Header {
    /// Reads the segment of a header; `None` unless it is one object of known, unrepeated members.
    pub(crate) fn read(segment: &[u8]) -> Option<Self> {
        if segment.len() > LONGEST_HEADER {
            return None;
        }
        json::object(&base64url::decode(segment)?)
    }
}

impl<'a> Compact<'a> {
    /// Takes a token apart; `None` unless it has exactly three segments.
    pub(crate) fn split(token: &'a [u8]) -> Option<Self> {
        let mut dots = memchr::memchr_iter(b'.', token);
        let (first, second) = (dots.next()?, dots.next()?);
        if dots.next().is_some() {
            return None;
        }
        Some(Self {
            header: &token[..first],
            claims: &token[first + 1..second],
            signature: &token[second + 1..],
            signed: &token[..second],
        })
    }

    /// Takes a token apart whose header and signature have these lengths; `None` unless there are dots between them and
    /// the claims. A dot in one of the three will not be decoded.
    pub(crate) fn of_lengths(token: &'a [u8], header: usize, signature: usize) -> Option<Self> {
        let (signed, signature) = token.split_at_checked(token.len().checked_sub(signature)?)?;
        let signed = signed.strip_suffix(b".")?;
        let (header, claims) = signed.split_at_checked(header)?;
        Some(Self { header, claims: claims.strip_prefix(b".")?, signature, signed })
    }

    /// The claims, their last byte apart, once `verifies` finds the signature to be that of what is signed.
    pub(crate) fn verify(
        &self,
        algorithm: Algorithm,
        verifies: impl FnOnce(&[u8], &[u8]) -> bool,
    ) -> Result<(Vec<u8>, Option<u8>), Refusal> {
        let claims = base64url::decode_apart(self.claims).ok_or(Refusal::Malformed)?;
        let is_good = match algorithm.signature_len() {
            // The most frequent ones.
            32 => base64url::decode_array::<32>(self.signature)
                .map(|signature| verifies(self.signed, &signature)),
            len => {
                let mut signature = [0; MAX_SIGNATURE];
                base64url::decode_into(self.signature, &mut signature[..len])
                    .map(|()| verifies(self.signed, &signature[..len]))
            }
        };
        if is_good.ok_or(Refusal::Malformed)? { Ok(claims) } else { Err(Refusal::Tampered) }
    }
}
