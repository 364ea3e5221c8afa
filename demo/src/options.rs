//! What the demo can be told, by flag or by environment variable.

use std::path::PathBuf;
use std::time::Duration;

use carryall::Lifetime;
use clap::builder::BoolishValueParser;
use clap::{Parser, ValueEnum};

use crate::failure::Failure;
use crate::span;
use crate::store::StoreChoice;

const STORES: &str = "What keeps sessions on the server: memory, file:DIR, sqlite:FILE, \
    postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE, redis://HOST/DATABASE, \
    redis+sentinel://HOST,HOST/NAME, redis+cluster://HOST,HOST [default: memory]";

/// A small shop that shows what Carryall does with sessions.
#[derive(Clone, Debug, Parser)]
#[command(name = "carryall-demo", version, max_term_width = 100)]
pub struct Options {
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "CARRYALL_LISTEN", value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    pub(crate) listen: String,

    /// Where sessions live: in the cookie, or on the server [default: client, with --store: store]
    #[arg(long, env = "CARRYALL_PLACE", value_name = "PLACE")]
    pub(crate) place: Option<PlaceChoice>,

    /// How a session rides in its cookie, with --place client [default: sealed]
    #[arg(long, env = "CARRYALL_CARRIER", value_name = "CARRIER")]
    pub(crate) carrier: Option<CarrierChoice>,

    /// What keeps sessions on the server
    #[arg(long, env = "CARRYALL_STORE", value_name = "STORE", hide_env_values = true, help = STORES)]
    pub(crate) store: Option<StoreChoice>,

    /// A file with the keys, created with a fresh key when absent [default: a fresh key in memory]
    #[arg(long, env = "CARRYALL_KEYS", value_name = "FILE")]
    pub(crate) keys: Option<PathBuf>,

    /// Ends a session that was not used for this long [default: 30m]
    #[arg(long, env = "CARRYALL_IDLE", value_name = "TIME", value_parser = span::parse)]
    pub(crate) idle: Option<Duration>,

    /// Ends a session this long after it began [default: 12h]
    #[arg(long, env = "CARRYALL_ABSOLUTE", value_name = "TIME", value_parser = span::parse)]
    pub(crate) absolute: Option<Duration>,

    /// How old "last seen" may grow before it is written anew [default: 60s, or a quarter of idle]
    #[arg(long, env = "CARRYALL_REFRESH", value_name = "TIME", value_parser = span::parse)]
    pub(crate) refresh: Option<Duration>,

    /// On how many devices a user may be signed in at once, with a store that can list them [default: any number]
    #[arg(long, env = "CARRYALL_DEVICES", value_name = "NUMBER")]
    pub(crate) devices: Option<usize>,

    /// What becomes of one device more [default: oldest]
    #[arg(long, env = "CARRYALL_WHEN_FULL", value_name = "WHO", requires = "devices")]
    pub(crate) when_full: Option<WhoGoes>,

    /// Drops `Secure` from the cookie, for browsers that refuse it without TLS
    #[arg(long, env = "CARRYALL_PLAIN_HTTP", value_parser = BoolishValueParser::new())]
    pub(crate) plain_http: bool,
}

/// Where sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlaceChoice {
    /// In the cookie
    Client,
    /// On the server
    Store,
}

/// How a session rides in its cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CarrierChoice {
    /// Encrypted
    Sealed,
    /// Signed: readable by the visitor
    Signed,
}

/// Who goes when a user signs in on one device too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WhoGoes {
    /// The oldest is signed out
    Oldest,
    /// The new one is refused
    New,
}

impl Options {
    /// Reads the command line and the environment.
    ///
    /// # Errors
    /// One line for an option that is unknown, cannot be read or contradicts another; the text that was asked for
    /// with `--help` and `--version`.
    pub fn from_command_line() -> Result<Self, Failure> {
        Self::read(std::env::args_os())
    }

    /// Reads these words, the program's name first, and the environment.
    ///
    /// # Errors
    /// As [`from_command_line`](Self::from_command_line).
    pub fn read<W>(words: impl IntoIterator<Item = W>) -> Result<Self, Failure>
    where
        W: Into<std::ffi::OsString> + Clone,
    {
        let options = Self::try_parse_from(words).map_err(|error| explain(&error))?;
        options.check()?;
        Ok(options)
    }

    fn check(&self) -> Result<(), Failure> {
        if self.place() == PlaceChoice::Store && self.carrier.is_some() {
            return Err(Failure::option(
                "--carrier is for --place client: with a store the cookie carries an id only; drop one of them",
            ));
        }
        if self.place() == PlaceChoice::Client && self.store.is_some() {
            return Err(Failure::option(
                "--store is for --place store: with --place client no server keeps anything",
            ));
        }
        self.lifetime().check().map_err(|error| {
            Failure::option(format!("--idle, --absolute and --refresh do not fit together: {error}"))
        })
    }

    /// Where sessions live: whoever names a store wants it used.
    pub(crate) fn place(&self) -> PlaceChoice {
        let usual = if self.store.is_some() { PlaceChoice::Store } else { PlaceChoice::Client };
        self.place.unwrap_or(usual)
    }

    /// The deadlines; what was not said follows from what was.
    pub(crate) fn lifetime(&self) -> Lifetime {
        let absolute = self.absolute();
        let idle = self.idle();
        let quarter = Duration::from_millis(u64::try_from(idle.as_millis() / 4).unwrap_or(u64::MAX));
        let refresh = self.refresh.unwrap_or(Duration::from_mins(1).min(quarter));
        Lifetime::default().idle(idle).absolute(absolute).refresh(refresh)
    }

    pub(crate) fn idle(&self) -> Duration {
        self.idle.unwrap_or(Duration::from_mins(30).min(self.absolute()))
    }

    pub(crate) fn absolute(&self) -> Duration {
        let usual = Duration::from_hours(12);
        self.absolute.unwrap_or_else(|| self.idle.unwrap_or_default().max(usual))
    }
}

/// Clap's message without its usage lines.
fn explain(error: &clap::Error) -> Failure {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayVersion) {
        return Failure::asked(error.to_string());
    }
    let text = without_store(error);
    let lines = text
        .lines()
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"));
    let message = lines.collect::<Vec<_>>().join(" ");
    Failure::option(message.strip_prefix("error: ").unwrap_or(&message))
}

/// The message without what was said for `--store`, which may hold a password.
fn without_store(error: &clap::Error) -> String {
    use clap::error::{ContextKind, ContextValue};
    let text = error.to_string();
    match (error.get(ContextKind::InvalidArg), error.get(ContextKind::InvalidValue)) {
        (Some(ContextValue::String(option)), Some(ContextValue::String(value)))
            if option.starts_with("--store") && !value.is_empty() =>
        {
            text.replace(&format!("'{value}' "), "")
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Options, Failure> {
        Options::read(std::iter::once("carryall-demo").chain(words.iter().copied()))
    }

    #[test]
    fn a_contradiction_is_one_line() {
        for words in [
            &["--place", "store", "--carrier", "sealed"][..],
            &["--store", "memory", "--place", "client"],
            &["--store", "memory", "--carrier", "sealed"],
            &["--store", "mongodb://db"],
            &["--idle", "2h", "--absolute", "1h"],
            &["--idle", "10", "--refresh", "10"],
            &["--idle", "0"],
            &["--when-full", "new"],
            &["--devices", "many"],
            &["--idle", "soon"],
            &["--place", "cloud"],
            &["--flag"],
            &["word"],
        ] {
            let failure = read(words).expect_err("an option that makes no sense");
            let text = failure.to_string();
            assert_eq!((failure.code, text.lines().count()), (2, 1), "{words:?}: {text}");
        }
    }

    #[test]
    fn a_store_that_is_named_is_used_and_a_wrong_one_is_not_repeated() {
        let options = read(&["--store", "sqlite:sessions.db"]).expect("options");
        assert_eq!(options.place(), PlaceChoice::Store);
        assert_eq!(read(&[]).expect("options").place(), PlaceChoice::Client);
        let text = read(&["--store", "mongodb://ada:secret@db"]).expect_err("no such store").to_string();
        assert!(
            text.contains("--store") && text.contains("postgres://") && !text.contains("secret"),
            "{text}"
        );
    }

    #[test]
    fn deadlines_that_were_not_said_follow_from_those_that_were() {
        for words in [
            &["--idle", "2"][..],
            &["--absolute", "4"],
            &["--idle", "1d"],
            &["--idle", "2", "--absolute", "4"],
        ] {
            assert!(read(words).is_ok(), "{words:?}");
        }
    }
}
