//! Sentinels: who is the master now.

use std::sync::atomic::{AtomicUsize, Ordering};

use redis::{ErrorKind, RedisError, RedisResult, Value, from_redis_value};
use tokio::task::JoinSet;

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
    /// Who is asked next whether the master is the same.
    next: AtomicUsize,
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
        let (first, next) = Default::default();
        Self { dials, master, server, first, next }
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
            let failure = match ask(&self.dials[place], &self.master).await {
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

    /// Whether they have another master by now. One of them is asked, another one each time, and all the others if it
    /// says so: one that is cut off from the others is outvoted.
    pub(crate) async fn have_replaced(&self, master: &Node) -> bool {
        let first = self.next.fetch_add(1, Ordering::Relaxed) % self.dials.len();
        let named = match ask(&self.dials[first], &self.master).await {
            Ok(Some(named)) if named != *master => named,
            _ => return false,
        };
        let mut asking = JoinSet::new();
        for (place, dial) in self.dials.iter().cloned().enumerate().filter(|(place, _)| *place != first) {
            let name = self.master.clone();
            asking.spawn(async move { (place, ask(&dial, &name).await.ok().flatten()) });
        }
        let mut said = asking.join_all().await;
        said.push((first, Some(named)));
        let knowing = successor(&said, master);
        // Who knows of it is asked first when the link connects.
        if let Some(place) = knowing {
            self.first.store(place, Ordering::Relaxed);
        }
        knowing.is_some()
    }
}

async fn ask(sentinel: &Dial, master: &str) -> RedisResult<Option<Node>> {
    let mut question = redis::cmd("SENTINEL");
    question.arg("GET-MASTER-ADDR-BY-NAME").arg(master);
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

/// The place of a sentinel that names another master, if half of all name the same one and more than any other.
fn successor(said: &[(usize, Option<Node>)], master: &Node) -> Option<usize> {
    let named = || said.iter().filter_map(|(place, node)| Some((*place, node.as_ref()?)));
    let votes = |node: &Node| named().filter(|(_, other)| *other == node).count();
    let (place, elected) = named().max_by_key(|(_, node)| votes(node))?;
    let is_tied = named().any(|(_, other)| other != elected && votes(other) == votes(elected));
    (elected != master && !is_tied && 2 * votes(elected) >= said.len()).then_some(place)
}

/// The same failure, as one of a sentinel.
fn told(error: &RedisError) -> RedisError {
    if error.detail().is_some_and(|text| text.starts_with("unknown command")) {
        return mismatch("what was to be a sentinel is none");
    }
    (error.kind(), "a sentinel", error.to_string()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_is_replaced_if_half_of_the_sentinels_say_so_and_fewer_say_anything_else() {
        let node = |name: char| Node { host: name.to_string(), port: 1 };
        // `a` is the master; `-` does not answer.
        for (said, expected) in [
            ("b", true),
            ("a", false),
            ("ba", false),
            ("b-", true),
            ("abb", true),
            ("aab", false),
            ("b--", false),
            ("bb-", true),
            ("bbcc", false),
            ("bbca", true),
            ("---", false),
        ] {
            let said: Vec<_> =
                said.chars().map(|name| (name != '-').then(|| node(name))).enumerate().collect();
            let place = successor(&said, &node('a'));
            assert_eq!(place.is_some(), expected, "{said:?}");
            assert!(place.is_none_or(|place| said[place].1 == Some(node('b'))), "{said:?}");
        }
    }
}
