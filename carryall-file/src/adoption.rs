//! Records from before there was an index: entered once, when their directory is opened.

use std::io::{Error, Result};
use std::os::fd::OwnedFd;

use carryall::id::RecordKey;
use carryall::store::StoreErrorKind;
use rustix::fs::{self, AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::directory::{CAREFUL, SHARDS, SUBJECTS, folder};
use crate::entry::Owner;
use crate::index::{Index, enter};
use crate::shard::Shard;

/// A file beside the indexes: that no record is missing in them.
const COMPLETE: &str = "complete";

/// Completes the indexes of a directory. A record that cannot be read keeps nobody from using the others, and is looked
/// at again when the directory is opened next.
pub(crate) fn complete(root: &OwnedFd) -> Result<()> {
    let subjects = folder(root, SUBJECTS)?;
    match fs::statat(&subjects, COMPLETE, AtFlags::SYMLINK_NOFOLLOW) {
        Err(Errno::NOENT) => {}
        known => return Ok(known.map(drop)?),
    }
    let (mut is_empty, mut unread) = (true, 0);
    for number in 0..=SHARDS {
        let shard = Shard::locked(root, &RecordKey::from_bytes([number; RecordKey::LEN]));
        let shard = shard.map_err(Error::other)?;
        for key in shard.keys()? {
            match shard.of(&key).find(OFlags::RDONLY) {
                Ok(found) => {
                    let header = found.map(|found| found.head.header);
                    let whose = header.and_then(|header| Some((Owner::of(&header)?, header.expires)));
                    let Some((owner, expires)) = whose else { continue };
                    is_empty = false;
                    if !Index::open(root, &owner.subject)?.has(&owner.entry(&key))? {
                        enter(root, &key, &owner, expires)?;
                    }
                }
                Err(error) if error.kind() == StoreErrorKind::Corrupt => {}
                Err(_) => unread += 1,
            }
        }
    }
    if !is_empty {
        // Entries that were there already too: whoever made them may have been killed before this.
        settle(root)?;
    }
    if unread == 0 {
        let flags = OFlags::WRONLY | OFlags::CREATE | CAREFUL;
        fs::openat(&subjects, COMPLETE, flags, Mode::RUSR | Mode::WUSR)?;
        fs::fsync(&subjects)?;
    }
    Ok(())
}

/// Waits for the disk at once instead of folder by folder, of which there may be as many as users.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn settle(root: &OwnedFd) -> Result<()> {
    Ok(fs::syncfs(root)?)
}

/// As above, on systems that only know how to write out all of their disks.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn settle(_: &OwnedFd) -> Result<()> {
    fs::sync();
    Ok(())
}
