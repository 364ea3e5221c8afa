//! Opening a store, and why that can fail.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::adoption;
use crate::directory;
use crate::store::FileStore;

/// Collects the options of a [`FileStore`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `open`"]
pub struct FileStoreBuilder {
    path: PathBuf,
    max_record: usize,
}

impl FileStoreBuilder {
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), max_record: 1024 * 1024 }
    }

    /// The largest payload in bytes that is written or read. Default 1 MiB, less than 4 GiB. Records from before it
    /// was lowered that are larger cannot be read any more.
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes.min(u32::MAX as usize);
        self
    }

    /// Opens the directory; makes it if it is absent, not its parents. Blocks for as long as the disk does.
    ///
    /// # Errors
    /// [`OpenError`], whose kind says what is wrong with the directory.
    pub fn open(self) -> Result<FileStore, OpenError> {
        let root = directory::open(&self.path)?;
        adoption::complete(&root)
            .map_err(|error| OpenError::new(OpenErrorKind::Unavailable, &self.path).because(error))?;
        Ok(FileStore::over(root, self.path, self.max_record))
    }
}

/// Why a directory cannot hold sessions.
#[derive(Debug)]
pub struct OpenError {
    kind: OpenErrorKind,
    path: PathBuf,
    source: Option<std::io::Error>,
}

/// What sort of failure an [`OpenError`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OpenErrorKind {
    /// It is no directory, or a symbolic link.
    NoDirectory,
    /// It belongs to another user.
    NotOwned,
    /// Others may enter, list or change it.
    NotPrivate,
    /// It cannot be made or entered.
    Unavailable,
}

impl OpenError {
    pub(crate) fn new(kind: OpenErrorKind, path: &Path) -> Self {
        Self { kind, path: path.to_owned(), source: None }
    }

    pub(crate) fn because(mut self, source: std::io::Error) -> Self {
        self.source = Some(source);
        self
    }

    /// What sort of failure this is.
    pub fn kind(&self) -> OpenErrorKind {
        self.kind
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match (self.kind, &self.source) {
            (OpenErrorKind::NoDirectory, _) => {
                write!(f, "{path} is no directory or a symbolic link: name the directory itself")
            }
            (OpenErrorKind::NotOwned, _) => {
                write!(
                    f,
                    "{path} belongs to another user: sessions need a directory of the process's own user"
                )
            }
            (OpenErrorKind::NotPrivate, _) => {
                write!(f, "{path} is open to other users: say `chmod 700`, or name a directory of its own")
            }
            (OpenErrorKind::Unavailable, Some(error)) => write!(f, "{path} cannot be used: {error}"),
            (OpenErrorKind::Unavailable, None) => write!(f, "{path} cannot be used"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}
