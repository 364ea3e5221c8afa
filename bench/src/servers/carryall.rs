//! Carryall over its stores.

use std::path::Path;

use axum::Router;
use carryall::store::AnyStore;
use carryall_file::FileStore;
use carryall_redis::RedisStore;
use carryall_sql::{PostgresStore, SqliteStore};

use crate::contestants::carryall::{app, stored};

pub(super) async fn redis(url: &str) -> Router {
    over(RedisStore::connect(url).await.expect("a connection"))
}

pub(super) async fn postgres(url: &str) -> Router {
    let store = PostgresStore::connect(url).await.expect("a connection");
    store.migrate().await.expect("a table");
    over(store)
}

pub(super) async fn sqlite(url: &str) -> Router {
    let store = SqliteStore::connect(url).await.expect("a file");
    store.migrate().await.expect("a table");
    over(store)
}

pub(super) fn files(directory: &Path) -> Router {
    over(FileStore::open(directory).expect("a directory"))
}

fn over(store: impl Into<AnyStore>) -> Router {
    app(&stored(store))
}
