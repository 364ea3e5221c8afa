//! Which records may expire when: empty files by the record's name, in folders by the time.
//!
//! Of every record there is at least one mark at or before its deadline, and of every entry in the index one that names
//! both. Marks are made before either, and moved on by sweeping only, so that a touch costs nothing here. All of it
//! happens under the lock of the record's folder.

use std::os::fd::OwnedFd;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use rustix::fs::{self, AtFlags, Dir, Mode, OFlags};
use rustix::io::{Errno, Result};

use crate::directory::{CAREFUL, DUE, folder, make};
use crate::entry::Owner;
use crate::name::{name, parse};

/// A slot holds what expires within the same 2^18 milliseconds, a little over four minutes.
const SLOT_BITS: u32 = 18;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot(u64);

impl Slot {
    pub(crate) fn of(instant: Timestamp) -> Self {
        Self(instant.as_millis() >> SLOT_BITS)
    }

    fn name(self) -> String {
        format!("{:012x}", self.0)
    }

    fn parse(name: &str) -> Option<Self> {
        u64::from_str_radix(name, 16).ok().map(Self).filter(|slot| slot.name() == name)
    }
}

/// That a record is to be looked at, and the entry of this owner with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) key: RecordKey,
    pub(crate) owner: Option<Owner>,
}

impl Mark {
    fn name(&self) -> String {
        let key = name(self.key.as_bytes());
        match self.owner {
            None => key,
            Some(owner) => format!("{key}-{}", owner.name()),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (key, owner) = match text.split_once('-') {
            None => (text, None),
            Some((key, owner)) => (key, Some(Owner::parse(owner)?)),
        };
        Some(Self { key: RecordKey::from_bytes(parse(key)?), owner })
    }
}

#[derive(Debug)]
pub(crate) struct Due(OwnedFd);

impl Due {
    pub(crate) fn open(root: &OwnedFd) -> Result<Self> {
        folder(root, DUE).map(Self)
    }

    /// Notes that the record may expire in this slot. Once the folder in the answer is synced, the disk has it.
    pub(crate) fn mark(&self, mark: &Mark, slot: Slot) -> Result<OwnedFd> {
        let flags = OFlags::WRONLY | OFlags::CREATE | CAREFUL;
        loop {
            let folder = self.slot(slot)?;
            match fs::openat(&folder, mark.name(), flags, Mode::RUSR | Mode::WUSR) {
                Ok(_) => return Ok(folder),
                // Somebody has swept the slot and removed it since it was opened.
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The slots that have begun, the earliest first.
    pub(crate) fn begun(&self, now: Timestamp) -> Result<Vec<Slot>> {
        let mut slots = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let slot = entry?.file_name().to_str().ok().and_then(Slot::parse);
            slots.extend(slot.filter(|slot| *slot <= Slot::of(now)));
        }
        slots.sort_unstable();
        Ok(slots)
    }

    /// The marks of a slot, as they are found.
    pub(crate) fn marked(&self, slot: Slot) -> Result<impl Iterator<Item = Result<Mark>>> {
        let marks = match folder(&self.0, slot.name()) {
            Ok(folder) => Some(Dir::new(folder)?),
            Err(Errno::NOENT) => None,
            Err(error) => return Err(error),
        };
        Ok(marks.into_iter().flatten().filter_map(|mark| {
            let read = |mark: fs::DirEntry| mark.file_name().to_str().ok().and_then(Mark::parse);
            mark.map(read).transpose()
        }))
    }

    /// Puts another mark in the place of one.
    pub(crate) fn postpone(&self, from: (&Mark, Slot), to: (&Mark, Slot)) -> Result<()> {
        let ((old, from), (new, to)) = (from, to);
        loop {
            let before = match folder(&self.0, from.name()) {
                // Somebody else has moved all that was marked there.
                Err(Errno::NOENT) => return Ok(()),
                opened => opened?,
            };
            let after = self.slot(to)?;
            match fs::renameat(&before, old.name(), &after, new.name()) {
                // As above, unless the mark itself is gone.
                Err(Errno::NOENT) if fs::statat(&before, old.name(), AtFlags::SYMLINK_NOFOLLOW).is_ok() => {}
                Err(error) if error != Errno::NOENT => return Err(error),
                _ => return Ok(()),
            }
        }
    }

    /// Removes a mark.
    pub(crate) fn unmark(&self, mark: &Mark, slot: Slot) -> Result<()> {
        match fs::unlinkat(&self.0, format!("{}/{}", slot.name(), mark.name()), AtFlags::empty()) {
            Err(error) if error != Errno::NOENT => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes a slot if nothing is marked in it.
    pub(crate) fn clear(&self, slot: Slot) -> Result<()> {
        match fs::unlinkat(&self.0, slot.name(), AtFlags::REMOVEDIR) {
            Err(error) if !matches!(error, Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => Err(error),
            _ => Ok(()),
        }
    }

    /// The folder of a slot, made if it is absent.
    fn slot(&self, slot: Slot) -> Result<OwnedFd> {
        loop {
            match folder(&self.0, slot.name()) {
                Err(Errno::NOENT) => {
                    make(&self.0, slot.name())?;
                    fs::fsync(&self.0)?;
                }
                opened => return opened,
            }
        }
    }
}
