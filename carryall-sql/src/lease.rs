//! A connection for one call, and what is known about the others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{Connection as _, Database, Error, Pool};
use tokio::time::Instant;

use crate::options::SqlOptions;

/// After so long without work a connection is tried before it is used.
const RESTED: Duration = Duration::from_secs(1);

/// A pool that replaces all its connections once one of them broke: the others are most likely broken too.
#[derive(Debug)]
pub(crate) struct Connections<DB: Database> {
    pool: Pool<DB>,
    broke: Broke,
}

/// When a connection last broke.
#[derive(Clone, Debug, Default)]
struct Broke(Arc<Mutex<Option<Instant>>>);

impl Broke {
    fn note(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// Whether something broke since a connection of this age was opened.
    fn is_since(&self, age: Duration) -> bool {
        let broke = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        broke.is_some_and(|broke| broke.elapsed() <= age)
    }
}

impl<DB: Database> Clone for Connections<DB> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), broke: self.broke.clone() }
    }
}

impl<DB: Database> Connections<DB> {
    /// Opens the first one, after a trial outside of the pool: a pool tries again until it runs out of time, and
    /// then it does not say why.
    pub(crate) async fn open(
        options: &SqlOptions,
        most: u32,
        server: <DB::Connection as sqlx::Connection>::Options,
        prepare: impl FnOnce(PoolOptions<DB>) -> PoolOptions<DB>,
    ) -> Result<Self, Error> {
        let trial = tokio::time::timeout(options.patience, DB::Connection::connect_with(&server)).await;
        let late = || Error::Io(std::io::ErrorKind::TimedOut.into());
        trial.unwrap_or_else(|_| Err(late()))?.close().await?;
        let broke = Broke::default();
        let known = broke.clone();
        let pool = PoolOptions::new()
            .max_connections(most)
            .acquire_timeout(options.patience)
            .test_before_acquire(false)
            .before_acquire(move |connection: &mut DB::Connection, facts| {
                let is_suspect = known.is_since(facts.age);
                Box::pin(async move {
                    if !is_suspect && facts.idle_for >= RESTED {
                        connection.ping().await?;
                    }
                    Ok(!is_suspect)
                })
            });
        Ok(Self { pool: prepare(pool).connect_with(server).await?, broke })
    }

    pub(crate) async fn lease(&self) -> Result<Lease<DB>, Error> {
        let connection = self.pool.acquire().await?;
        Ok(Lease { connection, broke: self.broke.clone(), is_answered: false })
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) fn size(&self) -> u32 {
        self.pool.size()
    }
}

/// A connection for one call. It goes back to the pool if the call came to an answer; else it is closed, because
/// nobody knows what is still on its way through it.
pub(crate) struct Lease<DB: Database> {
    connection: PoolConnection<DB>,
    broke: Broke,
    is_answered: bool,
}

impl<DB: Database> Lease<DB> {
    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }

    /// Notes how the call ended: a refusal by the database is an answer too, and so is a row that cannot be read.
    pub(crate) fn end<T>(mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.is_answered = matches!(
            result,
            Ok(_)
                | Err(Error::Database(_)
                    | Error::ColumnDecode { .. }
                    | Error::Decode(_)
                    | Error::ColumnIndexOutOfBounds { .. })
        );
        if !self.is_answered {
            self.broke.note();
        }
        result
    }
}

impl<DB: Database> Drop for Lease<DB> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.connection.close_on_drop();
        }
    }
}
