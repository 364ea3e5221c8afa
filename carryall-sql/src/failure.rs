//! What a database says, as a store says it.

use carryall::store::{StoreError, StoreErrorKind};
use sqlx::Error;

use crate::dialect::Dialect;

pub(crate) fn store_error<D: Dialect>(error: Error) -> StoreError {
    let kind = match &error {
        Error::Database(refusal) => D::kind(&**refusal),
        Error::PoolTimedOut => StoreErrorKind::TimedOut,
        Error::ColumnDecode { .. } | Error::Decode(_) | Error::ColumnIndexOutOfBounds { .. } => {
            StoreErrorKind::Corrupt
        }
        _ => StoreErrorKind::Unavailable,
    };
    StoreError::new(kind).because(error)
}
