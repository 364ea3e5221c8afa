//! Requests of one session, interleaved at random on two nodes of one store, beside a simple model of what may be
//! observed: no committed update is lost, conflicts are typed, what was removed is dead for ever.

mod common;

use carryall::store::MemoryStore;
use common::interleave::holds_for;

#[test]
fn two_nodes_over_a_store_in_memory_show_what_the_model_says() {
    holds_for(300, async || MemoryStore::new());
}
