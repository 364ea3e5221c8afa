//! Which records are whose: empty files by the record's age and name, in a folder for each subject.
//!
//! Of every live record of a subject there is an entry. It is made before the record says so and goes afterwards, both
//! under the lock of the record's folder, so that what it says is looked up in the record. The 256 folders in which
//! those of the subjects are stay for ever. Whoever admits or lists locks one, whoever commits does not.

use std::os::fd::OwnedFd;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{StoreError, SubjectHash};
use rustix::fs::{self, AtFlags, Dir, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, Result, retry_on_intr};

use crate::directory::{CAREFUL, SUBJECTS, folder, make};
use crate::due::{Due, Mark, Slot};
use crate::entry::{Entry, Owner};
use crate::failure::while_doing;
use crate::name::name;

/// The entries of one subject.
#[derive(Debug)]
pub(crate) struct Index {
    folder: OwnedFd,
    pub(crate) subject: SubjectHash,
    name: String,
}

impl Index {
    pub(crate) fn open(root: &OwnedFd, subject: &SubjectHash) -> Result<Self> {
        let name = name(&subject.0);
        let folder = folder(folder(root, SUBJECTS)?, &name[..2])?;
        Ok(Self { folder, subject: *subject, name })
    }

    /// For whoever lists or admits: nobody else does so meanwhile. Waits.
    pub(crate) fn locked(root: &OwnedFd, subject: &SubjectHash) -> std::result::Result<Self, StoreError> {
        let index = Self::open(root, subject).map_err(while_doing("opening an index"))?;
        retry_on_intr(|| fs::flock(&index.folder, FlockOperation::LockExclusive))
            .map_err(while_doing("locking an index"))?;
        Ok(index)
    }

    /// Makes an entry of the record. Once the folders in the answer are synced, the disk has it.
    fn note(&self, entry: &Entry) -> Result<Vec<OwnedFd>> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | CAREFUL;
        let mut unsettled = Vec::new();
        loop {
            let entries = match folder(&self.folder, &*self.name) {
                Err(Errno::NOENT) => {
                    make(&self.folder, &*self.name)?;
                    unsettled.push(folder(&self.folder, ".")?);
                    continue;
                }
                opened => opened?,
            };
            match fs::openat(&entries, entry.name(), flags, Mode::RUSR | Mode::WUSR) {
                // Somebody has removed the last entry and the folder since it was opened.
                Err(Errno::NOENT) => {}
                Err(error) if error != Errno::EXIST => return Err(error),
                _ => {
                    unsettled.push(entries);
                    return Ok(unsettled);
                }
            }
        }
    }

    /// Whether there is this entry.
    pub(crate) fn has(&self, entry: &Entry) -> Result<bool> {
        let Some(entries) = self.entries()? else { return Ok(false) };
        match fs::statat(entries, entry.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(_) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes an entry, and the subject's folder with the last one. What is no entry is left alone.
    pub(crate) fn forget(&self, entry: &Entry) -> Result<()> {
        let entries = match self.entries() {
            Ok(Some(entries)) => entries,
            Ok(None) | Err(Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            Err(error) => return Err(error),
        };
        match fs::unlinkat(entries, entry.name(), AtFlags::empty()) {
            Err(error) if !matches!(error, Errno::NOENT | Errno::ISDIR | Errno::PERM) => return Err(error),
            _ => {}
        }
        match fs::unlinkat(&self.folder, &*self.name, AtFlags::REMOVEDIR) {
            Err(error) if !matches!(error, Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Err(error),
            _ => Ok(()),
        }
    }

    /// All entries, the oldest first.
    pub(crate) fn sorted(&self) -> Result<Vec<Entry>> {
        let Some(entries) = self.entries()? else { return Ok(Vec::new()) };
        let entry = |file: fs::DirEntry| file.file_name().to_str().ok().and_then(Entry::parse);
        let entries = Dir::new(entries)?.filter_map(|file| file.map(entry).transpose());
        let mut sorted = entries.collect::<Result<Vec<_>>>()?;
        sorted.sort_unstable();
        Ok(sorted)
    }

    /// The subject's folder, if there is one.
    fn entries(&self) -> Result<Option<OwnedFd>> {
        match folder(&self.folder, &*self.name) {
            Err(Errno::NOENT) => Ok(None),
            opened => opened.map(Some),
        }
    }
}

/// Enters a record that is this owner's, or is about to be, and marks it first: the mark leads to the entry once the
/// record is over. When the folders in the answer are synced, the disk has both.
pub(crate) fn enter(
    root: &OwnedFd,
    key: &RecordKey,
    owner: &Owner,
    expires: Timestamp,
) -> Result<Vec<OwnedFd>> {
    let mark = Mark { key: *key, owner: Some(*owner) };
    let mut unsettled = vec![Due::open(root)?.mark(&mark, Slot::of(expires))?];
    unsettled.extend(Index::open(root, &owner.subject)?.note(&owner.entry(key))?);
    Ok(unsettled)
}

/// Whether a record has its entry, as far as one look can tell: only its absence is certain.
pub(crate) fn is_entered(root: &OwnedFd, key: &RecordKey, owner: &Owner) -> bool {
    let subject = name(&owner.subject.0);
    let path = format!("{SUBJECTS}/{}/{subject}/{}", &subject[..2], owner.entry(key).name());
    fs::statat(root, path, AtFlags::SYMLINK_NOFOLLOW).err() != Some(Errno::NOENT)
}

#[cfg(test)]
mod tests;
