//! Where records are: on one server, or spread over the masters of a cluster.

use carryall::store::Durability;
use redis::{RedisResult, Value};

use crate::address::Address;
use crate::cluster::Cluster;
use crate::link::{Link, Target};
use crate::options::RedisOptions;
use crate::question::Question;
use crate::server::Setting;
use crate::watches::Watches;

/// Where records are.
pub(crate) enum Servers {
    /// All on one, some of which are watched if it stands alone.
    One(Link, Option<Watches>),
    /// Each on the master that has its slot.
    Cluster(Cluster),
}

impl Servers {
    /// Connects for the first time.
    pub(crate) async fn open(address: Address, options: &RedisOptions) -> RedisResult<Self> {
        let (may_evict, patience) = (options.may_evict, options.patience);
        let (target, watches) = match address {
            Address::Server(dial) => {
                let watches = Watches::over(dial.clone(), options.watching);
                (Target::Server(dial, Setting::Alone), Some(watches))
            }
            Address::Sentinels(sentinels) => (Target::Sentinels(sentinels), None),
            Address::Cluster(seeds) => {
                return Cluster::open(seeds, may_evict, patience).await.map(Self::Cluster);
            }
        };
        let link = Link::to(target, may_evict, patience);
        link.line().await?;
        Ok(Self::One(link, watches))
    }

    /// Puts a question about the record with this key.
    pub(crate) async fn put(&self, key: &[u8], question: Question<'_>) -> RedisResult<Value> {
        match self {
            Self::One(link, _) => question.put(link).await,
            Self::Cluster(cluster) => cluster.put(key, question).await,
        }
    }

    /// The link and who watches, where records can be watched.
    pub(crate) fn watches(&self) -> Option<(&Link, &Watches)> {
        match self {
            Self::One(link, watches) => Some((link, watches.as_ref()?)),
            Self::Cluster(_) => None,
        }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    pub(crate) fn durability(&self) -> Durability {
        match self {
            Self::One(link, _) => link.durability(),
            Self::Cluster(_) => Durability::AsyncReplicated,
        }
    }
}
