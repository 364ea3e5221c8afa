//! A `tracing` subscriber that hears every word at every level, whatever is tested, and ends the test program when it hears
//! a secret: a session's token, or a value that is marked as a canary.

use std::collections::VecDeque;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

/// What no word may hold, beside the tokens of sessions.
const CANARY: &str = "canary";
/// How many of the newest tokens are listened for.
const TOKENS: usize = 64;
/// How many of the newest lines are looked at again when a token gets known.
const LINES: usize = 256;
/// What of a token is long enough to be no accident.
const TELLING: usize = 24;

/// Everything that was traced since somebody wanted to read it.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    text: Option<String>,
    tokens: VecDeque<String>,
    lines: VecDeque<String>,
}

/// Listens from now on, if nobody does yet.
pub fn listen() -> Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        tracing::subscriber::set_global_default(log.clone()).unwrap();
        log
    })
    .clone()
}

/// This token must never be traced.
pub fn keep_secret(token: &str) {
    let Some(telling) = token.len().checked_sub(TELLING) else { return };
    let log = listen();
    let mut heard = log.heard();
    // The end of it: all begin alike.
    let secret = &token[telling..];
    if let Some(line) = heard.lines.iter().find(|line| line.contains(secret)) {
        give_up(line);
    }
    push(&mut heard.tokens, TOKENS, secret.to_owned());
}

fn push(lines: &mut VecDeque<String>, most: usize, line: String) {
    if lines.len() == most {
        lines.pop_front();
    }
    lines.push_back(line);
}

fn give_up(line: &str) -> ! {
    eprintln!("a secret was traced: {line}");
    // A panic would be caught as one of the handler.
    std::process::abort();
}

impl Log {
    /// The log of this test program. A subscriber of one thread would miss what another thread asked for first.
    pub fn global() -> Self {
        let log = listen();
        log.heard().text.get_or_insert_default();
        log
    }

    pub fn text(&self) -> String {
        self.heard().text.clone().unwrap_or_default()
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, line: &str) {
        let mut heard = self.heard();
        let is_secret = line.contains(CANARY) || heard.tokens.iter().any(|token| line.contains(token));
        if let Some(text) = &mut heard.text {
            // Somebody reads it, and knows what may be in it.
            text.push_str(line);
            text.push('\n');
        } else if is_secret {
            give_up(line);
        } else {
            push(&mut heard.lines, LINES, line.to_owned());
        }
    }
}

struct Words<'a>(&'a mut String);

impl Visit for Words<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut line = format!("span {}", attributes.metadata().name());
        attributes.record(&mut Words(&mut line));
        self.hear(&line);
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut line = String::new();
        values.record(&mut Words(&mut line));
        self.hear(&line);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = format!("{} {}", event.metadata().level(), event.metadata().target());
        event.record(&mut Words(&mut line));
        self.hear(&line);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
