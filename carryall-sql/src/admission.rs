//! One more record for a subject, within its cap: one transaction, and no other admission of the subject meanwhile.

use std::time::Duration;

use carryall::id::RecordKey;
use carryall::store::{Cap, Record, WhenFull};
use sqlx::Error;

use crate::dialect::{Connection, Dialect};
use crate::row::Columns;

/// A record on its way in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entrant<'a> {
    pub(crate) id: &'a [u8],
    /// The version it should have, if it should be there already.
    pub(crate) version: Option<i64>,
    pub(crate) columns: &'a Columns,
    pub(crate) subject: &'a [u8],
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// Written, and these are gone.
    Done(Vec<(RecordKey, Record)>),
    /// The row is not as expected.
    Unexpected,
    Full,
    /// Others were let in before it for too long.
    Busy,
}

pub(crate) async fn admit<D: Dialect>(
    connection: &mut Connection<D>,
    entrant: Entrant<'_>,
    cap: Cap,
    now: i64,
    patience: Duration,
) -> Result<Admitted, Error> {
    let result = match D::begin_admission(connection, entrant.subject, patience).await {
        Ok(true) => write::<D>(connection, entrant, cap, now).await,
        Ok(false) => return Ok(Admitted::Busy),
        Err(error) => Err(error),
    };
    match result {
        Ok(Admitted::Done(ended)) => {
            let kept = D::end_admission(connection, entrant.subject, true).await;
            if let Err(Error::Database(_)) = kept {
                undo::<D>(connection, entrant.subject).await?;
            }
            kept.map(|()| Admitted::Done(ended))
        }
        // Any other failure broke the connection, which ends the transaction by itself.
        Ok(_) | Err(Error::Database(_) | Error::ColumnDecode { .. } | Error::Decode(_)) => {
            undo::<D>(connection, entrant.subject).await?;
            result
        }
        Err(error) => Err(error),
    }
}

/// Ends the transaction, so that the connection can be used again. One that failed may be over already.
async fn undo<D: Dialect>(connection: &mut Connection<D>, subject: &[u8]) -> Result<(), Error> {
    match D::end_admission(connection, subject, false).await {
        Err(Error::Database(_)) => Ok(()),
        result => result,
    }
}

async fn write<D: Dialect>(
    connection: &mut Connection<D>,
    Entrant { id, version, columns, subject }: Entrant<'_>,
    cap: Cap,
    now: i64,
) -> Result<Admitted, Error> {
    let is_written = match version {
        None => D::create(connection, id, columns, now).await?,
        Some(version) => D::replace(connection, id, version, columns, now).await?,
    };
    if !is_written {
        return Ok(Admitted::Unexpected);
    }
    let others = D::others(connection, subject, id, now).await?;
    let surplus = (others.len() + 1).saturating_sub(cap.most.get());
    if surplus > 0 && cap.when_full == WhenFull::Refuse {
        return Ok(Admitted::Full);
    }
    let mut ended = Vec::with_capacity(surplus);
    for key in &others[..surplus] {
        // One that went by itself meanwhile has left its place.
        ended.extend(D::oust(connection, key.as_bytes(), subject, now).await?.map(|record| (*key, record)));
    }
    Ok(Admitted::Done(ended))
}
