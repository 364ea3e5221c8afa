//! The store: a place in the queue, then the disk in a thread that may block.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    AnyStore, Commit, Draft, Durability, Record, Store, StoreError, StoreErrorKind, Sweep, Version,
};
use tokio::sync::Mutex;

use crate::directory::SHARDS;
use crate::disk::Disk;
use crate::failure::while_doing;
use crate::open::{FileStoreBuilder, OpenError};

/// Sessions in the files of one directory; cheap to clone. See the [crate's page](crate).
///
/// Needs a tokio runtime. Every verb runs in a thread of its pool for blocking work, at most one for each of 256
/// folders at a time when something is changed. A call whose future is dropped is carried out all the same once it
/// has its turn.
///
/// # Errors
/// - [`StoreErrorKind::TooLarge`]: the payload has more than `max_record` bytes.
/// - [`StoreErrorKind::Full`]: no space, no quota, or a limit on the size of files. The old record stays.
/// - [`StoreErrorKind::Corrupt`]: something that is no record has its name. `remove` removes it.
/// - [`StoreErrorKind::Unavailable`]: whatever else the file system says; the source has it.
#[derive(Clone)]
pub struct FileStore(Arc<Inner>);

struct Inner {
    path: PathBuf,
    disk: Disk,
    /// Waiting here costs no thread, as waiting for the lock on a folder does.
    turns: [Arc<Mutex<()>>; SHARDS as usize + 1],
}

impl FileStore {
    /// Opens a directory with the default limit of 1 MiB a record; see [`FileStoreBuilder::open`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::builder(path).open()
    }

    /// A store with other limits.
    pub fn builder(path: impl AsRef<Path>) -> FileStoreBuilder {
        FileStoreBuilder::new(path.as_ref())
    }

    pub(crate) fn over(root: OwnedFd, path: PathBuf, max_record: usize) -> Self {
        let turns = std::array::from_fn(|_| Arc::default());
        Self(Arc::new(Inner { path, disk: Disk::new(root, max_record), turns }))
    }

    /// Works on the disk without a turn.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await;
        done.unwrap_or_else(|error| Err(StoreError::new(StoreErrorKind::Unavailable).because(error)))
    }

    /// Works on the disk when it is this record's turn.
    async fn change<T: Send + 'static>(
        &self,
        key: &RecordKey,
        work: impl FnOnce(&Disk) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(self.0.turn(key)).lock_owned().await;
        self.read(move |inner| {
            let _turn = turn;
            work(&inner.disk)
        })
        .await
    }
}

impl Inner {
    fn turn(&self, key: &RecordKey) -> &Arc<Mutex<()>> {
        &self.turns[usize::from(key.as_bytes()[0])]
    }

    fn sweep(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let failed = while_doing("looking for deadlines");
        let (mut removed, mut broken) = (0, None);
        if limit == 0 {
            return Ok(0);
        }
        let (due, slots) = self.disk.due(now)?;
        for slot in slots {
            for key in due.marked(slot).map_err(&failed)? {
                let key = key.map_err(&failed)?;
                let _turn = self.turn(&key).blocking_lock();
                match self.disk.expire(&due, slot, &key, now) {
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
}

impl Store for FileStore {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let key = *key;
        self.read(move |inner| inner.disk.load(&key, now)).await
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        let name = *key;
        self.change(key, move |disk| disk.commit(&name, expected, &draft, now)).await
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let name = *key;
        self.change(key, move |disk| disk.touch(&name, seen, expires, now)).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let name = *key;
        self.change(key, move |disk| disk.remove(&name, now)).await
    }

    fn durability(&self) -> Durability {
        Durability::Durable
    }
}

impl Sweep for FileStore {
    async fn sweep_once(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.read(move |inner| inner.sweep(now, limit)).await
    }
}

impl From<FileStore> for AnyStore {
    fn from(store: FileStore) -> Self {
        Self::of(store).sweeps().into()
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("path", &self.0.path).finish_non_exhaustive()
    }
}
