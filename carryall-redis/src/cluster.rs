//! A cluster: every record's commands go to the master that has its slot.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use redis::{ErrorKind, RedisError, RedisResult, ServerErrorKind, Value};

use crate::dial::{Dial, Node};
use crate::link::{Link, Target};
use crate::map::{Map, Master};
use crate::pause::Pause;
use crate::question::Question;
use crate::server::Setting;
use crate::slots::{Share, redirected, shares, slot_of};

/// How often a question follows a record that moves.
const MOVES: usize = 5;

/// Masters, and which of them has which slots.
#[derive(Clone)]
pub(crate) struct Cluster(Arc<Inner>);

struct Inner {
    seeds: Vec<Dial>,
    may_evict: bool,
    patience: Duration,
    map: RwLock<Map>,
    /// Which master is asked first when the map is learnt.
    first: AtomicUsize,
    /// How long to believe the map, unless it proves wrong.
    rest: Mutex<Option<Pause>>,
    /// Whoever learns the map holds it.
    turn: tokio::sync::Mutex<()>,
}

impl Cluster {
    /// Learns who has which slots, and connects to all of them. Some may be unreachable, but not all, and none may be
    /// refused.
    pub(crate) async fn open(seeds: Vec<Dial>, may_evict: bool, patience: Duration) -> RedisResult<Self> {
        let (map, first, rest, turn) = Default::default();
        let cluster = Self(Arc::new(Inner { seeds, may_evict, patience, map, first, rest, turn }));
        cluster.0.learn().await?;
        let mut greetings = tokio::task::JoinSet::new();
        for Master { link, .. } in cluster.0.masters() {
            greetings.spawn(async move { link.line().await.map(drop) });
        }
        let mut failures: Vec<RedisError> =
            greetings.join_all().await.into_iter().filter_map(Result::err).collect();
        let is_refusal = |error: &RedisError| error.kind() != ErrorKind::Io && !is_loading(error);
        if let Some(refusal) = failures.iter().position(is_refusal) {
            return Err(failures.swap_remove(refusal));
        }
        let is_none_left = failures.len() == cluster.0.masters().len();
        failures.pop().filter(|_| is_none_left).map_or(Ok(cluster), Err)
    }

    /// Puts a question about the record with this key.
    pub(crate) async fn put(&self, key: &[u8], question: Question<'_>) -> RedisResult<Value> {
        let slot = slot_of(key);
        let mut master = self.master(slot).await?;
        let mut answer = question.put(&master.link).await;
        for _ in 0..MOVES {
            let Err(error) = &answer else { break };
            let ErrorKind::Server(kind) = error.kind() else { break };
            answer = match (kind, redirected(error, &master.node)) {
                (ServerErrorKind::Moved, Some(node)) => {
                    master = self.0.member(&node);
                    self.0.map_mut(|map| map.assign(slot, &node));
                    self.learn_soon();
                    question.put(&master.link).await
                }
                (ServerErrorKind::Ask, Some(node)) => question.put_ahead(&self.0.member(&node).link).await,
                (ServerErrorKind::ClusterDown, _) => {
                    self.learn_soon();
                    break;
                }
                _ => break,
            };
        }
        answer
    }

    /// The master of a slot. If it is in trouble, the cluster may have another one by now.
    async fn master(&self, slot: u16) -> RedisResult<Master> {
        let known = self.0.master(slot);
        if let Some(master) = known.filter(|master| !master.link.is_troubled()) {
            return Ok(master);
        }
        if self.0.is_due() {
            let inner = Arc::clone(&self.0);
            // It goes on when who asked has left. Its failure is that of the question, if there is no master.
            let learning = tokio::spawn(async move { inner.learn().await });
            learning
                .await
                .unwrap_or_else(|error| Err(io::Error::other(error).into()))
                .or_else(|error| self.0.master(slot).map(drop).ok_or(error))?;
        }
        let nobody = (ErrorKind::Server(ServerErrorKind::ClusterDown), "nobody has this slot");
        self.0.master(slot).ok_or_else(|| nobody.into())
    }

    fn learn_soon(&self) {
        if self.0.is_due() {
            let inner = Arc::clone(&self.0);
            drop(tokio::spawn(async move { inner.learn().await }));
        }
    }
}

impl Inner {
    fn master(&self, slot: u16) -> Option<Master> {
        self.map.read().unwrap_or_else(PoisonError::into_inner).master(slot).cloned()
    }

    fn masters(&self) -> Vec<Master> {
        self.map.read().unwrap_or_else(PoisonError::into_inner).masters().to_vec()
    }

    fn map_mut<T>(&self, change: impl FnOnce(&mut Map) -> T) -> T {
        change(&mut self.map.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// A node of the cluster, with the link to it that there is.
    fn member(&self, node: &Node) -> Master {
        self.map_mut(|map| map.join(node, |node| self.link(node)).clone())
    }

    fn link(&self, node: &Node) -> Link {
        let target = Target::Server(self.seeds[0].at(node), Setting::Sharded);
        Link::to(target, self.may_evict, self.patience)
    }

    /// Whether the cluster may be asked again who has which slots.
    fn is_due(&self) -> bool {
        self.rest.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(Pause::is_over)
    }

    /// Asks one node after the other who has which slots.
    async fn learn(&self) -> RedisResult<()> {
        let _turn = self.turn.lock().await;
        if !self.is_due() {
            return Ok(());
        }
        let learning = tokio::time::timeout(self.patience, self.ask_all()).await;
        let learnt = learning.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
        let is_new = learnt.as_ref().is_ok_and(|is_new| *is_new);
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        *rest = Some(Pause::after(rest.filter(|_| !is_new)));
        learnt.map(drop)
    }

    /// Whether what a node says is new. Those that work are asked first, another one each time, then those that the URL
    /// names; each is given a quarter of the patience.
    async fn ask_all(&self) -> RedisResult<bool> {
        let mut known = self.masters();
        let first = self.first.fetch_add(1, Ordering::Relaxed) % known.len().max(1);
        known.rotate_left(first);
        let (well, troubled): (Vec<_>, Vec<_>) =
            known.into_iter().partition(|master| !master.link.is_troubled());
        let seeds =
            self.seeds.iter().filter_map(Dial::node).map(|node| Master { link: self.link(&node), node });
        let mut why = RedisError::from((ErrorKind::ClusterConnectionNotFound, "no node"));
        for master in well.into_iter().chain(seeds).chain(troubled) {
            match tokio::time::timeout(self.patience / 4, ask(&master)).await {
                Ok(Ok(shares)) => return Ok(self.map_mut(|map| map.replace(shares, |node| self.link(node)))),
                Ok(Err(error)) => why = error,
                Err(_) => why = io::Error::from(io::ErrorKind::TimedOut).into(),
            }
        }
        Err(why)
    }
}

async fn ask(master: &Master) -> RedisResult<Vec<Share>> {
    let mut question = redis::cmd("CLUSTER");
    question.arg("SLOTS");
    let shares = shares(master.link.line().await?.ask(&question).await?, &master.node)?;
    if shares.is_empty() {
        return Err((ErrorKind::Server(ServerErrorKind::ClusterDown), "nobody has any slots yet").into());
    }
    Ok(shares)
}

fn is_loading(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::BusyLoading)
}
