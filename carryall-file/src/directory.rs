//! The private directory: who owns it, who may enter, what is in it.

use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{self, CWD, FileType, Mode, OFlags};
use rustix::io::{Errno, Result};

use crate::open::{OpenError, OpenErrorKind};

pub(crate) const PRIVATE: Mode = Mode::RWXU;
pub(crate) const SHARDS: u8 = u8::MAX;
pub(crate) const DUE: &str = "due";
pub(crate) const SUBJECTS: &str = "subjects";

/// The flags that every file and folder is opened with: nothing is followed, nothing is inherited.
pub(crate) const CAREFUL: OFlags = OFlags::NOFOLLOW.union(OFlags::CLOEXEC);
const FOLDER: OFlags = CAREFUL.union(OFlags::RDONLY).union(OFlags::DIRECTORY);

/// Opens the directory, made if it is absent, with all its folders.
pub(crate) fn open(path: &Path) -> std::result::Result<OwnedFd, OpenError> {
    let because = |kind: OpenErrorKind| move |error: Errno| OpenError::new(kind, path).because(error.into());
    make(CWD, path).map_err(because(OpenErrorKind::Unavailable))?;
    let root = fs::openat(CWD, path, FOLDER, Mode::empty()).map_err(|error| {
        let is_other = matches!(error, Errno::LOOP | Errno::NOTDIR);
        because(if is_other { OpenErrorKind::NoDirectory } else { OpenErrorKind::Unavailable })(error)
    })?;
    let facts = fs::fstat(&root).map_err(because(OpenErrorKind::Unavailable))?;
    if facts.st_uid != rustix::process::geteuid().as_raw() {
        return Err(OpenError::new(OpenErrorKind::NotOwned, path));
    }
    if !(Mode::from_raw_mode(facts.st_mode) & (Mode::RWXG | Mode::RWXO)).is_empty() {
        return Err(OpenError::new(OpenErrorKind::NotPrivate, path));
    }
    fill(&root).map_err(because(OpenErrorKind::Unavailable))?;
    Ok(root)
}

/// Makes the folders that are not there yet and waits until the disk has them.
fn fill(root: &OwnedFd) -> Result<()> {
    make(root, DUE)?;
    make(root, SUBJECTS)?;
    let subjects = folder(root, SUBJECTS)?;
    for at in [root, &subjects] {
        for shard in 0..=SHARDS {
            make(at, format!("{shard:02x}"))?;
        }
        fs::fsync(at)?;
    }
    Ok(())
}

/// Makes a folder unless there is something of this name.
pub(crate) fn make(at: impl AsFd, name: impl rustix::path::Arg) -> Result<()> {
    match fs::mkdirat(at, name, PRIVATE) {
        Err(error) if error != Errno::EXIST => Err(error),
        _ => Ok(()),
    }
}

/// Opens a folder that is there.
pub(crate) fn folder(at: impl AsFd, name: impl rustix::path::Arg) -> Result<OwnedFd> {
    fs::openat(at, name, FOLDER, Mode::empty())
}

/// Whether this is an ordinary file of the process's user.
pub(crate) fn is_own_file(facts: &fs::Stat) -> bool {
    FileType::from_raw_mode(facts.st_mode) == FileType::RegularFile
        && facts.st_uid == rustix::process::geteuid().as_raw()
}
