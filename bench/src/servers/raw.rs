//! The round trips that a session in Redis cannot do without, and nothing else.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use redis::aio::MultiplexedConnection;

use crate::login::Login;

const KEY: &str = "raw:0123456789abcdef";
const LIFETIME: u64 = 1800;

pub(super) async fn redis(url: &str) -> Router {
    let client = redis::Client::open(url).expect("a URL");
    let connection = client.get_multiplexed_async_connection().await.expect("a connection");
    Router::new()
        .route("/new", get(new))
        .route("/read", get(read))
        .route("/modify", get(modify))
        .with_state(connection)
}

async fn new(State(connection): State<MultiplexedConnection>) -> &'static str {
    save(connection, Login::new().to_json().into_bytes()).await;
    "ok"
}

async fn read(State(connection): State<MultiplexedConnection>) -> String {
    let session: Login = serde_json::from_slice(&load(connection).await).expect("a session");
    session.counter.to_string()
}

async fn modify(State(connection): State<MultiplexedConnection>) -> &'static str {
    let session = load(connection.clone()).await;
    save(connection, session).await;
    "ok"
}

async fn load(mut connection: MultiplexedConnection) -> Vec<u8> {
    redis::cmd("GET").arg(KEY).query_async(&mut connection).await.expect("an answer")
}

async fn save(mut connection: MultiplexedConnection, session: Vec<u8>) {
    let mut set = redis::cmd("SET");
    set.arg(KEY).arg(session).arg("EX").arg(LIFETIME);
    set.query_async::<()>(&mut connection).await.expect("an answer");
}
