//! What the file system says, as a store says it.

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

fn kind(error: &std::io::Error) -> StoreErrorKind {
    match Errno::from_io_error(error) {
        // A file that may not grow is a disk that is full for this process.
        Some(Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => StoreErrorKind::Full,
        // A symbolic link or a folder where a record belongs.
        Some(Errno::LOOP | Errno::ISDIR) => StoreErrorKind::Corrupt,
        _ => StoreErrorKind::Unavailable,
    }
}
