//! The store in a SQLite file.

mod common;

use std::path::Path;

use carryall::store::Encrypted;
use carryall::{KeyRing, conformance};
use carryall_sql::{ConnectErrorKind, Sqlite, SqliteStore};
use carryall_testbed::node::{encrypted, nodes, user};
use carryall_testbed::{crash, dump, race, rounds, scratch, subject, sweep};
use common::{fresh_name, migrating_at_once, pair, store};
use sqlx::{Connection as _, Executor as _, Row as _, SqliteConnection};

/// A file that is not there yet.
fn file(directory: &Path) -> String {
    format!("sqlite:{}", directory.join(fresh_name()).display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_a_store() {
    let scratch = scratch();
    let url = file(scratch.path());
    conformance::store(async || store::<Sqlite>(&url).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_sweeping() {
    let scratch = scratch();
    conformance::sweep(async || store::<Sqlite>(&file(scratch.path())).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_subjects() {
    let scratch = scratch();
    let url = file(scratch.path());
    for _ in 0..rounds(1) {
        conformance::subjects(async || store::<Sqlite>(&url).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_logins_on_two_nodes_never_pass_the_cap() {
    for _ in 0..rounds(1) {
        let scratch = scratch();
        let url = file(scratch.path());
        subject::fifty_logins_never_pass_the_cap(pair::<Sqlite>(&url).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_is_revoked_by_its_name_is_never_brought_back() {
    let scratch = scratch();
    let url = file(scratch.path());
    let stores = pair::<Sqlite>(&url).await;
    for _ in 0..rounds(1) {
        subject::a_revoked_session_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn encrypted_it_keeps_the_laws_of_subjects_and_the_cap() {
    let scratch = scratch();
    let url = file(scratch.path());
    let ring = KeyRing::random().expect("a ring");
    conformance::subjects(async || Encrypted::new(store::<Sqlite>(&url).await, &ring).expect("a store"))
        .await;
    let stores = encrypted(pair::<Sqlite>(&url).await);
    subject::fifty_logins_never_pass_the_cap(stores.clone()).await;
    subject::a_revoked_session_is_never_undone(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_sweep_at_once_do_not_trip_over_each_other() {
    let scratch = scratch();
    let stores = pair::<Sqlite>(&file(scratch.path())).await;
    sweep::nodes_that_sweep_at_once_do_not_trip_over_each_other(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_may_migrate_at_once_and_again() {
    let scratch = scratch();
    migrating_at_once::<Sqlite>(&file(scratch.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_on_two_nodes_lose_nothing() {
    let scratch = scratch();
    let stores = pair::<Sqlite>(&file(scratch.path())).await;
    for _ in 0..rounds(1) {
        race::fifty_requests_lose_nothing(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_that_races_with_slow_writers_is_never_undone() {
    let scratch = scratch();
    let stores = pair::<Sqlite>(&file(scratch.path())).await;
    for _ in 0..rounds(3) {
        race::a_logout_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_lock_take_turns() {
    let scratch = scratch();
    let stores = pair::<Sqlite>(&file(scratch.path())).await;
    for _ in 0..rounds(1) {
        race::requests_that_lock_take_turns(stores.clone()).await;
    }
}

fn crashing(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("crashing.db").display())
}

#[tokio::test]
#[ignore = "the child of `killed_at_any_point_it_leaves_the_old_record_or_the_new_one`"]
async fn saves_for_ever() {
    crash::save_for_ever(store::<Sqlite>(&crashing(&crash::directory())).await).await;
}

#[tokio::test]
async fn killed_at_any_point_it_leaves_the_old_record_or_the_new_one() {
    let scratch = scratch();
    let store = store::<Sqlite>(&crashing(scratch.path())).await;
    crash::killed_at_any_point(rounds(30), "saves_for_ever", scratch.path(), store).await;
}

#[tokio::test]
async fn the_file_holds_no_usable_id_and_is_closed_to_others() {
    use std::os::unix::fs::PermissionsExt as _;
    let scratch = scratch();
    let nodes = nodes(pair::<Sqlite>(&file(scratch.path())).await);
    let mut browser = user(&nodes[0], "ada").await;
    browser.post("/add/canary-5f3a").await;
    dump::assert_no_usable_id(&dump::files(scratch.path()), &browser, "canary-5f3a");
    for entry in std::fs::read_dir(scratch.path()).expect("files") {
        let facts = entry.expect("a file").metadata().expect("its facts");
        assert_eq!(facts.permissions().mode() & 0o777, 0o600);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn encrypted_it_keeps_the_laws_and_loses_nothing() {
    let scratch = scratch();
    let (url, ring) = (file(scratch.path()), KeyRing::random().expect("a ring"));
    let make = async || Encrypted::new(store::<Sqlite>(&url).await, &ring).expect("a store");
    conformance::store(make).await;
    let stores = encrypted(pair::<Sqlite>(&file(scratch.path())).await);
    sweep::nodes_that_sweep_at_once_do_not_trip_over_each_other(stores.clone()).await;
    race::fifty_requests_lose_nothing(stores).await;
}

#[tokio::test]
async fn an_encrypted_table_shows_nothing_of_what_a_session_holds() {
    let [open, closed] = [scratch(), scratch()];
    let stores = encrypted(pair::<Sqlite>(&file(closed.path())).await);
    for nodes in [nodes(pair::<Sqlite>(&file(open.path())).await), nodes(stores)] {
        let mut browser = user(&nodes[0], "canary-ada").await;
        assert_eq!(browser.post("/add/canary-5f3a").await.status, 200);
    }
    for canary in ["canary-5f3a", "key-canary", "canary-ada", "counter"] {
        dump::assert_unreadable(&dump::files(open.path()), &dump::files(closed.path()), canary);
    }
}

#[tokio::test]
async fn sweeping_and_listing_by_user_go_by_an_index() {
    let scratch = scratch();
    let url = file(scratch.path());
    store::<Sqlite>(&url).await;
    let mut connection = SqliteConnection::connect(&url).await.expect("a connection");
    for (condition, index) in [
        ("expires <= 10 ORDER BY expires LIMIT 10", "INDEX carryall_sessions_expires"),
        ("subject = x'00000000000000000000000000000007'", "INDEX carryall_sessions_subject"),
    ] {
        let explain = format!("EXPLAIN QUERY PLAN SELECT rowid FROM carryall_sessions WHERE {condition}");
        let plan =
            sqlx::query(sqlx::AssertSqlSafe(explain)).fetch_one(&mut connection).await.expect("a plan");
        let plan: String = plan.get("detail");
        assert!(plan.contains(index), "{plan}");
    }
}

#[tokio::test]
async fn the_file_has_a_write_ahead_log() {
    let scratch = scratch();
    let url = file(scratch.path());
    store::<Sqlite>(&url).await;
    let mut connection = SqliteConnection::connect(&url).await.expect("a connection");
    let mode = connection.fetch_one("PRAGMA journal_mode").await.expect("a mode");
    assert_eq!(mode.get::<String, _>(0), "wal");
}

#[tokio::test]
async fn why_it_cannot_open_the_file_is_told() {
    let scratch = scratch();
    let missing = format!("sqlite:{}", scratch.path().join("missing/sessions.db").display());
    std::fs::write(scratch.path().join("text"), "this is no database, but a text".repeat(100))
        .expect("a file");
    let text = format!("sqlite:{}", scratch.path().join("text").display());
    for (url, kind) in [
        (&*missing, ConnectErrorKind::Unreachable),
        (&*text, ConnectErrorKind::Refused),
        ("sqlite::memory:", ConnectErrorKind::Url),
        ("sqlite:sessions.db?mode=memory", ConnectErrorKind::Url),
        ("sqlite:", ConnectErrorKind::Url),
        ("sessions.db", ConnectErrorKind::Url),
        ("sqlite:file?mode=wrong", ConnectErrorKind::Url),
    ] {
        let error = SqliteStore::connect(url).await.expect_err(url);
        assert_eq!(error.kind(), kind, "{url}: {error}");
    }
}
