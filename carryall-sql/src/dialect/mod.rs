//! What differs between databases: one file each, statements and what they rely on.

#[cfg(feature = "mysql")]
pub(crate) mod mysql;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

use std::fmt::Debug;
use std::time::Duration;

use carryall::id::RecordKey;
use carryall::store::{Record, StoreErrorKind};
use sqlx::error::DatabaseError;
use sqlx::{Database, Error};

use crate::connect::ConnectError;
use crate::lease::Connections;
use crate::options::SqlOptions;
use crate::row::Columns;

/// A connection to the database of a dialect.
pub(crate) type Connection<D> = <<D as Dialect>::Db as Database>::Connection;

/// Connections to read with and to write with; the same ones where it makes no difference.
#[derive(Debug)]
pub struct Pools<DB: Database> {
    pub(crate) read: Connections<DB>,
    pub(crate) write: Connections<DB>,
}

/// How one database is spoken to. Not to be implemented elsewhere: the types it speaks of are private.
///
/// Every verb is one transaction, but for those of an admission. Each answers whether it found a live row to work on, and changes nothing else.
pub trait Dialect: Debug + Send + Sync + Sized + 'static {
    #[doc(hidden)]
    type Db: Database;

    #[doc(hidden)]
    const SCHEMA: &'static str;

    #[doc(hidden)]
    fn connect(
        url: &str,
        options: &SqlOptions,
    ) -> impl Future<Output = Result<Pools<Self::Db>, ConnectError>> + Send;

    #[doc(hidden)]
    fn migrate(connection: &mut Connection<Self>) -> impl Future<Output = Result<(), Error>> + Send;

    #[doc(hidden)]
    fn load(
        connection: &mut Connection<Self>,
        id: &[u8],
        now: i64,
    ) -> impl Future<Output = Result<Option<Record>, Error>> + Send;

    /// Whether there was no live row; then there is this one now.
    #[doc(hidden)]
    fn create(
        connection: &mut Connection<Self>,
        id: &[u8],
        columns: &Columns,
        now: i64,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    #[doc(hidden)]
    fn replace(
        connection: &mut Connection<Self>,
        id: &[u8],
        version: i64,
        columns: &Columns,
        now: i64,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    #[doc(hidden)]
    fn touch(
        connection: &mut Connection<Self>,
        id: &[u8],
        seen: i64,
        expires: i64,
        now: i64,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    #[doc(hidden)]
    fn remove(
        connection: &mut Connection<Self>,
        id: &[u8],
        now: i64,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// How many expired rows are gone, at most `limit`.
    #[doc(hidden)]
    fn sweep(
        connection: &mut Connection<Self>,
        now: i64,
        limit: i64,
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// The live rows of a subject, by age.
    #[doc(hidden)]
    fn list(
        connection: &mut Connection<Self>,
        subject: &[u8],
        limit: i64,
        now: i64,
    ) -> impl Future<Output = Result<Vec<(RecordKey, Record)>, Error>> + Send;

    #[doc(hidden)]
    fn count(
        connection: &mut Connection<Self>,
        subject: &[u8],
        now: i64,
    ) -> impl Future<Output = Result<i64, Error>> + Send;

    /// Begins a transaction in which nobody else admits a row of this subject; answers whether it was its turn in time.
    #[doc(hidden)]
    fn begin_admission(
        connection: &mut Connection<Self>,
        subject: &[u8],
        patience: Duration,
    ) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Ends it, with all that was written in it or nothing.
    #[doc(hidden)]
    fn end_admission(
        connection: &mut Connection<Self>,
        subject: &[u8],
        keep: bool,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// In it: the live rows of the subject but this one, by age.
    #[doc(hidden)]
    fn others(
        connection: &mut Connection<Self>,
        subject: &[u8],
        id: &[u8],
        now: i64,
    ) -> impl Future<Output = Result<Vec<RecordKey>, Error>> + Send;

    /// In it: removes a live row of the subject, and answers what it was in the end.
    #[doc(hidden)]
    fn oust(
        connection: &mut Connection<Self>,
        id: &[u8],
        subject: &[u8],
        now: i64,
    ) -> impl Future<Output = Result<Option<Record>, Error>> + Send;

    /// What a refusal means.
    #[doc(hidden)]
    fn kind(refusal: &dyn DatabaseError) -> StoreErrorKind;

    /// Whether the transaction was sacrificed to another one, and may be tried again.
    #[doc(hidden)]
    fn is_sacrificed(refusal: &dyn DatabaseError) -> bool;
}
