//! Sentinels: who is the master now.

use std::sync::atomic::{AtomicUsize, Ordering};

use redis::{ErrorKind, RedisError, RedisResult, Value, from_redis_value};

use crate::dial::{Dial, Node};
use crate::failure::mismatch;
use crate::line::Line;
use crate::server::{Server, Setting};

/// Who knows where the master of this name is.
pub(crate) struct Sentinels {
    dials: Vec<Dial>,
    master: String,
    /// How the master is called, wherever it is.
    server: Dial,
    /// Who is asked first.
    first: AtomicUsize,
}

/// Why there is no master; the later, the more it tells.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    NoAnswer,
    NoSuchMaster,
    MasterFails,
}

impl Sentinels {
    /// Any number of sentinels but none.
    pub(crate) fn new(dials: Vec<Dial>, master: String, server: Dial) -> Self {
        Self { dials, master, server, first: AtomicUsize::new(0) }
    }

    #[cfg(test)]
    pub(crate) fn all(&self) -> &[Dial] {
        &self.dials
    }

    /// Asks one after the other until one names a server that can be written to. Each is given a quarter of the
    /// patience; the next attempt begins behind whoever was of no help, with the one who was.
    pub(crate) async fn open(&self, may_evict: bool) -> RedisResult<(Line, Server)> {
        let mut why = (Rank::NoAnswer, RedisError::from((ErrorKind::EmptySentinelList, "no sentinel")));
        let mut tried = Vec::new();
        let first = self.first.load(Ordering::Relaxed);
        for place in (0..self.dials.len()).map(|n| (first + n) % self.dials.len()) {
            self.first.store(place + 1, Ordering::Relaxed);
            let failure = match self.ask(&self.dials[place]).await {
                Ok(Some(node)) if tried.contains(&node) => continue,
                Ok(Some(node)) => {
                    let found = Server::greet(&self.server.at(&node), Setting::Watched, may_evict).await;
                    tried.push(node);
                    match found {
                        Ok(found) => {
                            self.first.store(place, Ordering::Relaxed);
                            return Ok(found);
                        }
                        Err(error) => (Rank::MasterFails, error),
                    }
                }
                Ok(None) => {
                    let name = &self.master;
                    (Rank::NoSuchMaster, mismatch(&format!("the sentinels know no master named {name}")))
                }
                Err(error) => (Rank::NoAnswer, error),
            };
            if failure.0 >= why.0 {
                why = failure;
            }
        }
        Err(why.1)
    }

    async fn ask(&self, sentinel: &Dial) -> RedisResult<Option<Node>> {
        let mut question = redis::cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        let asking = async { Line::open(sentinel).await?.ask(&question).await };
        let answer = match tokio::time::timeout(sentinel.patience / 4, asking).await {
            Ok(answer) => answer.map_err(|error| told(&error))?,
            Err(_) => return Err((ErrorKind::Io, "a sentinel does not answer").into()),
        };
        match answer {
            Value::Nil => Ok(None),
            named => {
                let (host, port): (String, u16) = from_redis_value(named)?;
                Ok(Some(Node { host, port }))
            }
        }
    }
}

/// The same failure, as one of a sentinel.
fn told(error: &RedisError) -> RedisError {
    if error.detail().is_some_and(|text| text.starts_with("unknown command")) {
        return mismatch("what was to be a sentinel is none");
    }
    (error.kind(), "a sentinel", error.to_string()).into()
}
