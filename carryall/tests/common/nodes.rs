//! Several nodes of one application: one store, one ring of keys, one revocation log.

use carryall::revocation::Revocations;
use carryall::store::{AnyStore, MemoryStore};
use carryall::{KeyRing, SessionsBuilder};

use super::house::Home;
use super::lab::{Lab, Tab};
use super::shared_log::SharedLog;

/// How often tests that race repeat what they do: `CARRYALL_REPEAT`, a few times by itself.
pub fn repeats() -> usize {
    std::env::var("CARRYALL_REPEAT").ok().and_then(|text| text.parse().ok()).unwrap_or(2)
}

/// So many nodes with keys and clock in common, over this store.
pub fn nodes(count: usize, store: impl Into<AnyStore>) -> Vec<Lab> {
    nodes_with(count, store, |builder| builder)
}

/// The same, configured further.
pub fn nodes_with(
    count: usize,
    store: impl Into<AnyStore>,
    configure: impl Fn(SessionsBuilder) -> SessionsBuilder,
) -> Vec<Lab> {
    let (ring, store, log) = (KeyRing::random().unwrap(), store.into(), SharedLog::default());
    let node = |_| {
        let lab = Lab::with_keys(Home::Store, ring.clone(), |builder| {
            let builder = builder.store(store.clone()).clock(log.clock.clone());
            configure(builder.revocations(Revocations::new(log.clone())))
        });
        Lab { clock: log.clock.clone(), ..lab }
    };
    (0..count).map(node).collect()
}

/// So many nodes over a store in memory.
pub fn nodes_in_memory(count: usize) -> Vec<Lab> {
    nodes(count, MemoryStore::new())
}

/// The same browser, whose next request goes to that node.
pub fn at(node: &Lab, tab: &Tab) -> Tab {
    Tab { app: node.app.clone(), ..tab.clone() }
}
