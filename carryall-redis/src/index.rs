//! The index of a subject: a string in Redis, with 32 bytes for each of its records. Numbers are big-endian, instants
//! milliseconds.
//!
//! ```text
//! offset  bytes
//!      0     16   the record's key
//!     16      6   until when the entry is kept: longer than the record can live
//!     22      6   until when a commit may be under way for which the entry was made
//!     28      4   the version that this commit expects, 0 for a new record; of greater ones the end
//! ```
//!
//! Each entry was there before its record was the subject's, and stays until the record is seen not to be and no commit
//! is under way that could make it so. The key is the prefix, `@` and the subject's hash; it expires with the last entry.

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{SubjectHash, Version};

use crate::layout::{Head, SLACK};

pub(crate) const ENTRY: usize = 32;

/// Most that six bytes hold, far in the year 10889.
const LAST: u64 = (1 << 48) - 1;

/// An entry of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: RecordKey,
    pub(crate) kept: u64,
    pub(crate) open: u64,
    pub(crate) expected: u32,
}

impl Entry {
    /// That of a commit which does not know yet how long it may take.
    pub(crate) fn of(key: &RecordKey, expected: Option<Version>, latest: Timestamp) -> Self {
        let kept = latest.plus(SLACK).as_millis().min(LAST);
        Self { key: *key, kept, open: 0, expected: low(expected) }
    }

    pub(crate) fn encode(&self) -> [u8; ENTRY] {
        let mut bytes = [0; ENTRY];
        bytes[..16].copy_from_slice(self.key.as_bytes());
        bytes[16..22].copy_from_slice(&self.kept.to_be_bytes()[2..]);
        bytes[22..28].copy_from_slice(&self.open.to_be_bytes()[2..]);
        bytes[28..].copy_from_slice(&self.expected.to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8; ENTRY]) -> Self {
        let number =
            |at: usize, end: usize| bytes[at..end].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        let mut key = [0; 16];
        key.copy_from_slice(&bytes[..16]);
        let expected = u32::try_from(number(28, 32)).unwrap_or_default();
        Self { key: RecordKey::from_bytes(key), kept: number(16, 22), open: number(22, 28), expected }
    }

    /// What this entry is worth, given its record as it was found after the server's present was asked for.
    pub(crate) fn judge(
        &self,
        found: Option<Head>,
        subject: &SubjectHash,
        now: Timestamp,
        present: u64,
    ) -> Worth {
        let is_live = found.as_ref().is_some_and(|head| now < head.header.expires);
        let could_commit = match &found {
            // Keys are random: a new record is never made where another one was, expired or not. An entry of a creation
            // that has been done would else take a place once the record is nobody's and expired.
            Some(head) => self.expected == low(Some(head.version)),
            None => self.expected == 0,
        };
        match found {
            Some(head) if head.header.subject == Some(*subject) => {
                // Another node's clock may say that it is live.
                if is_live { Worth::Live(head) } else { Worth::Expired }
            }
            _ if self.open > present && could_commit => Worth::Open,
            _ => Worth::Nothing,
        }
    }
}

/// What an entry is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Worth {
    /// A record of the subject.
    Live(Head),
    /// A record of the subject that has expired.
    Expired,
    /// A commit may be under way.
    Open,
    /// Nothing, now and for ever.
    Nothing,
}

/// The entries of an index; `None` if it is none.
pub(crate) fn decode(index: &[u8]) -> Option<Vec<Entry>> {
    let (entries, rest) = index.as_chunks::<ENTRY>();
    rest.is_empty().then(|| entries.iter().map(Entry::decode).collect())
}

/// An index of these entries, and when the server may sweep it.
pub(crate) fn encode(entries: &[Entry]) -> (Vec<u8>, u64) {
    let last = entries.iter().map(|entry| entry.kept).max().unwrap_or_default();
    (entries.iter().flat_map(Entry::encode).collect(), last)
}

fn low(version: Option<Version>) -> u32 {
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the end of the number tells one version from the next"
    )]
    version.map_or(0, |version| version.0 as u32)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use carryall::store::Header;
    use proptest::prelude::*;

    use super::*;

    const ADA: SubjectHash = SubjectHash([7; 16]);
    const NOW: Timestamp = Timestamp::from_secs(1_000);

    #[test]
    fn the_bytes_of_an_entry_are_these() {
        let entry = Entry { key: RecordKey::from_bytes([9; 16]), kept: 1, open: 2, expected: 3 };
        let expected = [&[9; 16][..], &[0, 0, 0, 0, 0, 1], &[0, 0, 0, 0, 0, 2], &[0, 0, 0, 3]].concat();
        assert_eq!(encode(&[entry]), (expected, 1));
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(entries: Vec<([u8; 16], u64, u64, u32)>) {
            let entry = |(key, kept, open, expected): ([u8; 16], u64, u64, u32)| {
                Entry { key: RecordKey::from_bytes(key), kept: kept >> 16, open: open >> 16, expected }
            };
            let entries: Vec<_> = entries.into_iter().map(entry).collect();
            let (bytes, last) = encode(&entries);
            prop_assert!(entries.iter().all(|entry| entry.kept <= last));
            prop_assert_eq!(decode(&bytes), Some(entries));
        }

        #[test]
        fn half_an_entry_is_no_index(length in 1..ENTRY) {
            prop_assert_eq!(decode(&vec![0; ENTRY + length]), None);
        }
    }

    fn found(version: u64, subject: Option<SubjectHash>, expires: Timestamp) -> Head {
        let header = Header { created: NOW, seen: NOW, expires, latest: expires, subject };
        Head { version: Version(version), header }
    }

    #[test]
    fn an_entry_is_worth_what_its_record_is_or_may_become() {
        let later = NOW.plus(Duration::from_secs(1));
        let (hers, nobodys) =
            (|version| found(version, Some(ADA), later), |version| found(version, None, later));
        let expired = found(1, Some(ADA), NOW);
        for (expected, is_open, found, worth) in [
            (0, false, Some(hers(1)), Worth::Live(hers(1))),
            (5, true, Some(hers(9)), Worth::Live(hers(9))),
            (0, true, Some(expired), Worth::Expired),
            // A commit may come that expects what is there, and no other.
            (0, true, None, Worth::Open),
            (0, false, None, Worth::Nothing),
            (1, true, None, Worth::Nothing),
            (1, true, Some(nobodys(1)), Worth::Open),
            (1, false, Some(nobodys(1)), Worth::Nothing),
            (1, true, Some(nobodys(2)), Worth::Nothing),
            (0, true, Some(nobodys(1)), Worth::Nothing),
            (1, true, Some(self::found(1, Some(SubjectHash([8; 16])), later)), Worth::Open),
            // Made, then nobody's, then expired.
            (0, true, Some(self::found(2, None, NOW)), Worth::Nothing),
        ] {
            let entry = Entry { key: RecordKey::from_bytes([9; 16]), kept: 0, open: 10, expected };
            let present = if is_open { 9 } else { 10 };
            let judged = entry.judge(found.clone(), &ADA, NOW, present);
            assert_eq!(judged, worth, "{expected} {is_open} {found:?}");
        }
    }
}
