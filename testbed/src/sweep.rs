//! Several nodes that sweep at once.

use std::sync::Arc;
use std::time::Duration;

use carryall::id::RecordKey;
use carryall::store::{AnyStore, Commit, Store, Version};

use crate::crash::{NOW, draft};

const EXPIRED: u8 = 200;
const LIVE: u8 = 20;

fn key(kind: u8, n: u8) -> RecordKey {
    let mut bytes = [n; RecordKey::LEN];
    bytes[1] = kind;
    RecordKey::from_bytes(bytes)
}

/// Four tasks on two nodes sweep in small batches while others write: every expired record goes, is counted once,
/// and nobody is told of a failure. The stores have to be empty.
pub async fn nodes_that_sweep_at_once_do_not_trip_over_each_other(stores: [AnyStore; 2]) {
    let then = NOW.plus(Duration::from_hours(1));
    for n in 0..EXPIRED {
        let created = stores[0].commit(&key(0, n), None, draft(1), NOW).await.unwrap();
        assert_eq!(created, Commit::Committed(Version::FIRST));
    }
    let mut lasting = draft(1);
    (lasting.header.expires, lasting.header.latest) =
        (then.plus(Duration::from_hours(1)), then.plus(Duration::from_hours(9)));
    for n in 0..LIVE {
        stores[0].commit(&key(1, n), None, lasting.clone(), NOW).await.unwrap();
    }
    let stores = stores.map(Arc::new);
    let writers: Vec<_> = stores
        .clone()
        .map(|store| {
            tokio::spawn(async move {
                for n in 0..LIVE {
                    assert!(
                        store
                            .touch(&key(1, n), then, then.plus(Duration::from_hours(2)), then)
                            .await
                            .unwrap()
                    );
                }
            })
        })
        .into();
    let sweepers: Vec<_> = (0..4)
        .map(|n| {
            let sweeper = stores[n % 2].sweeper().expect("a store that sweeps").clone();
            tokio::spawn(async move {
                let mut removed = 0;
                loop {
                    let batch = sweeper.sweep_once(then, 10).await.unwrap();
                    removed += batch;
                    if batch < 10 {
                        return removed;
                    }
                }
            })
        })
        .collect();
    let mut removed = 0;
    for sweeper in sweepers {
        removed += sweeper.await.unwrap();
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(removed, usize::from(EXPIRED));
    for n in 0..LIVE {
        assert!(stores[1].load(&key(1, n), then).await.unwrap().is_some(), "a live one was swept");
    }
}
