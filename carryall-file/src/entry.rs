//! What an index says of a record: whose it is, and since when there is that session.

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Header, SubjectHash};

use crate::name::{name, parse};

/// The subject of a record, and what the subject's records are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    pub(crate) subject: SubjectHash,
    created: Timestamp,
}

/// A record in the index of its subject. The oldest come first, among entries as among their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Entry {
    created: Timestamp,
    pub(crate) key: RecordKey,
}

impl Owner {
    pub(crate) fn of(header: &Header) -> Option<Self> {
        header.subject.map(|subject| Self { subject, created: header.created })
    }

    /// The entry of this record in the subject's index.
    pub(crate) fn entry(&self, key: &RecordKey) -> Entry {
        Entry { created: self.created, key: *key }
    }

    /// As part of a file's name.
    pub(crate) fn name(&self) -> String {
        format!("{}-{:016x}", name(&self.subject.0), self.created.as_millis())
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (subject, created) = text.split_once('-')?;
        let owner = Self { subject: SubjectHash(parse(subject)?), created: instant(created)? };
        Some(owner).filter(|owner| owner.name() == text)
    }
}

impl Entry {
    pub(crate) fn of(header: &Header, key: &RecordKey) -> Self {
        Self { created: header.created, key: *key }
    }

    pub(crate) fn name(&self) -> String {
        format!("{:016x}-{}", self.created.as_millis(), name(self.key.as_bytes()))
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (created, key) = text.split_once('-')?;
        let entry = Self { created: instant(created)?, key: RecordKey::from_bytes(parse(key)?) };
        Some(entry).filter(|entry| entry.name() == text)
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    u64::from_str_radix(text, 16).ok().map(Timestamp::from_millis)
}
