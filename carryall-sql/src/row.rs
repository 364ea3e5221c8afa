//! Records as rows, and back.

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Draft, Header, Record, SubjectHash, Version};
use sqlx::{ColumnIndex, Decode, Error, Row, Type};

/// A draft as the columns that it is written to, version and id aside.
#[derive(Debug)]
pub struct Columns {
    pub(crate) created: i64,
    pub(crate) seen: i64,
    pub(crate) expires: i64,
    pub(crate) latest: i64,
    pub(crate) subject: Option<Vec<u8>>,
    pub(crate) payload: Vec<u8>,
}

impl Columns {
    pub(crate) fn of(draft: &Draft) -> Self {
        let Header { created, seen, expires, latest, subject } = draft.header;
        Self {
            created: millis(created),
            seen: millis(seen),
            expires: millis(expires),
            latest: millis(latest),
            subject: subject.map(|hash| hash.0.to_vec()),
            payload: draft.payload.to_vec(),
        }
    }
}

/// An instant as databases keep it; far in the year 292 million it is the last one they have.
pub(crate) fn millis(instant: Timestamp) -> i64 {
    i64::try_from(instant.as_millis()).unwrap_or(i64::MAX)
}

/// A version as databases keep it. One that no record can have gets a negative number, which no row has.
pub(crate) fn number(version: Version) -> i64 {
    version.0.cast_signed()
}

/// A record from `version, created, seen, expires, latest, subject, payload`.
pub(crate) fn record<R>(row: &R) -> Result<Record, Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
{
    let number = |column: usize| -> Result<u64, Error> {
        u64::try_from(row.try_get::<i64, _>(column)?).map_err(|error| damaged(column, error))
    };
    let instant = |column| number(column).map(Timestamp::from_millis);
    let subject = match row.try_get::<Option<Vec<u8>>, _>(5)? {
        None => None,
        Some(hash) => Some(SubjectHash(
            hash.try_into().map_err(|hash: Vec<u8>| damaged(5, format!("{} bytes", hash.len())))?,
        )),
    };
    let header = Header {
        created: instant(1)?,
        seen: instant(2)?,
        expires: instant(3)?,
        latest: instant(4)?,
        subject,
    };
    Ok(Record { version: Version(number(0)?), header, payload: Bytes::from(row.try_get::<Vec<u8>, _>(6)?) })
}

/// A record from the same columns, and its key from `id` after them.
pub(crate) fn keyed<R>(row: &R) -> Result<(RecordKey, Record), Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> i64: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
{
    Ok((key(row, 7)?, record(row)?))
}

/// A key from this column.
pub(crate) fn key<R>(row: &R, column: usize) -> Result<RecordKey, Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'r> Vec<u8>: Decode<'r, R::Database> + Type<R::Database>,
{
    let id: Vec<u8> = row.try_get(column)?;
    let length = id.len();
    let id = id.try_into().map_err(|_| damaged(column, format!("{length} bytes")))?;
    Ok(RecordKey::from_bytes(id))
}

fn damaged(column: usize, why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::ColumnDecode { index: column.to_string(), source: why.into() }
}
