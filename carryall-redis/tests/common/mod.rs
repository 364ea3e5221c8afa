//! What the tests of the store share.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "shared by test programs that each use a part")]

use std::collections::BTreeMap;

use carryall::store::AnyStore;
use carryall_redis::{RedisOptions, RedisStore};
use redis::aio::MultiplexedConnection;
use redis::{Value, from_redis_value};

pub async fn store(url: &str) -> RedisStore {
    RedisStore::connect(url).await.expect("a connection")
}

/// One whose every write is a script.
pub async fn unwatched(url: &str) -> RedisStore {
    RedisStore::connect_with(url, &RedisOptions::default().watching(0)).await.expect("a connection")
}

/// Stores of two nodes over one database.
pub async fn pair(url: &str) -> [AnyStore; 2] {
    [store(url).await.into(), store(url).await.into()]
}

/// The same, with keys that no other test has.
pub async fn pair_apart(url: &str, prefix: &str) -> [AnyStore; 2] {
    let options = RedisOptions::default().prefix(prefix);
    let store = async || RedisStore::connect_with(url, &options).await.expect("a connection").into();
    [store().await, store().await]
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

pub async fn text(url: &str, words: &str) -> String {
    from_redis_value(ask(url, words).await).expect("a text")
}

/// How often each command was called since the last `CONFIG RESETSTAT`, without those of asking.
pub async fn commands(url: &str) -> BTreeMap<String, u64> {
    let info = text(url, "INFO commandstats").await;
    let calls = info.lines().filter_map(|line| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let count = rest.split_once(',')?.0.parse().ok()?;
        Some((name.to_owned(), count))
    });
    // Every client introduces itself.
    calls.filter(|(name, _)| !name.contains('|') && !["info", "hello", "select"].contains(&&**name)).collect()
}

pub fn counted(commands: &[(&str, u64)]) -> BTreeMap<String, u64> {
    commands.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}
