//! A connection that many calls use at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, Pipeline, PushInfo, PushKind, RedisError,
    RedisResult, Value,
};
use tokio::runtime::Handle;

use crate::dial::{Dial, Node};
use crate::failure::says;

#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) connection: MultiplexedConnection,
    health: Arc<Health>,
}

#[derive(Default)]
struct Health {
    /// Who answers, if sentinels have named it.
    master: Option<Node>,
    is_lost: AtomicBool,
    is_refusing: AtomicBool,
    is_doubted: AtomicBool,
}

impl Line {
    pub(crate) async fn open(dial: &Dial) -> RedisResult<Self> {
        Self::open_to(dial, None).await
    }

    /// A connection to whoever sentinels name the master.
    pub(crate) async fn open_to_master(dial: &Dial) -> RedisResult<Self> {
        Self::open_to(dial, dial.node()).await
    }

    async fn open_to(dial: &Dial, master: Option<Node>) -> RedisResult<Self> {
        let health = Arc::new(Health { master, ..Health::default() });
        let noted = Arc::clone(&health);
        let note = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                noted.is_lost.store(true, Ordering::Release);
            }
            Ok::<_, redis::aio::SendError>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(dial.patience))
            .set_response_timeout(Some(dial.patience))
            .set_push_sender(note);
        let connection = dial.client()?.get_multiplexed_async_connection_with_config(&config).await?;
        Ok(Self { connection, health })
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.health.is_lost.load(Ordering::Acquire)
    }

    /// Whether it is being found out whether the server has fallen silent.
    pub(crate) fn is_doubted(&self) -> bool {
        self.health.is_doubted.load(Ordering::Acquire)
    }

    pub(crate) fn lose(&self) {
        self.health.is_lost.store(true, Ordering::Release);
    }

    /// Whether sentinels may know of a better server, although this one answers.
    pub(crate) fn is_refusing(&self) -> bool {
        self.health.is_refusing.load(Ordering::Acquire)
    }

    pub(crate) fn master(&self) -> Option<&Node> {
        self.health.master.as_ref()
    }

    /// Asks once.
    pub(crate) async fn ask(self, question: &Cmd) -> RedisResult<Value> {
        let mut asking = Asking::new(self);
        let answer = question.query_async(&mut asking.line.connection).await;
        asking.end(answer)
    }

    /// Asks several things at once.
    pub(crate) async fn ask_all<T: FromRedisValue>(self, questions: &Pipeline) -> RedisResult<T> {
        let mut asking = Asking::new(self);
        let answers = questions.query_async(&mut asking.line.connection).await;
        asking.end(answers)
    }

    /// Asks a node of a cluster that is to get what the question is about, but has not yet.
    pub(crate) async fn ask_ahead(self, question: &Cmd) -> RedisResult<Value> {
        let mut both = redis::pipe();
        both.cmd("ASKING").add_command(question.clone()).ignore_errors();
        let line = self.clone();
        let mut answers: Vec<RedisResult<Value>> = self.ask_all(&both).await?;
        let answer =
            answers.pop().unwrap_or_else(|| Err((ErrorKind::UnexpectedReturnType, "no answer").into()));
        line.judge(&answer);
        answer
    }

    /// Finds out whether the server has fallen silent: somebody has stopped waiting for its answer.
    fn doubt(mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if self.is_lost() || self.health.is_doubted.swap(true, Ordering::AcqRel) {
            return;
        }
        runtime.spawn(async move {
            let answer: RedisResult<Value> = redis::cmd("PING").query_async(&mut self.connection).await;
            self.health.is_doubted.store(false, Ordering::Release);
            self.judge(&answer);
        });
    }

    /// Notes if the connection is good for nothing any more, or leads to the wrong server.
    fn judge<T>(&self, answer: &RedisResult<T>) {
        let Err(error) = answer else { return };
        if is_lost(error) {
            self.lose();
        } else if self.master().is_some() && is_refused(error) {
            self.health.is_refusing.store(true, Ordering::Release);
        }
    }
}

/// A question under way. Whoever drops it before its end leaves a doubt: a server that never answers would
/// otherwise be waited for by one call after the other, none of which waits long enough to tell.
struct Asking {
    line: Line,
    is_answered: bool,
}

impl Asking {
    fn new(line: Line) -> Self {
        Self { line, is_answered: false }
    }

    fn end<T>(mut self, answer: RedisResult<T>) -> RedisResult<T> {
        self.is_answered = true;
        self.line.judge(&answer);
        answer
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if !self.is_answered {
            self.line.clone().doubt();
        }
    }
}

/// Whether a new connection may help: this one is lost, silent, or leads to a server that has become a replica.
pub(crate) fn is_lost(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.is_timeout() || says(error, "READONLY")
}

/// Whether this is what a master answers that was cut off from its replicas, or a server that follows another by now.
fn is_refused(error: &RedisError) -> bool {
    ["NOREPLICAS", "MASTERDOWN", "LOADING"].iter().any(|code| says(error, code))
}

#[cfg(test)]
mod tests {
    use redis::ServerErrorKind::{BusyLoading, MasterDown, ReadOnly};

    use super::*;

    #[test]
    fn what_a_master_says_that_is_none_any_more_is_known() {
        let no_replicas = redis::make_extension_error("NOREPLICAS".to_owned(), None);
        assert!(is_refused(&no_replicas) && !is_lost(&no_replicas));
        for (kind, refused) in [(MasterDown, true), (BusyLoading, true), (ReadOnly, false)] {
            let error = (ErrorKind::Server(kind), "said").into();
            assert_eq!((is_refused(&error), is_lost(&error)), (refused, !refused), "{kind:?}");
        }
    }
}
