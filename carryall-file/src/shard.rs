//! One of 256 folders with records; locked by whoever changes one.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::rc::Rc;

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Record, StoreError};
use rustix::fs::{self, AtFlags, Dir, FlockOperation, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

use crate::directory::{CAREFUL, folder, is_own_file};
use crate::failure::{corrupt, is_unreadable, while_doing};
use crate::layout::{HEAD, Head};
use crate::name::{name, parse};

/// A record's folder, and the names it has in there.
pub(crate) struct Shard {
    folder: Rc<OwnedFd>,
    pub(crate) key: RecordKey,
    name: String,
}

/// A record's file with its head.
pub(crate) struct Found {
    file: File,
    key: RecordKey,
    pub(crate) head: Head,
}

impl Shard {
    /// The folder of this record, for reading.
    pub(crate) fn open(root: &OwnedFd, key: &RecordKey) -> Result<Self, StoreError> {
        let name = name(key.as_bytes());
        let folder = folder(root, &name[..2]).map_err(while_doing("opening the record's folder"))?;
        Ok(Self { folder: Rc::new(folder), key: *key, name })
    }

    /// The folder of this record, for whoever may change it: no other process, no other store. Waits.
    pub(crate) fn locked(root: &OwnedFd, key: &RecordKey) -> Result<Self, StoreError> {
        let shard = Self::open(root, key)?;
        // Each opening has a lock of its own; it goes when the folder is closed, however the process ends.
        retry_on_intr(|| fs::flock(&shard.folder, FlockOperation::LockExclusive))
            .map_err(while_doing("locking the record's folder"))?;
        Ok(shard)
    }

    /// Another record of the same folder, under the same lock.
    pub(crate) fn of(&self, key: &RecordKey) -> Self {
        Self { folder: Rc::clone(&self.folder), key: *key, name: name(key.as_bytes()) }
    }

    /// The records of the folder, damaged ones among them.
    pub(crate) fn keys(&self) -> Result<Vec<RecordKey>, Errno> {
        let key = |entry: fs::DirEntry| entry.file_name().to_str().ok().and_then(parse);
        let is_here = |bytes: &[u8; 16]| bytes[0] == self.key.as_bytes()[0];
        let keys = Dir::read_from(&self.folder)?.filter_map(|entry| entry.map(key).transpose());
        keys.filter(|key| key.as_ref().map_or(true, is_here))
            .map(|key| key.map(RecordKey::from_bytes))
            .collect()
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

    /// Writes a file with these bytes beside the record, all of it or nothing, and waits for the disk.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), StoreError> {
        let mut file = self.create(&self.name_of_new()).map_err(while_doing("creating a record"))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all());
        written.map_err(while_doing("writing a record")).inspect_err(|_| self.discard())
    }

    /// Puts what was written in the record's place, or nothing. Does not wait.
    pub(crate) fn place(&self) -> Result<(), StoreError> {
        self.rename(&self.name_of_new(), &self.name).map_err(while_doing("putting a record in its place"))
    }

    /// Renames what was written to and fro: what keeps a name from the folder, such as want of room, does so now.
    pub(crate) fn rehearse(&self) -> Result<(), StoreError> {
        let (new, other) = (self.name_of_new(), self.name_of_rehearsal());
        let renamed = self.rename(&new, &other).and_then(|()| self.rename(&other, &new));
        renamed.map_err(while_doing("making room for a record")).inspect_err(|_| _ = self.unlink(&other))
    }

    /// Takes the record away, as yet to be had back. Does not wait.
    pub(crate) fn set_aside(&self) -> Result<(), StoreError> {
        self.rename(&self.name, &self.name_of_new()).map_err(while_doing("setting a record aside"))
    }

    /// Removes what is beside the record. What is left of it is overwritten with the next commit, or swept.
    pub(crate) fn discard(&self) {
        let _ = self.unlink(&self.name_of_new());
    }

    /// Removes the record, and what a crash left beside it. Does not wait.
    pub(crate) fn remove(&self) -> Result<(), StoreError> {
        for name in [&self.name, &self.name_of_new(), &self.name_of_rehearsal()] {
            self.unlink(name).map_err(while_doing("removing a record"))?;
        }
        Ok(())
    }

    /// Waits until the disk knows which records there are in the folder.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        fs::fsync(&self.folder).map_err(while_doing("waiting for the record's folder"))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Errno> {
        fs::renameat(&self.folder, from, &self.folder, to)
    }

    fn name_of_new(&self) -> String {
        format!("{}.new", self.name)
    }

    fn name_of_rehearsal(&self) -> String {
        format!("{}.next", self.name)
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

    /// The whole record; with an empty payload if that cannot be read or is too large, so that it can be removed.
    pub(crate) fn read_or_empty(self, max_record: usize) -> Result<Record, StoreError> {
        let empty = Record { version: self.head.version, header: self.head.header, payload: Bytes::new() };
        match self.read(max_record) {
            Err(error) if is_unreadable(&error) => Ok(empty),
            read => read,
        }
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
