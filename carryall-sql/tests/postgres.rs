//! The store in PostgreSQL, against a server of its own.

mod common;

use std::sync::OnceLock;

use carryall::store::{AnyStore, Encrypted};
use carryall::{KeyRing, conformance};
use carryall_sql::{Postgres, PostgresStore};
use carryall_testbed::node::{encrypted, nodes, user};
use carryall_testbed::server::Server;
use carryall_testbed::{dump, fault, race, rounds, subject, sweep};
use common::{fresh_name, migrating_at_once, pair, store};
use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

/// The server of all tests but those that kill it.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::postgres)
}

/// An empty database.
async fn database(server: &Server) -> String {
    let name = fresh_name();
    let mut connection = PgConnection::connect(&server.url("postgres")).await.expect("a connection");
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&mut connection).await.expect("a database");
    server.url(&name)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_a_store() {
    let url = database(server()).await;
    conformance::store(async || store::<Postgres>(&url).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_sweeping() {
    conformance::sweep(async || store::<Postgres>(&database(server()).await).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_keeps_the_laws_of_subjects() {
    let url = database(server()).await;
    for _ in 0..rounds(1) {
        conformance::subjects(async || store::<Postgres>(&url).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_logins_on_two_nodes_never_pass_the_cap() {
    for _ in 0..rounds(1) {
        let url = database(server()).await;
        subject::fifty_logins_never_pass_the_cap(pair::<Postgres>(&url).await).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_session_that_is_revoked_by_its_name_is_never_brought_back() {
    let url = database(server()).await;
    let stores = pair::<Postgres>(&url).await;
    for _ in 0..rounds(1) {
        subject::a_revoked_session_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn encrypted_it_keeps_the_laws_of_subjects_and_the_cap() {
    let url = database(server()).await;
    let ring = KeyRing::random().expect("a ring");
    conformance::subjects(async || Encrypted::new(store::<Postgres>(&url).await, &ring).expect("a store"))
        .await;
    let stores = encrypted(pair::<Postgres>(&url).await);
    subject::fifty_logins_never_pass_the_cap(stores.clone()).await;
    subject::a_revoked_session_is_never_undone(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_sweep_at_once_do_not_trip_over_each_other() {
    let stores = pair::<Postgres>(&database(server()).await).await;
    sweep::nodes_that_sweep_at_once_do_not_trip_over_each_other(stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_nodes_may_migrate_at_once_and_again() {
    migrating_at_once::<Postgres>(&database(server()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_requests_on_two_nodes_lose_nothing() {
    let url = database(server()).await;
    let stores = pair::<Postgres>(&url).await;
    for _ in 0..rounds(1) {
        race::fifty_requests_lose_nothing(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_that_races_with_slow_writers_is_never_undone() {
    let url = database(server()).await;
    let stores = pair::<Postgres>(&url).await;
    for _ in 0..rounds(3) {
        race::a_logout_is_never_undone(stores.clone()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn requests_that_lock_take_turns() {
    let url = database(server()).await;
    let stores = pair::<Postgres>(&url).await;
    for _ in 0..rounds(1) {
        race::requests_that_lock_take_turns(stores.clone()).await;
    }
}

#[tokio::test]
async fn the_table_holds_no_usable_id() {
    let url = database(server()).await;
    let store: AnyStore = store::<Postgres>(&url).await.into();
    let mut browser = user(&nodes([store])[0], "ada").await;
    browser.post("/add/canary-5f3a").await;
    let mut connection = PgConnection::connect(&url).await.expect("a connection");
    let rows = connection.fetch_all("SELECT * FROM carryall_sessions").await.expect("rows");
    let columns = rows.iter().flat_map(|row| {
        ["id", "subject", "payload"].map(|name| row.get::<Option<Vec<u8>>, _>(name).unwrap_or_default())
    });
    dump::assert_no_usable_id(&columns.flatten().collect::<Vec<_>>(), &browser, "canary-5f3a");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_committed_is_lost_when_the_server_is_killed() {
    let mut server = Server::postgres();
    let url = database(&server).await;
    let stores = pair::<Postgres>(&url).await;
    fault::nothing_committed_is_lost_when_the_server_is_killed(&mut server, stores).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_stands_still_is_waited_for_no_longer_than_the_deadline() {
    let server = Server::postgres();
    let url = database(&server).await;
    let stores = pair::<Postgres>(&url).await;
    let (silence, end) = (async || server.pause(), async || server.resume());
    fault::silence_is_waited_for_no_longer_than_the_deadline(stores, silence, end).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_table_that_somebody_locks_is_waited_for_no_longer_than_the_deadline() {
    let url = database(server()).await;
    let stores = pair::<Postgres>(&url).await;
    let connection = PgConnection::connect(&url).await.expect("a connection");
    let connection = tokio::sync::Mutex::new(connection);
    let say = async |words: &'static str| {
        connection.lock().await.execute(words).await.expect("an answer");
    };
    let silence = async || {
        say("BEGIN").await;
        say("LOCK TABLE carryall_sessions").await;
    };
    fault::silence_is_waited_for_no_longer_than_the_deadline(stores, silence, async || say("ROLLBACK").await)
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_row_that_somebody_holds_stalls_no_other_session() {
    let url = database(server()).await;
    let stores = pair::<Postgres>(&url).await;
    let connection = PgConnection::connect(&url).await.expect("a connection");
    let connection = tokio::sync::Mutex::new(connection);
    let say = async |words: &'static str| {
        connection.lock().await.execute(sqlx::raw_sql(words)).await.expect("an answer");
    };
    let hold = async || {
        say("BEGIN").await;
        say("SELECT 1 FROM carryall_sessions FOR UPDATE").await;
    };
    fault::a_record_that_is_held_stalls_no_other(stores, hold, async || say("ROLLBACK").await).await;
}

#[tokio::test]
async fn sweeping_and_listing_by_user_go_by_an_index() {
    let url = database(server()).await;
    store::<Postgres>(&url).await;
    let mut connection = PgConnection::connect(&url).await.expect("a connection");
    let fill = "INSERT INTO carryall_sessions SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), 1, 1, 1, n, n,
            decode(lpad(to_hex(n % 1000), 32, '0'), 'hex'), '' FROM generate_series(1, 20000) AS n";
    connection.execute(fill).await.expect("rows");
    connection.execute("ANALYZE carryall_sessions").await.expect("statistics");
    for (condition, index) in [
        ("expires <= 10 ORDER BY expires LIMIT 10", "carryall_sessions_expires"),
        ("subject = '\\x00000000000000000000000000000007'", "carryall_sessions_subject"),
    ] {
        let explain = format!("EXPLAIN SELECT id FROM carryall_sessions WHERE {condition}");
        let plan =
            sqlx::query(sqlx::AssertSqlSafe(explain)).fetch_all(&mut connection).await.expect("a plan");
        let plan: Vec<String> = plan.iter().map(|line| line.get(0)).collect();
        assert!(plan.concat().contains(index), "{plan:?}");
    }
}

#[tokio::test]
async fn why_it_cannot_connect_is_told_without_the_password() {
    use carryall_sql::ConnectErrorKind::{Refused, Unreachable, Url};
    let known = server().url("nowhere");
    let impatient = carryall_sql::SqlOptions::default().patience(std::time::Duration::from_secs(2));
    for (url, kind) in [
        ("postgres://carryall:secret-5f3a@127.0.0.1:1/sessions", Unreachable),
        ("postgres://carryall:secret-5f3a@127.0.0.1:port/sessions", Url),
        ("redis://carryall:secret-5f3a@127.0.0.1/", Url),
        (&known.replace('@', ":secret-5f3a@"), Refused),
    ] {
        let error = PostgresStore::connect_with(url, &impatient).await.expect_err(url);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(
            !error.to_string().contains("secret") && !format!("{error:?}").contains("secret"),
            "{error:?}"
        );
    }
}
