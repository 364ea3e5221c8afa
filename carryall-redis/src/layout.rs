//! A record as a value in Redis. Numbers are big-endian, instants milliseconds.
//!
//! ```text
//! offset  bytes
//!      0      1   version of this layout, 1
//!      1      1   flags: 1 if there is an owner
//!      2      8   the record's version
//!     10      8   created
//!     18      8   latest
//!     26      8   seen
//!     34      8   expires
//!     42     16   owner, if there is one
//!     42 or 58    payload
//! ```
//!
//! The scripts in `lua/` know the first 42 bytes: a commit compares the version, a touch overwrites the last two
//! instants.

use std::time::Duration;

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::store::{Draft, Header, Record, SubjectHash, Version};

const LAYOUT: u8 = 1;
const OWNED: u8 = 1;
const HEAD: usize = 42;
/// With the owner.
pub(crate) const LONGEST_HEAD: usize = 58;

/// How long after its deadline the server may sweep a record: a server whose clock is ahead takes none too early.
pub(crate) const SLACK: Duration = Duration::from_mins(1);

/// The last instant that scripts and the server can tell from its neighbours, far in the year 287396.
const LAST: u64 = (1 << 53) - 1;

pub(crate) fn encode(version: Version, draft: &Draft) -> Vec<u8> {
    let Header { created, seen, expires, latest, subject } = draft.header;
    let owner = subject.as_ref().map_or(&[][..], |hash| &hash.0);
    let mut bytes = Vec::with_capacity(HEAD + owner.len() + draft.payload.len());
    bytes.extend([LAYOUT, if subject.is_some() { OWNED } else { 0 }]);
    bytes.extend(version.0.to_be_bytes());
    for instant in [created, latest, seen, expires] {
        bytes.extend(instant.as_millis().to_be_bytes());
    }
    bytes.extend_from_slice(owner);
    bytes.extend_from_slice(&draft.payload);
    bytes
}

/// What the first bytes of a record tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: Version,
    pub(crate) header: Header,
}

/// The record, or `None` if that is none.
pub(crate) fn decode(bytes: Vec<u8>) -> Option<Record> {
    let Head { version, header } = decode_head(&bytes)?;
    let payload = if header.subject.is_some() { LONGEST_HEAD } else { HEAD };
    Some(Record { version, header, payload: Bytes::from(bytes).slice(payload..) })
}

/// The head of a record of which at least that much is there, or `None` if that is none.
pub(crate) fn decode_head(bytes: &[u8]) -> Option<Head> {
    let head: &[u8; HEAD] = bytes.first_chunk()?;
    if head[0] != LAYOUT || head[1] & !OWNED != 0 {
        return None;
    }
    let number = |at: usize| head[at..].first_chunk().map(|bytes| u64::from_be_bytes(*bytes));
    let instant = |at| number(at).map(Timestamp::from_millis);
    let subject = if head[1] & OWNED == 0 { None } else { Some(SubjectHash(*bytes[HEAD..].first_chunk()?)) };
    let (created, latest, seen, expires) = (instant(10)?, instant(18)?, instant(26)?, instant(34)?);
    let header = Header { created, seen, expires, latest, subject };
    Some(Head { version: Version(number(2)?), header })
}

/// When the server may sweep a record that expires then.
pub(crate) fn sweep_at(expires: Timestamp) -> u64 {
    expires.plus(SLACK).as_millis().min(LAST)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drafts() -> impl Strategy<Value = Draft> {
        let payload = proptest::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from);
        let instants = any::<[u64; 4]>().prop_map(|all| all.map(Timestamp::from_millis));
        (instants, any::<Option<[u8; 16]>>(), payload).prop_map(
            |([created, seen, expires, latest], owner, payload)| {
                let subject = owner.map(SubjectHash);
                Draft { header: Header { created, seen, expires, latest, subject }, payload }
            },
        )
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(draft in drafts(), version: u64) {
            let Draft { header, payload } = draft.clone();
            let expected = Record { version: Version(version), header, payload };
            prop_assert_eq!(decode(encode(Version(version), &draft)), Some(expected));
        }

        #[test]
        fn arbitrary_bytes_are_a_record_of_the_same_bytes_or_none(bytes: Vec<u8>) {
            if let Some(Record { version, header, payload }) = decode(bytes.clone()) {
                let head = Head { version, header };
                prop_assert_eq!(decode_head(&bytes[..bytes.len().min(LONGEST_HEAD)]), Some(head));
                prop_assert_eq!(encode(version, &Draft { header, payload }), bytes);
            }
        }

        #[test]
        fn half_a_head_is_no_record(draft in drafts(), length in 0..HEAD) {
            let mut bytes = encode(Version::FIRST, &draft);
            bytes.truncate(length);
            prop_assert_eq!(decode(bytes), None);
        }
    }

    #[test]
    fn the_bytes_of_the_first_layout_are_these() {
        let at = Timestamp::from_millis;
        let header = Header {
            created: at(1),
            seen: at(3),
            expires: at(4),
            latest: at(2),
            subject: Some(SubjectHash([9; 16])),
        };
        let draft = Draft { header, payload: Bytes::from_static(b"cart") };
        let numbers = [7, 1, 2, 3, 4_u64].map(u64::to_be_bytes).concat();
        let expected = [&[1, 1][..], &numbers, &[9; 16], b"cart"].concat();
        assert_eq!(encode(Version(7), &draft), expected);
    }
}
