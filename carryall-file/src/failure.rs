//! What the file system says, as a store says it.

use std::error::Error as _;
use std::fmt;

use carryall::store::{StoreError, StoreErrorKind};
use rustix::io::Errno;

/// What failed at what.
#[derive(Debug)]
struct Failed {
    doing: &'static str,
    source: std::io::Error,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.doing, self.source)
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}

/// Turns an error into a [`StoreError`] that says what was being done.
pub(crate) fn while_doing<E: Into<std::io::Error>>(doing: &'static str) -> impl Fn(E) -> StoreError {
    move |error| {
        let source = error.into();
        StoreError::new(kind(&source)).because(Failed { doing, source })
    }
}

/// A file that is there and is no record.
pub(crate) fn corrupt(why: &'static str) -> StoreError {
    StoreError::new(StoreErrorKind::Corrupt).because(why)
}

/// Whether this is the trouble of one file alone, not of all of them: no record, a bad sector, or closed to its owner.
pub(crate) fn is_unreadable(error: &StoreError) -> bool {
    let failed = error.source().and_then(|source| source.downcast_ref::<Failed>());
    let errno = failed.and_then(|failed| Errno::from_io_error(&failed.source));
    error.kind() == StoreErrorKind::Corrupt || matches!(errno, Some(Errno::IO | Errno::ACCESS | Errno::PERM))
}

fn kind(error: &std::io::Error) -> StoreErrorKind {
    match Errno::from_io_error(error) {
        // A file that may not grow is a disk that is full for this process.
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => StoreErrorKind::Full,
        // A symbolic link or a folder where a record belongs.
        Some(Errno::LOOP | Errno::ISDIR) => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    }
}
