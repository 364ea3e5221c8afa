//! How a session rides in its cookie: sealed, signed, or as a ticket.
//!
//! ```
//! use carryall::carrier::Carrier;
//! use carryall::key::Algorithm;
//!
//! assert!(matches!(Carrier::default(), Carrier::Sealed));
//! let readable_by_others = Carrier::Signed(Algorithm::EdDsa);
//! # let _ = readable_by_others;
//! ```
//!
//! | | [`Sealed`](Carrier::Sealed) | [`Signed`](Carrier::Signed) |
//! | --- | --- | --- |
//! | The user can read the content | no | **yes** |
//! | Other software can verify it | no | yes: JWT, with a public key if EdDSA |
//! | Content | MessagePack | JSON |
//! | An anonymous session without content | at most 88 characters | about 220 characters (HS256) |
//!
//! Sessions whose parts are all in a store need neither choice: their cookie is a ticket of 63 characters, an
//! authenticated id and nothing else.
//!
//! All of them are bound to a key of the ring, the application id and the cookie's name. A cookie that was made for
//! something else, or changed in one bit, counts as none and gives an [`Event`](crate::event::Event) that says why.
//! Cookies over 4096 bytes (name and value, RFC 6265bis section 5.6) are neither read nor written.

mod canonical;
mod claims;
pub(crate) mod envelope;
mod json;
mod jws;
mod limit;
mod sealed;
mod signed;
#[cfg(test)]
mod tests;
mod ticket;
mod wire;

use bytes::Bytes;

pub(crate) use sealed::Sealed;
pub(crate) use signed::Signed;
pub(crate) use ticket::{OpenedTicket, Ticket};

use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::ConfigError;
use crate::event::Refusal;
use crate::key::{Algorithm, Binding, KeyId, KeyRing, KeyState, SigningKeys};
use crate::lifetime::Lifetimes;
use crate::value::Contents;

/// How client-carried sessions ride in their cookie. The default is [`Sealed`](Self::Sealed).
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Carrier {
    /// Encrypted and authenticated (AES-256-GCM-SIV, RFC 8452): the user sees nothing but the size.
    #[default]
    Sealed,
    /// A JWT (RFC 7519) under keys derived from the ring. **The user can read it**: choose it when a page's script
    /// or another service has to.
    Signed(Algorithm),
    /// A JWT under keys that other software holds too, or has given us.
    SignedWith(SigningKeys),
}

impl Carrier {
    /// Derives the keys and prepares everything that does not depend on a session.
    pub(crate) fn prepare(
        &self,
        ring: &KeyRing,
        binding: &Binding,
        lifetimes: Lifetimes,
    ) -> Result<Prepared, ConfigError> {
        Ok(match self {
            Self::Sealed => Prepared::Sealed(Sealed::new(ring, binding)?),
            Self::Signed(algorithm) => {
                let keys = SigningKeys::derived(ring, binding, *algorithm)?;
                Prepared::Signed(Signed::new(&keys, binding, lifetimes)?)
            }
            Self::SignedWith(keys) => Prepared::Signed(Signed::new(keys, binding, lifetimes)?),
        })
    }
}

/// What an authentic token says.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) envelope: Envelope,
    pub(crate) payload: Payload,
    /// The key it was made with.
    pub(crate) key_id: KeyId,
    /// The state of that key; under an accepted one the token is to be minted anew.
    pub(crate) key: KeyState,
    /// The deadline that the token itself names (`exp`). It ends the session even where the configured lifetime
    /// has become longer since.
    pub(crate) expires: Option<Timestamp>,
}

/// What a token carries for the session.
#[derive(Debug)]
pub(crate) enum Payload {
    /// As it was put in, or empty.
    Bytes(Bytes),
    /// With what is in it, which was seen on the way.
    Contents(Box<Contents>),
}

/// A [`Carrier`] with its keys.
#[derive(Debug)]
pub(crate) enum Prepared {
    Sealed(Sealed),
    Signed(Signed),
}

impl Prepared {
    /// Authenticates and reads a token.
    pub(crate) fn open(&self, token: &[u8]) -> Result<Opened, Refusal> {
        match self {
            Self::Sealed(carrier) => carrier.open(token),
            Self::Signed(carrier) => carrier.open(token),
        }
    }

    /// How many bytes of payload fit beside this envelope in a cookie with a name of `name_len` bytes.
    pub(crate) fn room(&self, envelope: &Envelope, name_len: usize) -> usize {
        match self {
            Self::Sealed(_) => Sealed::room(envelope, name_len),
            Self::Signed(carrier) => carrier.room(envelope, name_len),
        }
    }

    /// Whether there is a key to make tokens with; without one, refreshes are skipped and changes are errors.
    pub(crate) fn mints(&self) -> bool {
        match self {
            Self::Sealed(_) => true,
            Self::Signed(carrier) => carrier.mints(),
        }
    }
}
