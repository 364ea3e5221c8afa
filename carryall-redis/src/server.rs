//! What a server is like: asked of it with every new connection.

use std::collections::HashMap;

use carryall::store::Durability;
use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind, Value, from_redis_value};

use crate::dial::Dial;
use crate::failure::{evicting, mismatch};
use crate::line::Line;
use crate::script;

/// What a server is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) durability: Durability,
}

/// What a server is part of, as the URL says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Nothing.
    Alone,
    /// Masters and replicas that sentinels watch.
    Watched,
    /// A cluster.
    Sharded,
}

impl Server {
    /// Connects, refuses a server that is no good, and loads the scripts.
    pub(crate) async fn greet(dial: &Dial, setting: Setting, may_evict: bool) -> RedisResult<(Line, Self)> {
        let mut line = match setting {
            Setting::Watched => Line::open_to_master(dial).await?,
            Setting::Alone | Setting::Sharded => Line::open(dial).await?,
        };
        let connection = &mut line.connection;
        let mut questions = redis::pipe();
        questions.cmd("INFO").cmd("CONFIG").arg("GET").arg("*appendfsync*").ignore_errors();
        let answers: Vec<RedisResult<Value>> = questions.query_async(connection).await?;
        let mut answers = answers.into_iter();
        let info: String = from_redis_value(answers.next().unwrap_or(Ok(Value::Nil))?)?;
        // Who may not ask for the configuration does not know that it is durable.
        let sync: HashMap<String, String> =
            answers.next().and_then(|sync| from_redis_value(sync.ok()?).ok()).unwrap_or_default();
        let info = Info(&info);
        info.check(setting, may_evict)?;
        let durability = info.durability(setting, syncs(&sync));
        let mut scripts = redis::pipe();
        for script in script::all() {
            scripts.add_command(script.load()).ignore();
        }
        scripts.query_async::<()>(connection).await?;
        Ok((line, Self { durability }))
    }
}

/// What a server says of itself.
struct Info<'a>(&'a str);

impl Info<'_> {
    fn field(&self, name: &str) -> &str {
        let mut lines = self.0.lines().filter_map(|line| line.split_once(':'));
        lines.find_map(|(known, value)| (known == name).then_some(value)).unwrap_or_default()
    }

    /// Refuses a server that is not what the URL says, cannot be written to, or evicts.
    fn check(&self, setting: Setting, may_evict: bool) -> RedisResult<()> {
        if self.field("redis_mode") == "sentinel" {
            return Err(mismatch("it is a sentinel: say redis+sentinel://HOST,HOST/NAME"));
        }
        match (setting, self.field("cluster_enabled") == "1") {
            (Setting::Alone, true) => {
                return Err(mismatch("it is a node of a cluster: say redis+cluster://HOST,HOST"));
            }
            (Setting::Watched, true) => return Err(mismatch("the master is a node of a cluster")),
            (Setting::Sharded, false) => {
                return Err(mismatch("it is no node of a cluster: say redis://HOST"));
            }
            _ => {}
        }
        if self.field("loading") == "1" {
            return Err(refusal(ServerErrorKind::BusyLoading, "it is loading what it has on disk"));
        }
        // A replica in a cluster knows who the master is and says so.
        if setting != Setting::Sharded && ["slave", "replica"].contains(&self.field("role")) {
            return Err(refusal(ServerErrorKind::ReadOnly, "it follows another server"));
        }
        match self.field("maxmemory_policy") {
            "noeviction" => Ok(()),
            _ if may_evict => Ok(()),
            policy => Err(evicting(policy)),
        }
    }

    fn durability(&self, setting: Setting, is_synced: bool) -> Durability {
        let is_synced = self.field("aof_enabled") == "1" && is_synced;
        let has_replicas = !["", "0"].contains(&self.field("connected_slaves"));
        match (setting, has_replicas, is_synced) {
            (Setting::Alone, false, true) => Durability::Durable,
            (Setting::Alone, false, false) => Durability::Volatile,
            _ => Durability::AsyncReplicated,
        }
    }
}

/// Whether the log is synced with every write, while it is rewritten, too.
fn syncs(config: &HashMap<String, String>) -> bool {
    let is = |name: &str, value: &str| config.get(name).is_some_and(|known| known == value);
    is("appendfsync", "always") && is("no-appendfsync-on-rewrite", "no")
}

fn refusal(kind: ServerErrorKind, why: &'static str) -> RedisError {
    (ErrorKind::Server(kind), why).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{EVICTING, MISMATCH, says};

    fn info(role: &str, aof: u8, replicas: u8, cluster: u8) -> String {
        format!(
            "# Memory\r\nmaxmemory_policy:noeviction\r\n# Persistence\r\nloading:0\r\naof_enabled:{aof}\r\n\
             # Replication\r\nrole:{role}\r\nconnected_slaves:{replicas}\r\n# Cluster\r\ncluster_enabled:{cluster}\r\n"
        )
    }

    #[test]
    fn durable_is_only_who_syncs_every_write_and_has_no_successor() {
        use Durability::{AsyncReplicated, Durable, Volatile};
        for (aof, sync, replicas, setting, expected) in [
            (1, Some(("always", "no")), 0, Setting::Alone, Durable),
            (1, Some(("always", "yes")), 0, Setting::Alone, Volatile),
            (1, Some(("everysec", "no")), 0, Setting::Alone, Volatile),
            (1, None, 0, Setting::Alone, Volatile),
            (0, Some(("always", "no")), 0, Setting::Alone, Volatile),
            (1, Some(("always", "no")), 1, Setting::Alone, AsyncReplicated),
            (0, Some(("always", "no")), 2, Setting::Alone, AsyncReplicated),
            (1, Some(("always", "no")), 0, Setting::Watched, AsyncReplicated),
            (1, Some(("always", "no")), 0, Setting::Sharded, AsyncReplicated),
        ] {
            let text = info("master", aof, replicas, u8::from(setting == Setting::Sharded));
            assert!(Info(&text).check(setting, false).is_ok());
            let config = sync.map(|(sync, rewrite)| {
                [("appendfsync", sync), ("no-appendfsync-on-rewrite", rewrite)]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
            });
            let durability = Info(&text).durability(setting, syncs(&config.into_iter().flatten().collect()));
            assert_eq!(durability, expected, "{aof} {sync:?} {replicas} {setting:?}");
        }
    }

    #[test]
    fn who_cannot_be_written_to_is_refused() {
        let replica = info("slave", 1, 0, 0);
        let error = Info(&replica).check(Setting::Alone, false).expect_err("a replica");
        assert_eq!(error.kind(), ErrorKind::Server(ServerErrorKind::ReadOnly));
        let loading = info("master", 1, 0, 0).replace("loading:0", "loading:1");
        let error = Info(&loading).check(Setting::Alone, false).expect_err("not ready");
        assert_eq!(error.kind(), ErrorKind::Server(ServerErrorKind::BusyLoading));
    }

    #[test]
    fn a_policy_that_nobody_knows_counts_as_evicting() {
        for policy in ["allkeys-lru", "volatile-ttl", ""] {
            let text = info("master", 1, 0, 0).replace("noeviction", policy);
            let error = Info(&text).check(Setting::Alone, false).expect_err(policy);
            assert!(says(&error, EVICTING), "{policy}");
            assert!(Info(&text).check(Setting::Alone, true).is_ok(), "{policy}");
        }
    }

    #[test]
    fn who_is_part_of_something_else_is_refused() {
        use Setting::{Alone, Sharded, Watched};
        let sentinel = "redis_mode:sentinel\r\n".to_owned();
        let (single, member) = (info("master", 1, 0, 0), info("master", 1, 0, 1));
        for (setting, text) in [
            (Alone, &member),
            (Watched, &member),
            (Sharded, &single),
            (Alone, &sentinel),
            (Watched, &sentinel),
            (Sharded, &sentinel),
        ] {
            let error = Info(text).check(setting, true).expect_err("another kind of server");
            assert!(says(&error, MISMATCH), "{setting:?}: {error}");
        }
        let replica = info("slave", 1, 0, 1);
        assert!(Info(&replica).check(Sharded, false).is_ok());
    }
}
