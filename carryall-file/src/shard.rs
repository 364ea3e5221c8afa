//! One of 256 folders with records; locked by whoever changes one.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt as _;

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Record, StoreError};
use rustix::fs::{self, AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::directory::{CAREFUL, folder, is_own_file};
use crate::failure::{corrupt, while_doing};
use crate::layout::{HEAD, Head};

/// A record's folder, and the names it has in there.
pub(crate) struct Shard {
    folder: OwnedFd,
    key: RecordKey,
    name: String,
}

/// A record's file with its head.
pub(crate) struct Found {
    file: File,
    key: RecordKey,
    pub(crate) head: Head,
}

/// The name of a record: its key in hexadecimal.
pub(crate) fn name(key: &RecordKey) -> String {
    use std::fmt::Write as _;
    key.as_bytes().iter().fold(String::with_capacity(32), |mut name, byte| {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
        name
    })
}

impl Shard {
    /// The folder of this record, for reading.
    pub(crate) fn open(root: &OwnedFd, key: &RecordKey) -> Result<Self, StoreError> {
        let name = name(key);
        let folder = folder(root, &name[..2]).map_err(while_doing("opening the record's folder"))?;
        Ok(Self { folder, key: *key, name })
    }

    /// The folder of this record, for whoever may change it: no other process, no other store. Waits.
    pub(crate) fn locked(root: &OwnedFd, key: &RecordKey) -> Result<Self, StoreError> {
        let shard = Self::open(root, key)?;
        // Each opening has a lock of its own; it goes when the folder is closed, however the process ends.
        retry_on_intr(|| fs::flock(&shard.folder, FlockOperation::LockExclusive))
            .map_err(while_doing("locking the record's folder"))?;
        Ok(shard)
    }

    /// The record's file, or `None` if there is none.
    pub(crate) fn find(&self, access: OFlags) -> Result<Option<Found>, StoreError> {
        // Without waiting for a writer, should it be a pipe.
        let flags = access | CAREFUL | OFlags::NONBLOCK;
        let file = match fs::openat(&self.folder, &*self.name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(while_doing("opening a record")(error)),
        };
        let facts = fs::fstat(&file).map_err(while_doing("looking at a record"))?;
        if !is_own_file(&facts) {
            return Err(corrupt("it is no file, or belongs to another user"));
        }
        let mut bytes = Vec::with_capacity(HEAD);
        let read = (&file).take(HEAD as u64).read_to_end(&mut bytes);
        read.map_err(while_doing("reading a record"))?;
        let head = Head::read(&bytes, &self.key).ok_or_else(|| corrupt("its head is damaged"))?;
        if u64::try_from(facts.st_size).ok() != Some((HEAD + head.length) as u64) {
            return Err(corrupt("it is shorter or longer than it says"));
        }
        Ok(Some(Found { file, key: self.key, head }))
    }

    /// Puts a file with these bytes in the record's place, all of it or nothing, and waits for the disk.
    pub(crate) fn replace(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let new = self.name_of_new();
        let mut file = self.create(&new).map_err(while_doing("creating a record"))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        let placed = written.and_then(|()| Ok(fs::renameat(&self.folder, &new, &self.folder, &*self.name)?));
        if let Err(error) = placed {
            // What is left of it is overwritten with the next commit, or swept.
            let _ = self.unlink(&new);
            return Err(while_doing("writing a record")(error));
        }
        self.sync("putting a record in its place")
    }

    /// Removes the record, and what a crash left beside it. Waits for the disk if asked to.
    pub(crate) fn remove(&self, wait: bool) -> Result<(), StoreError> {
        for name in [&self.name, &self.name_of_new()] {
            self.unlink(name).map_err(while_doing("removing a record"))?;
        }
        if wait { self.sync("removing a record") } else { Ok(()) }
    }

    fn sync(&self, doing: &'static str) -> Result<(), StoreError> {
        fs::fsync(&self.folder).map_err(while_doing(doing))
    }

    fn name_of_new(&self) -> String {
        format!("{}.new", self.name)
    }

    /// A file that was not there before. A leftover goes: nobody else writes it while the folder is locked.
    fn create(&self, name: &str) -> Result<File, Errno> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | CAREFUL;
        let create = || fs::openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR).map(File::from);
        match create() {
            Err(Errno::EXIST) => {
                self.unlink(name)?;
                create()
            }
            made => made,
        }
    }

    fn unlink(&self, name: &str) -> Result<(), Errno> {
        match fs::unlinkat(self.folder.as_fd(), name, AtFlags::empty()) {
            Err(error) if error != Errno::NOENT => Err(error),
            _ => Ok(()),
        }
    }
}

impl Found {
    /// Whether the record is not over yet.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        now < self.head.header.expires
    }

    /// The whole record, if its payload has at most so many bytes.
    pub(crate) fn read(self, max_record: usize) -> Result<Record, StoreError> {
        if self.head.length > max_record {
            return Err(corrupt("it is larger than `max_record`"));
        }
        let mut bytes = Vec::with_capacity(self.head.length);
        // One more than there may be, so that a file that grows is noticed and not followed.
        let limit = self.head.length as u64 + 1;
        let read = (&self.file).take(limit).read_to_end(&mut bytes);
        read.map_err(while_doing("reading a record"))?;
        self.head.with(Bytes::from(bytes)).ok_or_else(|| corrupt("its payload is damaged"))
    }

    /// Writes these instants in place and waits for the disk.
    pub(crate) fn touch(&self, seen: Timestamp, expires: Timestamp) -> Result<(), StoreError> {
        let (at, bytes) = self.head.touched(&self.key, seen, expires);
        let written = self.file.write_all_at(&bytes, at).and_then(|()| self.file.sync_data());
        written.map_err(while_doing("touching a record"))
    }
}
