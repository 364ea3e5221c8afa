//! Where records are: on one server, or spread over the masters of a cluster.

use carryall::store::Durability;
use redis::{RedisResult, Value};

use crate::address::Address;
use crate::cluster::Cluster;
use crate::link::{Link, Target};
use crate::options::RedisOptions;
use crate::question::Question;
use crate::server::Setting;

/// Where records are.
pub(crate) enum Servers {
    /// All on one.
    One(Link),
    /// Each on the master that has its slot.
    Cluster(Cluster),
}

impl Servers {
    /// Connects for the first time.
    pub(crate) async fn open(address: Address, options: &RedisOptions) -> RedisResult<Self> {
        let (may_evict, patience) = (options.may_evict, options.patience);
        let target = match address {
            Address::Server(dial) => Target::Server(dial, Setting::Alone),
            Address::Sentinels(sentinels) => Target::Sentinels(sentinels),
            Address::Cluster(seeds) => {
                return Cluster::open(seeds, may_evict, patience).await.map(Self::Cluster);
            }
        };
        let link = Link::to(target, may_evict, patience);
        link.line().await?;
        Ok(Self::One(link))
    }

    /// Puts a question about the record with this key.
    pub(crate) async fn put(&self, key: &[u8], question: Question<'_>) -> RedisResult<Value> {
        match self {
            Self::One(link) => question.put(link).await,
            Self::Cluster(cluster) => cluster.put(key, question).await,
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    pub(crate) fn durability(&self) -> Durability {
        match self {
            Self::One(link) => link.durability(),
            Self::Cluster(_) => Durability::AsyncReplicated,
        }
    }
}
