//! Redis Sentinel: a master, two replicas, and three sentinels that watch them.

use super::{Server, eventually};

/// A master, its replicas and the sentinels that watch them; each goes when this is dropped.
#[derive(Debug)]
pub struct Watched {
    /// The master first.
    pub servers: Vec<Server>,
    /// Any two of them may decide that another server becomes the master.
    pub sentinels: Vec<Server>,
}

/// The name of the master.
const NAME: &str = "shop";

impl Watched {
    /// Servers without any sessions, and sentinels that know of all of them.
    pub fn start() -> Self {
        let servers: Vec<_> = (0..3).map(|_| Server::redis()).collect();
        let master = servers[0].port();
        for replica in &servers[1..] {
            replica.tell(&format!("REPLICAOF 127.0.0.1 {master}"));
        }
        for replica in &servers[1..] {
            eventually("the replica follows", || {
                replica.ask("INFO replication").contains("master_link_status:up")
            });
        }
        let sentinels: Vec<_> = (0..3).map(|_| Server::sentinel()).collect();
        for sentinel in &sentinels {
            sentinel.tell(&format!("SENTINEL MONITOR {NAME} 127.0.0.1 {master} 2"));
            sentinel.tell(&format!("SENTINEL SET {NAME} down-after-milliseconds 500 failover-timeout 2000"));
        }
        let watched = Self { servers, sentinels };
        for sentinel in &watched.sentinels {
            eventually("the sentinels know all servers and each other", || {
                let known = sentinel.ask(&format!("SENTINEL MASTER {NAME}"));
                ["num-slaves\n2\n", "num-other-sentinels\n2\n", "flags\nmaster\n"]
                    .iter()
                    .all(|line| known.contains(line))
            });
        }
        watched
    }

    /// The URL of a database of whichever server is the master.
    pub fn url(&self, database: &str) -> String {
        let hosts: Vec<_> = self.sentinels.iter().map(|one| format!("127.0.0.1:{}", one.port())).collect();
        format!("redis+sentinel://{}/{NAME}/{database}", hosts.join(","))
    }

    /// Waits until the replicas have received what the master has written so far.
    pub fn replicate(&self) {
        let offset = |server: &Server, name: &str| {
            let info = server.ask("INFO replication");
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.and_then(|offset| offset.parse::<u64>().ok())
        };
        let written = offset(&self.servers[0], "master_repl_offset");
        for replica in &self.servers[1..] {
            eventually("the replicas have it", || offset(replica, "slave_repl_offset") >= written);
        }
    }

    /// The place of the server that the sentinels agree upon.
    pub fn master(&self) -> Option<usize> {
        let said =
            self.sentinels.iter().map(|one| one.ask(&format!("SENTINEL GET-MASTER-ADDR-BY-NAME {NAME}")));
        let mut said: Vec<_> = said.collect();
        said.dedup();
        let [address] = &said[..] else { return None };
        let port = address.lines().nth(1)?.parse::<u16>().ok()?;
        self.servers.iter().position(|server| server.port() == port)
    }
}
