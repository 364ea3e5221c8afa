//! Tickets: an authenticated id and nothing else, for sessions whose record is in a store.
//!
//! ```text
//! version     1 byte    0x21
//! key id      8 bytes
//! family      16 bytes
//! generation  varint
//! issued      4 bytes   seconds since 1970, big-endian
//! tag         16 bytes  HMAC-SHA256 of all before, truncated; the key depends on application id and cookie name
//! ```
//!
//! All of it in base64url without padding: 63 characters for generations below 16384. A forged id is refused here,
//! before any store is asked.

use crate::base64url;
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::event::Refusal;
use crate::id::Family;
use crate::key::{Binding, KeyId, KeyRing, KeyState, Macs, Purpose};
use crate::varint;

/// As in [`sealed`](super::sealed): kind and format version.
const VERSION: u8 = 0x21;

const HEAD: usize = 1 + KeyId::LEN + Family::LEN;
const TAIL: usize = 4 + 16;
/// Of generations below 128.
const USUAL_BYTES: usize = HEAD + 1 + TAIL;
const USUAL: usize = base64url::encoded_len(USUAL_BYTES);
/// The longest varint has 10 bytes.
const LONGEST_BYTES: usize = HEAD + 10 + TAIL;
const LONGEST: usize = base64url::encoded_len(LONGEST_BYTES);

/// Mints and opens tickets.
#[derive(Debug)]
pub(crate) struct Ticket {
    macs: Macs,
}

/// What an authentic ticket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenedTicket {
    pub(crate) family: Family,
    pub(crate) generation: u64,
    /// When it was minted, in whole seconds.
    pub(crate) issued: Timestamp,
    pub(crate) key_id: KeyId,
    pub(crate) key: KeyState,
}

impl Ticket {
    /// The usual length of a ticket, in characters.
    pub(crate) const LEN: usize = 63;

    pub(crate) fn new(ring: &KeyRing, binding: &Binding) -> Self {
        Self { macs: ring.macs(Purpose::Ticket, binding) }
    }

    /// Authenticates and reads.
    pub(crate) fn open(&self, token: &[u8]) -> Result<OpenedTicket, Refusal> {
        match token.len() {
            USUAL => {
                let ticket: [u8; USUAL_BYTES] = base64url::decode_array(token).ok_or(Refusal::Malformed)?;
                self.judge(&ticket)
            }
            length if length <= LONGEST => {
                let mut room = [0; LONGEST_BYTES];
                let ticket = &mut room[..base64url::decoded_len(length)];
                base64url::decode_into(token, ticket).ok_or(Refusal::Malformed)?;
                self.judge(ticket)
            }
            _ => Err(Refusal::Malformed),
        }
    }

    fn judge(&self, ticket: &[u8]) -> Result<OpenedTicket, Refusal> {
        let (signed, tag) = ticket.split_last_chunk::<16>().ok_or(Refusal::Malformed)?;
        let (id, body) = read(signed).ok_or(Refusal::Malformed)?;
        let (state, mac) = self.macs.find(id).ok_or(Refusal::UnknownKey)?;
        if !mac.verify16(&[signed], tag) {
            return Err(Refusal::Tampered);
        }
        let (family, generation, issued) = body;
        Ok(OpenedTicket { family, generation, issued, key_id: id, key: state })
    }

    /// Appends a ticket for the envelope's family and generation, issued when the envelope says.
    pub(crate) fn mint(&self, envelope: &Envelope, out: &mut Vec<u8>) {
        let (id, mac) = self.macs.active();
        let mut ticket = Vec::with_capacity(HEAD + 10 + TAIL);
        ticket.push(VERSION);
        ticket.extend_from_slice(id.as_bytes());
        ticket.extend_from_slice(envelope.family.as_bytes());
        varint::put(&mut ticket, envelope.generation);
        let issued = u32::try_from(envelope.issued.as_secs()).unwrap_or(u32::MAX);
        ticket.extend_from_slice(&issued.to_be_bytes());
        let tag = mac.tag16(&[&ticket]);
        ticket.extend_from_slice(&tag);
        base64url::encode_into(&ticket, out);
    }
}

/// The parts of a ticket before its tag; `None` if they are not laid out as one.
fn read(signed: &[u8]) -> Option<(KeyId, (Family, u64, Timestamp))> {
    let (&version, rest) = signed.split_first()?;
    let (id, rest) = rest.split_first_chunk()?;
    let (family, mut rest) = rest.split_first_chunk()?;
    let generation = varint::take(&mut rest)?;
    let issued = u32::from_be_bytes(rest.try_into().ok()?);
    let body = (Family::from_bytes(*family), generation, Timestamp::from_secs(issued.into()));
    (version == VERSION).then_some((KeyId::from_bytes(*id), body))
}
