//! The store: a place in the queue, then the disk in a thread that may block.

use std::fmt;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{
    AnyStore, Commit, Draft, Durability, Record, Store, StoreError, StoreErrorKind, SubjectHash, Sweep,
    Version,
};
use tokio::sync::Mutex;

use crate::directory::SHARDS;
use crate::disk::Disk;
use crate::open::{FileStoreBuilder, OpenError};

/// Sessions in the files of one directory; cheap to clone. See the [crate's page](crate).
///
/// Needs a tokio runtime. Every verb runs in a thread of its pool for blocking work, at most one for each of 256
/// folders at a time when something is changed or a user's sessions are looked for. A call whose future is dropped is carried out all the same once it
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
    turns: Turns,
    /// Of those who list and admit.
    subject_turns: Turns,
}

type Turn = Arc<Mutex<()>>;
type Turns = [Turn; SHARDS as usize + 1];

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
        let [turns, subject_turns] = [(); 2].map(|()| std::array::from_fn(|_| Arc::default()));
        Self(Arc::new(Inner { path, disk: Disk::new(root, max_record), turns, subject_turns }))
    }

    /// Works on the disk without a turn.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner.disk)).await;
        done.unwrap_or_else(|error| Err(StoreError::new(StoreErrorKind::Unavailable).because(error)))
    }

    /// Works on the disk when it is one's turn.
    pub(crate) async fn in_turn<T: Send + 'static>(
        &self,
        turn: &Turn,
        work: impl FnOnce(&Disk) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = Arc::clone(turn).lock_owned().await;
        self.read(move |disk| {
            let _turn = turn;
            work(disk)
        })
        .await
    }

    fn turn(&self, key: &RecordKey) -> &Turn {
        &self.0.turns[usize::from(key.as_bytes()[0])]
    }

    pub(crate) fn subject_turn(&self, subject: &SubjectHash) -> &Turn {
        &self.0.subject_turns[usize::from(subject.0[0])]
    }
}

impl Store for FileStore {
    async fn load(&self, key: &RecordKey, now: Timestamp) -> Result<Option<Record>, StoreError> {
        let key = *key;
        self.read(move |disk| disk.load(&key, now)).await
    }

    async fn commit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        let name = *key;
        self.in_turn(self.turn(key), move |disk| disk.commit(&name, expected, &draft, now)).await
    }

    async fn touch(
        &self,
        key: &RecordKey,
        seen: Timestamp,
        expires: Timestamp,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let name = *key;
        self.in_turn(self.turn(key), move |disk| disk.touch(&name, seen, expires, now)).await
    }

    async fn remove(&self, key: &RecordKey, now: Timestamp) -> Result<bool, StoreError> {
        let name = *key;
        self.in_turn(self.turn(key), move |disk| disk.remove(&name, now)).await
    }

    fn durability(&self) -> Durability {
        Durability::Durable
    }
}

impl Sweep for FileStore {
    async fn sweep_once(&self, now: Timestamp, limit: usize) -> Result<usize, StoreError> {
        self.read(move |disk| disk.sweep(now, limit)).await
    }
}

impl From<FileStore> for AnyStore {
    fn from(store: FileStore) -> Self {
        Self::of(store).sweeps().lists_subjects().into()
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("path", &self.0.path).finish_non_exhaustive()
    }
}
