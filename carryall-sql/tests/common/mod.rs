//! What the tests of every database do.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "shared by test programs that each use a part")]

use std::sync::atomic::{AtomicUsize, Ordering};

use carryall::store::AnyStore;
use carryall_sql::{Dialect, SqlOptions, SqlStore};

/// A name that no database has yet.
pub fn fresh_name() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    format!("sessions_{}", NUMBER.fetch_add(1, Ordering::SeqCst))
}

/// A store with a table.
pub async fn store<D: Dialect>(url: &str) -> SqlStore<D> {
    let options = SqlOptions::default().max_connections(5);
    let store = SqlStore::connect_with(url, &options).await.expect("a connection");
    store.migrate().await.expect("a table");
    store
}

/// Stores of two nodes over one database.
pub async fn pair<D: Dialect>(url: &str) -> [AnyStore; 2] {
    [store::<D>(url).await.into(), store::<D>(url).await.into()]
}

/// Many nodes start at once, over and over.
pub async fn migrating_at_once<D: Dialect>(url: &str) {
    let nodes: Vec<_> = (0..8)
        .map(|_| {
            let url = url.to_owned();
            tokio::spawn(async move {
                for _ in 0..3 {
                    store::<D>(&url).await;
                }
            })
        })
        .collect();
    for node in nodes {
        node.await.expect("no error");
    }
}
