//! Redis Cluster: three masters that share the slots.

use super::{Server, eventually, redis};

/// Three masters of a cluster; each goes when this is dropped.
#[derive(Debug)]
pub struct RedisCluster {
    /// The masters, each with a third of the slots, in order.
    pub masters: Vec<Server>,
}

impl RedisCluster {
    /// A cluster without any sessions.
    pub fn start() -> Self {
        let masters: Vec<_> = (0..3).map(|_| Server::node()).collect();
        for (place, (master, slots)) in
            masters.iter().zip(["0 5460", "5461 10922", "10923 16383"]).enumerate()
        {
            master.tell(&format!("CLUSTER SET-CONFIG-EPOCH {}", place + 1));
            master.tell(&format!("CLUSTER ADDSLOTSRANGE {slots}"));
            meet(master, &masters[0]);
        }
        let cluster = Self { masters };
        for master in &cluster.masters {
            eventually("the cluster works", || {
                let info = master.ask("CLUSTER INFO");
                info.contains("cluster_state:ok") && info.contains("cluster_size:3")
            });
        }
        cluster
    }

    /// The URL of the cluster, which names all masters.
    pub fn url(&self) -> String {
        let hosts: Vec<_> =
            self.masters.iter().map(|master| format!("127.0.0.1:{}", master.port())).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }

    /// A further node that follows one of the masters and has received all that it holds.
    pub fn replica_of(&self, place: usize) -> Server {
        let replica = Server::node();
        let id = self.masters[place].ask("CLUSTER MYID");
        meet(&replica, &self.masters[0]);
        eventually("the replica knows its master", || replica.ask("CLUSTER NODES").contains(&id));
        replica.tell(&format!("CLUSTER REPLICATE {id}"));
        eventually("the replica follows", || {
            replica.ask("INFO replication").contains("master_link_status:up")
        });
        for master in &self.masters {
            eventually("the others know of it", || {
                master.ask("CLUSTER NODES").lines().any(|line| line.contains("slave") && line.contains(&id))
            });
        }
        replica
    }
}

fn meet(node: &Server, other: &Server) {
    let bus = redis::bus(other.directory());
    node.tell(&format!("CLUSTER MEET 127.0.0.1 {} {bus}", other.port()));
}
