//! A commit in its steps: compared, noted and written, put in its place.

use std::os::fd::OwnedFd;

use carryall::clock::Timestamp;
use carryall::store::{Commit, Draft, Header, StoreError, StoreErrorKind, SubjectHash, Version};
use rustix::fs::{self, OFlags};
use rustix::io::Errno;

use crate::due::{Due, Mark, Slot};
use crate::entry::{Entry, Owner};
use crate::failure::while_doing;
use crate::index::{Index, enter, is_entered};
use crate::layout;
use crate::shard::Shard;

/// A commit whose record is as expected, and stays so: its folder is locked.
pub(crate) struct Change<'a> {
    root: &'a OwnedFd,
    shard: Shard,
    version: Version,
    draft: &'a Draft,
    /// The live record that is replaced.
    replaced: Option<Header>,
    /// Whose the file is that is replaced, if there is one.
    owner: Option<Owner>,
}

pub(crate) fn too_large() -> StoreError {
    StoreError::new(StoreErrorKind::TooLarge)
}

impl<'a> Change<'a> {
    /// Compares the record with what is expected of it; answers the commit's outcome if it is another.
    pub(crate) fn of(
        root: &'a OwnedFd,
        shard: Shard,
        expected: Option<Version>,
        draft: &'a Draft,
        (now, max_record): (Timestamp, usize),
    ) -> Result<Result<Self, Commit>, StoreError> {
        let found = shard.find(OFlags::RDONLY)?;
        let owner = found.as_ref().and_then(|found| Owner::of(&found.head.header));
        let (version, replaced) = match (found.filter(|found| found.is_live(now)), expected) {
            (None, Some(_)) => return Ok(Err(Commit::Gone)),
            (None, None) => (Version::FIRST, None),
            (Some(found), Some(version)) if found.head.version == version => {
                (version.next(), Some(found.head.header))
            }
            (Some(found), _) => return found.read(max_record).map(Commit::Conflict).map(Err),
        };
        Ok(Ok(Self { root, shard, version, draft, replaced, owner }))
    }

    /// Writes the record beside its place. Whatever has to lead to it is on the disk before it is there.
    pub(crate) fn write(&self) -> Result<(), StoreError> {
        let file = layout::file(&self.shard.key, self.version, self.draft).ok_or_else(too_large)?;
        let unsettled = self.note().map_err(while_doing("noting a record"))?;
        self.shard.write(&file)?;
        for folder in unsettled {
            // Most file systems have it by now, as it came before the file.
            let settled = fs::fsync(folder).map_err(while_doing("noting a record"));
            settled.inspect_err(|_| self.abandon())?;
        }
        Ok(())
    }

    /// Marks and enters the record where it is not known yet. A commit that leaves deadline and owner looks for its entry.
    fn note(&self) -> Result<Vec<OwnedFd>, Errno> {
        let (owner, expires) = (Owner::of(&self.draft.header), self.draft.header.expires);
        let (key, slot) = (self.shard.key, Slot::of(expires));
        let is_old = self.replaced.is_some_and(|old| Owner::of(&old) == owner);
        // What a version without an index has written has no entry.
        match owner.filter(|owner| !(is_old && is_entered(self.root, &key, owner))) {
            Some(new) => enter(self.root, &key, &new, expires),
            None if self.replaced.is_some_and(|old| Slot::of(old.expires) <= slot) => Ok(Vec::new()),
            None => Ok(vec![Due::open(self.root)?.mark(&Mark { key, owner }, slot)?]),
        }
    }

    /// Finds out what would keep it from its place, as far as that can be known.
    pub(crate) fn rehearse(&self) -> Result<(), StoreError> {
        self.shard.rehearse()
    }

    /// Puts what was written in its place. If that fails, the old record is there.
    pub(crate) fn place(&self) -> Result<(), StoreError> {
        self.shard.place().inspect_err(|_| self.abandon())
    }

    /// Leaves the old record where it is.
    pub(crate) fn abandon(&self) {
        self.shard.discard();
    }

    /// Waits for the disk, and drops what led to the old record only.
    pub(crate) fn settle(self) -> Result<Version, StoreError> {
        self.shard.sync()?;
        if let Some(owner) = self.owner.filter(|owner| Some(*owner) != Owner::of(&self.draft.header)) {
            forget(self.root, &owner.subject, &owner.entry(&self.shard.key));
        }
        Ok(self.version)
    }
}

/// Drops an entry that is wrong by now. If that fails it is dropped later: it does no harm.
pub(crate) fn forget(root: &OwnedFd, subject: &SubjectHash, entry: &Entry) {
    let _ = Index::open(root, subject).and_then(|index| index.forget(entry));
}
