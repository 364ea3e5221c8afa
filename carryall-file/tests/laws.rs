//! The store in files keeps the laws of every store, and an application over it keeps what it promises.

use carryall::KeyRing;
use carryall::conformance;
use carryall::store::{AnyStore, Durability, Encrypted, Store};
use carryall_file::FileStore;
use carryall_testbed::node::{at, encrypted, nodes, state_of, user};
use carryall_testbed::{dump, race, rounds, scratch, subject, sweep};

/// Stores of two nodes over one directory, which is made by the first.
fn pair(scratch: &tempfile::TempDir) -> [AnyStore; 2] {
    let path = scratch.path().join("sessions");
    [(); 2].map(|()| FileStore::open(&path).expect("a store").into())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_a_store() {
    let scratch = scratch();
    let path = scratch.path().join("sessions");
    conformance::store(async || FileStore::open(&path).expect("a store")).await;
    assert_eq!(FileStore::open(&path).expect("a store").durability(), Durability::Durable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_sweeping() {
    let scratch = scratch();
    let number = std::sync::atomic::AtomicUsize::new(0);
    let make = async || {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        FileStore::open(scratch.path().join(number.to_string())).expect("a store")
    };
    conformance::sweep(make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_subjects() {
    let scratch = scratch();
    let path = scratch.path().join("sessions");
    for _ in 0..rounds(1) {
        conformance::subjects(async || FileStore::open(&path).expect("a store")).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_logins_on_two_nodes_never_pass_the_cap() {
    for _ in 0..rounds(1) {
        let scratch = scratch();
        subject::fifty_logins_never_pass_the_cap(pair(&scratch)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_is_revoked_by_its_name_is_never_brought_back() {
    let scratch = scratch();
    let stores = pair(&scratch);
    for _ in 0..rounds(1) {
        subject::a_revoked_session_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn admissions_that_are_given_up_hold_up_nobody() {
    for _ in 0..rounds(1) {
        let scratch = scratch();
        subject::admissions_that_are_given_up_hold_up_nobody(pair(&scratch)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn encrypted_it_keeps_the_laws_of_subjects_and_the_cap() {
    let [scratch, empty] = [scratch(), scratch()];
    let (path, ring) = (scratch.path().join("sessions"), KeyRing::random().expect("a ring"));
    conformance::subjects(async || {
        Encrypted::new(FileStore::open(&path).expect("a store"), &ring).expect("a store")
    })
    .await;
    let stores = encrypted(pair(&empty));
    subject::fifty_logins_never_pass_the_cap(stores.clone()).await;
    subject::a_revoked_session_is_never_undone(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_sweep_at_once_do_not_trip_over_each_other() {
    let scratch = scratch();
    sweep::nodes_that_sweep_at_once_do_not_trip_over_each_other(pair(&scratch)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_on_two_nodes_lose_nothing() {
    let scratch = scratch();
    for _ in 0..rounds(1) {
        race::fifty_requests_lose_nothing(pair(&scratch)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_that_races_with_slow_writers_is_never_undone() {
    let scratch = scratch();
    for _ in 0..rounds(3) {
        race::a_logout_is_never_undone(pair(&scratch)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_lock_take_turns() {
    let scratch = scratch();
    let stores = pair(&scratch);
    for _ in 0..rounds(1) {
        race::requests_that_lock_take_turns(stores.clone()).await;
    }
}

#[tokio::test]
async fn the_files_hold_no_usable_id() {
    let scratch = scratch();
    let nodes = nodes(pair(&scratch));
    let mut browser = user(&nodes[0], "ada").await;
    browser.post("/add/canary-5f3a").await;
    dump::assert_no_usable_id(&dump::files(scratch.path()), &browser, "canary-5f3a");
    let state = state_of(&mut at(&nodes[1], &browser)).await;
    assert_eq!((state.subject.as_deref(), state.counter), (Some("ada"), 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn encrypted_it_keeps_the_laws_and_loses_nothing() {
    let [scratch, empty] = [scratch(), scratch()];
    let (path, ring) = (scratch.path().join("sessions"), KeyRing::random().expect("a ring"));
    let make = async || Encrypted::new(FileStore::open(&path).expect("a store"), &ring).expect("a store");
    conformance::store(make).await;
    assert_eq!(make().await.durability(), Durability::Durable);
    let stores = encrypted(pair(&empty));
    sweep::nodes_that_sweep_at_once_do_not_trip_over_each_other(stores.clone()).await;
    race::fifty_requests_lose_nothing(stores).await;
}

#[tokio::test]
async fn encrypted_files_show_nothing_of_what_a_session_holds() {
    let [open, closed] = [scratch(), scratch()];
    for nodes in [nodes(pair(&open)), nodes(encrypted(pair(&closed)))] {
        let mut browser = user(&nodes[0], "canary-ada").await;
        browser.post("/add/canary-5f3a").await;
        assert_eq!(state_of(&mut at(&nodes[1], &browser)).await.subject.as_deref(), Some("canary-ada"));
    }
    for canary in ["canary-5f3a", "key-canary", "canary-ada", "counter"] {
        dump::assert_unreadable(&dump::files(open.path()), &dump::files(closed.path()), canary);
    }
}
