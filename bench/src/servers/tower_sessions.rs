//! tower-sessions 0.14 over its stores: the newest version that they are made for.

use axum::Router;
use axum::routing::get;
use tower_sessions_014::session::Error;
use tower_sessions_014::{Session, SessionManagerLayer, SessionStore};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike as _, Config, Pool};
use tower_sessions_sqlx_store::PostgresStore;
use tower_sessions_sqlx_store::sqlx::PgPool;

use crate::login::Login;

pub(super) async fn redis(url: &str) -> Router {
    let config = Config::from_url(url).expect("a URL");
    let pool = Pool::new(config, None, None, None, 1).expect("a pool");
    pool.connect();
    pool.wait_for_connect().await.expect("a connection");
    over(RedisStore::new(pool))
}

pub(super) async fn postgres(url: &str) -> Router {
    let store = PostgresStore::new(PgPool::connect(url).await.expect("a connection"));
    store.migrate().await.expect("a table");
    over(store)
}

fn over(store: impl SessionStore + Clone) -> Router {
    Router::new()
        .route("/read", get(async |session: Session| read(session).await.expect("a store that works")))
        .route("/modify", get(async |session: Session| modify(session).await.expect("a store that works")))
        .route("/new", get(async |session: Session| new(session).await.expect("a store that works")))
        .layer(SessionManagerLayer::new(store))
}

async fn read(session: Session) -> Result<String, Error> {
    let counter: u64 = session.get("counter").await?.unwrap_or_default();
    Ok(counter.to_string())
}

async fn modify(session: Session) -> Result<String, Error> {
    let counter: u64 = session.get("counter").await?.unwrap_or_default();
    session.insert("counter", counter + 1).await?;
    Ok(counter.to_string())
}

async fn new(session: Session) -> Result<&'static str, Error> {
    let login = serde_json::to_value(Login::new())?;
    for (key, value) in login.as_object().into_iter().flatten() {
        session.insert_value(key, value.clone()).await?;
    }
    Ok("ok")
}
