//! What a server is like: asked of it with every new connection.

use std::collections::HashMap;

use carryall::store::Durability;
use redis::aio::MultiplexedConnection;
use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, from_redis_value};

use crate::script;

/// What a server is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) durability: Durability,
    /// Its `maxmemory-policy`.
    pub(crate) policy: String,
}

impl Server {
    /// Asks it, refuses one that cannot be written to, and loads the scripts.
    pub(crate) async fn greet(connection: &mut MultiplexedConnection) -> RedisResult<Self> {
        let mut questions = redis::pipe();
        questions.cmd("INFO").cmd("CONFIG").arg("GET").arg("appendfsync").ignore_errors();
        let answers: Vec<RedisResult<Value>> = questions.query_async(connection).await?;
        let mut answers = answers.into_iter();
        let info: String = from_redis_value(answers.next().unwrap_or(Ok(Value::Nil))?)?;
        // Who may not ask for the configuration does not know that it is durable.
        let sync: HashMap<String, String> =
            answers.next().and_then(|sync| from_redis_value(sync.ok()?).ok()).unwrap_or_default();
        let server = Self::of(&info, sync.get("appendfsync").map(String::as_str))?;
        let mut scripts = redis::pipe();
        for script in script::all() {
            scripts.add_command(script.load()).ignore();
        }
        scripts.query_async::<()>(connection).await?;
        Ok(server)
    }

    fn of(info: &str, sync: Option<&str>) -> RedisResult<Self> {
        let field = |name: &str| {
            let mut lines = info.lines().filter_map(|line| line.split_once(':'));
            lines.find_map(|(known, value)| (known == name).then_some(value)).unwrap_or_default()
        };
        if field("loading") == "1" {
            return Err(refusal(ServerErrorKind::BusyLoading, "it is loading what it has on disk"));
        }
        if ["slave", "replica"].contains(&field("role")) {
            return Err(refusal(ServerErrorKind::ReadOnly, "it follows another server"));
        }
        let is_synced = field("aof_enabled") == "1" && sync == Some("always");
        let is_followed = !["", "0"].contains(&field("connected_slaves")) || field("cluster_enabled") == "1";
        let durability = match (is_followed, is_synced) {
            (true, _) => Durability::AsyncReplicated,
            (false, true) => Durability::Durable,
            (false, false) => Durability::Volatile,
        };
        Ok(Self { durability, policy: field("maxmemory_policy").to_owned() })
    }

    /// Whether it removes records that have not expired.
    pub(crate) fn evicts(&self) -> bool {
        self.policy != "noeviction"
    }
}

fn refusal(kind: ServerErrorKind, why: &'static str) -> RedisError {
    (ErrorKind::Server(kind), why).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(role: &str, aof: u8, replicas: u8, cluster: u8) -> String {
        format!(
            "# Memory\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\nloading:0\r\naof_enabled:{aof}\r\n\
             # Replication\r\nrole:{role}\r\nconnected_slaves:{replicas}\r\n# Cluster\r\ncluster_enabled:{cluster}\r\n"
        )
    }

    #[test]
    fn durable_is_only_who_syncs_every_write_and_has_no_successor() {
        use Durability::{AsyncReplicated, Durable, Volatile};
        for (aof, sync, replicas, cluster, expected) in [
            (1, Some("always"), 0, 0, Durable),
            (1, Some("everysec"), 0, 0, Volatile),
            (1, None, 0, 0, Volatile),
            (0, Some("always"), 0, 0, Volatile),
            (1, Some("always"), 1, 0, AsyncReplicated),
            (0, Some("always"), 2, 0, AsyncReplicated),
            (1, Some("always"), 0, 1, AsyncReplicated),
        ] {
            let server = Server::of(&info("master", aof, replicas, cluster), sync).expect("a primary");
            assert_eq!(server.durability, expected, "{aof} {sync:?} {replicas} {cluster}");
            assert!(!server.evicts());
        }
    }

    #[test]
    fn who_cannot_be_written_to_is_refused() {
        let error = Server::of(&info("slave", 1, 0, 0), None).expect_err("a replica");
        assert_eq!(error.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly));
        let loading = info("master", 1, 0, 0).replace("loading:0", "loading:1");
        let error = Server::of(&loading, None).expect_err("not ready");
        assert_eq!(error.kind(), ErrorKind::Server(ServerErrorKind::BusyLoading));
    }

    #[test]
    fn a_policy_that_nobody_knows_counts_as_evicting() {
        for policy in ["allkeys-lru", "volatile-ttl", ""] {
            let text = info("master", 1, 0, 0).replace("noeviction", policy);
            assert!(Server::of(&text, None).expect("a primary").evicts(), "{policy}");
        }
    }
}
