//! The one connection to a server that all calls share, and its replacement once it is lost.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carryall::store::Durability;
use redis::{RedisError, RedisResult};

use crate::dial::Dial;
use crate::line::Line;
use crate::pause::Pause;
use crate::sentinel::Sentinels;
use crate::server::{Server, Setting};

/// The connection. Lost, it is opened anew by the next call; after a failure calls fail at once for a pause.
#[derive(Clone)]
pub(crate) struct Link(Arc<Inner>);

struct Inner {
    target: Target,
    may_evict: bool,
    patience: Duration,
    state: Mutex<State>,
    /// Whoever connects holds it, and the others wait for that.
    turn: tokio::sync::Mutex<()>,
}

/// Where the server is.
pub(crate) enum Target {
    /// Where it always is.
    Server(Dial, Setting),
    /// Where the sentinels say.
    Sentinels(Sentinels),
}

#[derive(Default)]
struct State {
    line: Option<Line>,
    failure: Option<(RedisError, Pause)>,
    /// As the server was when it was last connected to.
    durability: Option<Durability>,
}

impl Link {
    /// A link that connects once somebody asks.
    pub(crate) fn to(target: Target, may_evict: bool, patience: Duration) -> Self {
        let (state, turn) = Default::default();
        Self(Arc::new(Inner { target, may_evict, patience, state, turn }))
    }

    /// What the last server was that it connected to.
    pub(crate) fn durability(&self) -> Durability {
        self.0.state().durability.unwrap_or(Durability::Volatile)
    }

    /// Whether the last attempt to connect failed, or the connection is lost.
    pub(crate) fn is_troubled(&self) -> bool {
        let state = self.0.state();
        state.failure.is_some() || state.line.as_ref().is_some_and(Line::is_lost)
    }

    /// The connection, a new one if need be.
    pub(crate) async fn line(&self) -> RedisResult<Line> {
        if let Some(known) = self.0.known() {
            return known;
        }
        let inner = Arc::clone(&self.0);
        // It goes on when who asked has left, so that the next one need not begin again.
        let connecting = tokio::spawn(async move { inner.connect().await });
        connecting.await.unwrap_or_else(|error| Err(io::Error::other(error).into()))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, or why there is none, unless that is to be found out.
    fn known(&self) -> Option<RedisResult<Line>> {
        let state = self.state();
        if let Some(line) = state.line.as_ref().filter(|line| !line.is_lost()) {
            return Some(Ok(line.clone()));
        }
        let (error, pause) = state.failure.as_ref()?;
        (!pause.is_over()).then(|| Err(error.clone()))
    }

    async fn connect(&self) -> RedisResult<Line> {
        let _turn = self.turn.lock().await;
        if let Some(known) = self.known() {
            return known;
        }
        let opening = tokio::time::timeout(self.patience, self.open()).await;
        let opened = opening.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()));
        let mut state = self.state();
        match opened {
            Ok((line, Server { durability })) => {
                *state = State { line: Some(line.clone()), failure: None, durability: Some(durability) };
                Ok(line)
            }
            Err(error) => {
                let before = state.failure.take().map(|(_, pause)| pause);
                state.line = None;
                state.failure = Some((error.clone(), Pause::after(before)));
                Err(error)
            }
        }
    }

    async fn open(&self) -> RedisResult<(Line, Server)> {
        match &self.target {
            Target::Server(dial, setting) => Server::greet(dial, *setting, self.may_evict).await,
            Target::Sentinels(sentinels) => sentinels.open(self.may_evict).await,
        }
    }
}
