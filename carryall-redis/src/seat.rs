//! One connection on which a record is watched.

use std::sync::Arc;

use carryall::id::RecordKey;
use redis::{Cmd, ErrorKind, Pipeline, RedisResult, Value};

use crate::dial::Dial;
use crate::failure::{is_refusal, mismatch, says};
use crate::line::Line;
use crate::link::Link;
use crate::watches::Known;

pub(crate) struct Seat {
    line: Line,
    /// The link's own when this was opened. Once that is found to lead to the wrong server, so does this.
    own: Line,
    state: State,
    _place: Place,
}

/// One of the places for connections, taken for as long as it is there.
#[derive(Clone, Default)]
pub(crate) struct Place(Arc<()>);

/// What a connection watches.
enum State {
    Nothing,
    /// Something that is nobody's concern any more, or a transaction that somebody has left.
    Leftover,
    /// A record, in a transaction that has begun.
    Record(RecordKey, Known),
}

impl Place {
    /// How many there are but this one.
    pub(crate) fn taken(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }
}

impl Seat {
    /// Another connection to the very server that the link leads to, `None` if it shows that it may not do what will be
    /// asked of it.
    pub(crate) async fn open(
        dial: &Dial,
        link: &Link,
        name: &[u8],
        place: Place,
    ) -> RedisResult<Option<Self>> {
        let own = link.line().await?;
        let other = Line::open(dial).await?;
        let mut look = redis::pipe();
        look.cmd("INFO").arg("server").cmd("INFO").arg("replication");
        let mut proof = redis::pipe();
        proof.cmd("WATCH").arg(name).cmd("MULTI").cmd("EXEC").cmd("MULTI").cmd("DISCARD");
        let known: Vec<String> = own.clone().ask_all(&look).await?;
        let met: Vec<String> = other.clone().ask_all(&look).await?;
        if field(&known, "run_id") != field(&met, "run_id") || field(&met, "role") != Some("master") {
            return Err(mismatch("another connection leads to another server"));
        }
        match other.clone().ask_all::<Vec<Value>>(&proof).await {
            Ok(_) => Ok(Some(Self { line: other, own, state: State::Nothing, _place: place })),
            Err(error) if says(&error, "NOPERM") || says(&error, "ERR") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What is under this name, from now on watched, with a transaction begun.
    pub(crate) async fn get(&mut self, name: &[u8]) -> RedisResult<Value> {
        let mut questions = redis::pipe();
        if !matches!(self.state, State::Nothing) {
            // It ends what is watched, too. If there is none, that is as good.
            questions.cmd("DISCARD");
        }
        questions.cmd("WATCH").arg(name).cmd("GET").arg(name).cmd("MULTI");
        let [watched, found, begun] = self.ask(questions).await?;
        watched?;
        begun?;
        found
    }

    /// Lets the transaction do this. Answers whether it was done, nothing if the server refused.
    pub(crate) async fn set(&mut self, set: Cmd) -> RedisResult<Option<bool>> {
        let mut questions = redis::pipe();
        questions.add_command(set).cmd("EXEC");
        let [_, done] = self.ask(questions).await?;
        let is_done = match done {
            Ok(Value::Nil) => Some(false),
            Ok(Value::Array(all)) => all.last().filter(|last| **last == Value::Okay).map(|_| true),
            Ok(_) => return Err((ErrorKind::UnexpectedReturnType, "no answer to a transaction").into()),
            Err(error) if is_refusal(&error) => None,
            Err(error) => return Err(error),
        };
        self.state = State::Nothing;
        Ok(is_done)
    }

    /// The last answers. Whoever stops waiting leaves something behind on the connection.
    async fn ask<const N: usize>(&mut self, mut questions: Pipeline) -> RedisResult<[RedisResult<Value>; N]> {
        self.state = State::Leftover;
        questions.ignore_errors();
        let mut answers: Vec<RedisResult<Value>> = self.line.clone().ask_all(&questions).await?;
        let last = answers.split_off(answers.len().saturating_sub(N));
        last.try_into().map_err(|_| (ErrorKind::UnexpectedReturnType, "too few answers").into())
    }

    /// This is the record that is watched.
    pub(crate) fn watch(&mut self, key: RecordKey, known: Known) {
        self.state = State::Record(key, known);
    }

    /// Nobody will write what is watched.
    pub(crate) fn forget(&mut self) {
        self.state = State::Leftover;
    }

    pub(crate) fn watched(&self) -> Option<(RecordKey, Known)> {
        match &self.state {
            State::Record(key, known) => Some((*key, *known)),
            State::Nothing | State::Leftover => None,
        }
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.line.is_lost() || self.own.is_lost()
    }

    /// Whether somebody has stopped waiting for it, and it is not known yet whether it has fallen silent.
    pub(crate) fn is_doubted(&self) -> bool {
        self.line.is_doubted()
    }
}

fn field<'a>(info: &'a [String], name: &str) -> Option<&'a str> {
    let mut lines = info.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once(':'));
    lines.find_map(|(known, value)| (known == name).then_some(value))
}
