//! What the tests of the store share.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "shared by test programs that each use a part")]

use carryall::store::AnyStore;
use carryall_redis::RedisStore;
use redis::Value;
use redis::aio::MultiplexedConnection;

pub async fn store(url: &str) -> RedisStore {
    RedisStore::connect(url).await.expect("a connection")
}

/// Stores of two nodes over one database.
pub async fn pair(url: &str) -> [AnyStore; 2] {
    [store(url).await.into(), store(url).await.into()]
}

/// A client of its own.
pub async fn connection(url: &str) -> MultiplexedConnection {
    let client = redis::Client::open(url).expect("a URL");
    client.get_multiplexed_async_connection().await.expect("a connection")
}

/// What the server answers to a command of words.
pub async fn ask(url: &str, words: &str) -> Value {
    asked(&mut connection(url).await, words).await
}

pub async fn asked(connection: &mut MultiplexedConnection, words: &str) -> Value {
    let mut words = words.split(' ');
    let mut command = redis::cmd(words.next().expect("a command"));
    words.for_each(|word| {
        command.arg(word);
    });
    command.query_async(connection).await.expect("an answer")
}

/// Every key and value of a database.
pub async fn everything(url: &str) -> Vec<u8> {
    let mut connection = connection(url).await;
    let mut keys = redis::cmd("KEYS");
    let keys: Vec<Vec<u8>> = keys.arg("*").query_async(&mut connection).await.expect("the keys");
    let mut dump = keys.concat();
    for key in keys {
        let value: Vec<u8> = redis::cmd("GET").arg(key).query_async(&mut connection).await.expect("a value");
        dump.extend(value);
    }
    dump
}
