//! The one connection that all calls share, and its replacement once it is lost.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carryall::store::Durability;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, PushInfo, PushKind};
use redis::{RedisError, RedisResult, ServerErrorKind, Value};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::failure::says;
use crate::script::Script;
use crate::server::Server;

/// How long nobody tries to connect after a first failure, and at most after many.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The connection. Lost, it is opened anew by the next call; after a failure calls fail at once for a pause.
pub(crate) struct Link {
    client: Client,
    patience: Duration,
    state: Mutex<State>,
    /// As the server was when it was last connected to.
    durability: std::sync::Mutex<Durability>,
}

#[derive(Default)]
struct State {
    line: Option<Line>,
    failure: Option<Failure>,
}

/// A connection that many calls use at once.
#[derive(Clone)]
struct Line {
    connection: MultiplexedConnection,
    is_lost: Arc<AtomicBool>,
}

struct Failure {
    error: RedisError,
    pause: Duration,
    until: Instant,
}

impl Link {
    /// Connects for the first time; answers what the server is like, too.
    pub(crate) async fn open(client: Client, patience: Duration) -> RedisResult<(Self, Server)> {
        let (line, server) = Line::open(&client, patience).await?;
        let state = Mutex::new(State { line: Some(line), failure: None });
        let durability = server.durability.into();
        Ok((Self { client, patience, state, durability }, server))
    }

    pub(crate) fn durability(&self) -> Durability {
        *self.durability.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Asks the server once.
    pub(crate) async fn ask(&self, question: &Cmd) -> RedisResult<Value> {
        let mut line = self.line().await?;
        let answer = question.query_async(&mut line.connection).await;
        line.judge(answer)
    }

    /// Calls a script by its hash, and by its text if the server has forgotten it.
    pub(crate) async fn call(&self, script: &Script, call: &Cmd) -> RedisResult<Value> {
        match self.ask(call).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.ask(&script.in_full(call)).await
            }
            answer => answer,
        }
    }

    /// Asks again if the connection was lost before the answer came: only what changes nothing.
    pub(crate) async fn read(&self, question: &Cmd) -> RedisResult<Value> {
        match self.ask(question).await {
            Err(error) if is_lost(&error) && !error.is_timeout() => self.ask(question).await,
            answer => answer,
        }
    }

    async fn line(&self) -> RedisResult<Line> {
        // Whoever finds it lost connects, and the others wait for that. One that leaves hands on its turn.
        let mut state = self.state.lock().await;
        if let Some(line) = state.line.as_ref().filter(|line| !line.is_lost.load(Ordering::Acquire)) {
            return Ok(line.clone());
        }
        state.line = None;
        if let Some(failure) = state.failure.as_ref().filter(|failure| Instant::now() < failure.until) {
            return Err(failure.error.clone());
        }
        match Line::open(&self.client, self.patience).await {
            Ok((line, server)) => {
                *self.durability.lock().unwrap_or_else(std::sync::PoisonError::into_inner) =
                    server.durability;
                *state = State { line: Some(line.clone()), failure: None };
                Ok(line)
            }
            Err(error) => {
                let before = state.failure.as_ref().map(|failure| failure.pause);
                let pause = before.map_or(PAUSES.0, |pause| (2 * pause).min(PAUSES.1));
                let until = Instant::now() + pause;
                state.failure = Some(Failure { error: error.clone(), pause, until });
                Err(error)
            }
        }
    }
}

impl Line {
    async fn open(client: &Client, patience: Duration) -> RedisResult<(Self, Server)> {
        let is_lost = Arc::new(AtomicBool::new(false));
        let noted = Arc::clone(&is_lost);
        let note = move |push: PushInfo| {
            if push.kind == PushKind::Disconnection {
                noted.store(true, Ordering::Release);
            }
            Ok::<_, redis::aio::SendError>(())
        };
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(patience))
            .set_response_timeout(Some(patience))
            .set_push_sender(note);
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let server = Server::greet(&mut connection).await?;
        Ok((Self { connection, is_lost }, server))
    }

    /// Notes if the connection is good for nothing any more.
    fn judge<T>(&self, answer: RedisResult<T>) -> RedisResult<T> {
        if answer.as_ref().is_err_and(is_lost) {
            self.is_lost.store(true, Ordering::Release);
        }
        answer
    }
}

/// Whether a new connection may help: this one is lost, silent, or leads to a server that has become a replica.
fn is_lost(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.is_timeout() || says(error, "READONLY")
}

impl fmt::Debug for Link {
    /// Without the client, which knows the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("durability", &self.durability()).finish_non_exhaustive()
    }
}
