//! A record as a file. Numbers are big-endian, instants milliseconds.
//!
//! ```text
//! offset  bytes
//!      0      8   "carryall"
//!      8      1   version of this layout, 1
//!      9      1   flags: 1 if there is an owner
//!     10      2   zero
//!     12      4   length of the payload
//!     16     16   the record's key, so that a file under another name is noticed
//!     32      8   the record's version
//!     40      8   created
//!     48      8   latest
//!     56     16   owner, or zeros
//!     72      4   CRC-32 of the payload
//!     76      4   CRC-32 of bytes 0..76
//!     80     20   a sight: seen, expires, CRC-32 of bytes 16..40 and of the two
//!    100     20   another sight
//!    120          payload
//! ```
//!
//! A touch overwrites the older of the two sights and nothing else. Sights only move forward, so the later one of
//! those with a good checksum counts, and a torn one leaves the other.

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Draft, Header, Record, SubjectHash, Version};

/// Where the payload begins.
pub(crate) const HEAD: usize = 120;

const MAGIC: &[u8; 8] = b"carryall";
const LAYOUT: u8 = 1;
const OWNED: u8 = 1;
const CHECKED: usize = 76;
const SIGHTS: [usize; 2] = [80, 100];
const SIGHT: usize = 20;

/// What stands before the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: Version,
    pub(crate) header: Header,
    pub(crate) length: usize,
    checksum: u32,
    /// Which sight is the older one, or torn.
    spare: usize,
}

impl Head {
    /// Reads what stands before the payload; `None` if it is not the head of this record.
    pub(crate) fn read(bytes: &[u8], key: &RecordKey) -> Option<Self> {
        let head: &[u8; HEAD] = bytes.first_chunk()?;
        let known = head.starts_with(MAGIC) && head[8] == LAYOUT && head[9] & !OWNED == 0;
        let sound = u32_at(head, CHECKED) == crc32fast::hash(&head[..CHECKED]);
        if !known || !sound || head[16..32] != key.as_bytes()[..] {
            return None;
        }
        let [first, second] = SIGHTS.map(|at| sight(head, at));
        let (seen, expires) = match (first, second) {
            (Some(a), Some(b)) => (a.0.max(b.0), a.1.max(b.1)),
            (one, other) => one.or(other)?,
        };
        let owner = *head[56..].first_chunk()?;
        let header = Header {
            created: Timestamp::from_millis(u64_at(head, 40)),
            seen: Timestamp::from_millis(seen),
            expires: Timestamp::from_millis(expires),
            latest: Timestamp::from_millis(u64_at(head, 48)),
            subject: (head[9] & OWNED != 0).then_some(SubjectHash(owner)),
        };
        Some(Self {
            version: Version(u64_at(head, 32)),
            header,
            length: usize::try_from(u32_at(head, 12)).ok()?,
            checksum: u32_at(head, 72),
            // `None` is less than every sight.
            spare: usize::from(second < first),
        })
    }

    /// The record of this head and this payload; `None` if they do not belong together.
    pub(crate) fn with(self, payload: Bytes) -> Option<Record> {
        let sound = payload.len() == self.length && crc32fast::hash(&payload) == self.checksum;
        sound.then_some(Record { version: self.version, header: self.header, payload })
    }

    /// Where a touch writes, and what, so that the record has these instants.
    pub(crate) fn touched(&self, key: &RecordKey, seen: Timestamp, expires: Timestamp) -> (u64, [u8; SIGHT]) {
        (SIGHTS[self.spare] as u64, sight_of(key, self.version, seen, expires))
    }
}

/// The whole file of a record; `None` if its payload has 4 GiB or more.
pub(crate) fn file(key: &RecordKey, version: Version, draft: &Draft) -> Option<Vec<u8>> {
    let Header { created, seen, expires, latest, subject } = draft.header;
    let length = u32::try_from(draft.payload.len()).ok()?;
    let mut out = Vec::with_capacity(HEAD + draft.payload.len());
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&[LAYOUT, if subject.is_some() { OWNED } else { 0 }, 0, 0]);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(key.as_bytes());
    for number in [version.0, created.as_millis(), latest.as_millis()] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&subject.map_or([0; 16], |hash| hash.0));
    out.extend_from_slice(&crc32fast::hash(&draft.payload).to_be_bytes());
    let checksum = crc32fast::hash(&out);
    out.extend_from_slice(&checksum.to_be_bytes());
    let sight = sight_of(key, version, seen, expires);
    out.extend_from_slice(&sight);
    out.extend_from_slice(&sight);
    out.extend_from_slice(&draft.payload);
    Some(out)
}

fn sight_of(key: &RecordKey, version: Version, seen: Timestamp, expires: Timestamp) -> [u8; SIGHT] {
    let mut out = [0; SIGHT];
    out[..8].copy_from_slice(&seen.as_millis().to_be_bytes());
    out[8..16].copy_from_slice(&expires.as_millis().to_be_bytes());
    let checksum = sight_checksum(key.as_bytes(), &version.0.to_be_bytes(), &out[..16]);
    out[16..].copy_from_slice(&checksum.to_be_bytes());
    out
}

/// Seen and expires; `None` if the sight is torn.
fn sight(head: &[u8; HEAD], at: usize) -> Option<(u64, u64)> {
    let sound = u32_at(head, at + 16) == sight_checksum(&head[16..32], &head[32..40], &head[at..at + 16]);
    sound.then(|| (u64_at(head, at), u64_at(head, at + 8)))
}

fn sight_checksum(key: &[u8], version: &[u8], instants: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in [key, version, instants] {
        hasher.update(part);
    }
    hasher.finalize()
}

fn u32_at(head: &[u8; HEAD], at: usize) -> u32 {
    head[at..].first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn u64_at(head: &[u8; HEAD], at: usize) -> u64 {
    head[at..].first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests;
