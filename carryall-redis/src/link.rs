//! The one connection to a server that all calls share, and its replacement once it is lost.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carryall::store::Durability;
use redis::{RedisError, RedisResult};
use tokio::time::Instant;

use crate::dial::Dial;
use crate::line::Line;
use crate::pause::Pause;
use crate::sentinel::Sentinels;
use crate::server::{Server, Setting};

/// How often sentinels are asked about a master that works, while it is in use.
const EVERY: Duration = Duration::from_secs(1);

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
    /// How long to be content with a server that refuses, because to connect anew has not led to another.
    content: Option<Pause>,
    /// When sentinels are to be asked whether this is the master still.
    next: Option<Instant>,
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
            if let Ok(line) = &known {
                self.confirm(line);
            }
            return known;
        }
        let inner = Arc::clone(&self.0);
        // It goes on when who asked has left, so that the next one need not begin again.
        let connecting = tokio::spawn(async move { inner.connect().await });
        connecting.await.unwrap_or_else(|error| Err(io::Error::other(error).into()))
    }

    /// Has sentinels asked now and then, while nobody waits for it, whether this is the master still: one that is cut off
    /// from them does not know that it is replaced.
    fn confirm(&self, line: &Line) {
        if line.master().is_some() && self.0.is_due() {
            let (inner, line) = (Arc::clone(&self.0), line.clone());
            drop(tokio::spawn(async move { inner.confirm(&line).await }));
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection, or why there is none, unless that is to be found out.
    fn known(&self) -> Option<RedisResult<Line>> {
        let state = self.state();
        let is_content = state.content.is_some_and(|content| !content.is_over());
        let is_good = |line: &&Line| !line.is_lost() && (is_content || !line.is_refusing());
        if let Some(line) = state.line.as_ref().filter(is_good) {
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
        let refusing = state.line.take().filter(|line| !line.is_lost());
        let content = refusing.is_some().then(|| Pause::after(state.content));
        match (opened, refusing) {
            (Ok((line, Server { durability })), _) => {
                let (durability, next) = (Some(durability), Some(Instant::now() + EVERY));
                *state = State { line: Some(line.clone()), failure: None, content, next, durability };
                Ok(line)
            }
            // It answers, which is more than the others do.
            (Err(_), Some(line)) => {
                (state.line, state.content) = (Some(line.clone()), content);
                Ok(line)
            }
            (Err(error), None) => {
                let before = state.failure.take().map(|(_, pause)| pause);
                state.failure = Some((error.clone(), Pause::after(before)));
                Err(error)
            }
        }
    }

    /// Whether sentinels are to be asked now. Whoever is told so asks, and the others wait for longer than that takes.
    fn is_due(&self) -> bool {
        let (mut state, now) = (self.state(), Instant::now());
        let is_due = state.next.is_none_or(|next| next <= now);
        if is_due {
            state.next = Some(now + self.patience + EVERY);
        }
        is_due
    }

    async fn confirm(&self, line: &Line) {
        let (Target::Sentinels(sentinels), Some(master)) = (&self.target, line.master()) else { return };
        if tokio::time::timeout(self.patience, sentinels.have_replaced(master)).await.unwrap_or(false) {
            line.lose();
        }
        self.state().next = Some(Instant::now() + EVERY);
    }

    async fn open(&self) -> RedisResult<(Line, Server)> {
        match &self.target {
            Target::Server(dial, setting) => Server::greet(dial, *setting, self.may_evict).await,
            Target::Sentinels(sentinels) => sentinels.open(self.may_evict).await,
        }
    }
}
