//! Looking at records whose time may have come.

use carryall::clock::Timestamp;
use carryall::store::{Header, StoreError, StoreErrorKind};
use rustix::fs::{self, OFlags};
use rustix::io::Result as Answer;

use crate::disk::Disk;
use crate::due::{Due, Mark, Slot};
use crate::entry::Owner;
use crate::failure::while_doing;
use crate::index::{Index, enter};
use crate::shard::Shard;

const DOING: &str = "looking for deadlines";

impl Disk {
    /// Removes records that are over, at most so many; answers how many there were.
    pub(crate) fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let failed = while_doing(DOING);
        let (mut removed, mut broken) = (0, None);
        if limit == 0 {
            return Ok(0);
        }
        let due = Due::open(&self.root).map_err(while_doing(DOING))?;
        for slot in due.begun(now).map_err(while_doing(DOING))? {
            for mark in due.marked(slot).map_err(&failed)? {
                match self.expire(&due, slot, &mark.map_err(&failed)?, now) {
                    Ok(is_removed) => removed += usize::from(is_removed),
                    // One that cannot be looked at must not keep those behind it.
                    Err(error) => broken = broken.or(Some(error)),
                }
                if removed == limit {
                    return Ok(removed);
                }
            }
            if broken.is_none() {
                due.clear(slot).map_err(&failed)?;
            }
        }
        match broken {
            Some(error) if removed == 0 => Err(error),
            _ => Ok(removed),
        }
    }

    /// Looks at what is marked in this slot; answers whether it was a record that was over and is removed.
    fn expire(&self, due: &Due, slot: Slot, mark: &Mark, now: Timestamp) -> Result<bool, StoreError> {
        // Without a turn: who has one may still wait for a thread, such as this one.
        let shard = Shard::locked(&self.root, &mark.key)?;
        let failed = while_doing("noting a deadline");
        let header = match shard.find(OFlags::RDONLY) {
            Ok(found) => found.map(|found| found.head.header),
            // Left to whoever looks after the machine: it says nothing of its deadline.
            Err(error) if error.kind() == StoreErrorKind::Corrupt => {
                return due.unmark(mark, slot).map_err(failed).map(|()| false);
            }
            Err(error) => return Err(error),
        };
        if let Some(header) = header.filter(|header| now < header.expires) {
            return self.keep(due, slot, mark, &header).map_err(failed).map(|()| false);
        }
        shard.remove()?;
        let owner = header.as_ref().and_then(Owner::of);
        for owner in [owner, mark.owner.filter(|_| mark.owner != owner)].into_iter().flatten() {
            let index = Index::open(&self.root, &owner.subject);
            let tidied = index.and_then(|index| index.forget(&owner.entry(&mark.key)));
            tidied.map_err(while_doing("tidying an index"))?;
        }
        // The mark goes last: it is what leads here again.
        due.unmark(mark, slot).map_err(failed).map(|()| header.is_some())
    }

    /// Moves the mark of a live record to its deadline, unless the record has one that says more.
    fn keep(&self, due: &Due, slot: Slot, mark: &Mark, header: &Header) -> Answer<()> {
        let current = Mark { owner: Owner::of(header), ..*mark };
        let later = Slot::of(header.expires).max(slot);
        if *mark == current {
            return if later == slot { Ok(()) } else { due.postpone((mark, slot), (mark, later)) };
        }
        if let Some(left) = mark.owner {
            Index::open(&self.root, &left.subject)?.forget(&left.entry(&mark.key))?;
        }
        let Some(owner) = current.owner else { return due.postpone((mark, slot), (&current, later)) };
        if !Index::open(&self.root, &owner.subject)?.has(&owner.entry(&mark.key))? {
            // A version without an index has written it.
            for folder in enter(&self.root, &mark.key, &owner, header.expires)? {
                fs::fsync(folder)?;
            }
        }
        // Whose entry there is has a mark that says so.
        due.unmark(mark, slot)
    }
}

#[cfg(test)]
mod tests;
