//! What keeps sessions on the server: said in one word, and opened.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use carryall::MemoryStore;
use carryall::store::{AnyStore, StoreError};
use carryall_file::{FileStore, OpenErrorKind};
use carryall_redis::RedisStore;
use carryall_sql::{ConnectError, ConnectErrorKind, Dialect, MySql, Postgres, SqlStore, Sqlite};

use crate::failure::Failure;

/// What keeps sessions on the server.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) enum StoreChoice {
    /// This process.
    #[default]
    Memory,
    /// Files below this directory.
    File(PathBuf),
    /// The SQLite file of this URL.
    Sqlite(String),
    /// The PostgreSQL database of this URL.
    Postgres(String),
    /// The MySQL or MariaDB database of this URL.
    MySql(String),
    /// The Redis or Valkey of this URL, or several.
    Redis(String),
}

impl FromStr for StoreChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        let url = || text.to_owned();
        match scheme {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "file" if !rest.is_empty() => Ok(Self::File(rest.into())),
            "sqlite" if !rest.is_empty() => Ok(Self::Sqlite(url())),
            "postgres" | "postgresql" if rest.starts_with("//") => Ok(Self::Postgres(url())),
            "mysql" | "mariadb" if rest.starts_with("//") => Ok(Self::MySql(url())),
            _ if is_redis(scheme) && rest.starts_with("//") => Ok(Self::Redis(url())),
            "unix" if rest.starts_with('/') => Ok(Self::Redis(url())),
            // Without the text itself, which may hold a password.
            _ => Err(
                "it is memory, file:DIR, sqlite:FILE, postgres://.., mysql://.., redis://.., redis+sentinel://.. or redis+cluster://..",
            ),
        }
    }
}

/// Whether URLs with this scheme name a Redis or Valkey, or several.
fn is_redis(scheme: &str) -> bool {
    let (name, kind) = scheme.split_once('+').map_or((scheme, None), |(name, kind)| (name, Some(kind)));
    let is_known = matches!(kind, None | Some("sentinel" | "cluster"));
    is_known && ["redis", "rediss", "valkey", "valkeys"].contains(&name)
}

impl fmt::Debug for StoreChoice {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl StoreChoice {
    /// Where sessions are, as a sentence's end.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Memory => "the server's memory",
            Self::File(_) => "files on the server",
            Self::Sqlite(_) => "a SQLite file on the server",
            Self::Postgres(_) => "PostgreSQL",
            Self::MySql(_) => "MySQL or MariaDB",
            Self::Redis(_) => "Redis",
        }
    }

    /// Opens it, and makes its tables where they are missing.
    pub(crate) async fn open(&self) -> Result<AnyStore, Failure> {
        match self {
            Self::Memory => Ok(MemoryStore::new().into()),
            Self::File(directory) => FileStore::open(directory).map(Into::into).map_err(|error| {
                let message = format!("--store: {error}");
                if error.kind() == OpenErrorKind::Unavailable {
                    Failure::machine(message)
                } else {
                    Failure::option(message)
                }
            }),
            Self::Sqlite(url) => database::<Sqlite>(url).await,
            Self::Postgres(url) => database::<Postgres>(url).await,
            Self::MySql(url) => database::<MySql>(url).await,
            Self::Redis(url) => RedisStore::connect(url).await.map(Into::into).map_err(|error| {
                let message = format!("--store: {error}");
                if error.kind() == carryall_redis::ConnectErrorKind::Url {
                    Failure::option(message)
                } else {
                    Failure::machine(message)
                }
            }),
        }
    }
}

async fn database<D: Dialect>(url: &str) -> Result<AnyStore, Failure> {
    let connected = |error: ConnectError| {
        let message = format!("--store: {error}");
        if error.kind() == ConnectErrorKind::Url {
            Failure::option(message)
        } else {
            Failure::machine(message)
        }
    };
    let store = SqlStore::<D>::connect(url).await.map_err(connected)?;
    store.migrate().await.map_err(|error| Failure::machine(format!("--store: {}", with_cause(&error))))?;
    Ok(store.into())
}

fn with_cause(error: &StoreError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_said_in_one_word_and_nonsense_is_not_repeated() {
        for (text, name) in [
            ("memory", "memory"),
            ("file:sessions", "files"),
            ("sqlite:sessions.db", "SQLite"),
            ("postgres://ada:secret@db/shop", "PostgreSQL"),
            ("postgresql://db/shop", "PostgreSQL"),
            ("mysql://db/shop", "MariaDB"),
            ("mariadb://db/shop", "MariaDB"),
            ("redis://ada:secret@db/0", "Redis"),
            ("rediss://:secret@db", "Redis"),
            ("unix:/run/redis?pass=secret", "Redis"),
            ("redis+sentinel://:secret@one,two/shop", "Redis"),
            ("rediss+cluster://:secret@one,two", "Redis"),
            ("valkey+cluster://one", "Redis"),
        ] {
            let choice: StoreChoice = text.parse().expect(text);
            assert!(choice.name().contains(name), "{text}: {choice:?}");
            assert!(!format!("{choice:?}").contains("secret"));
        }
        for text in [
            "",
            "memory:x",
            "file",
            "file:",
            "sqlite:",
            "postgres:db",
            "redis:db",
            "redis+cluster:db",
            "redis+secret://db",
            "mongodb://secret@db",
        ] {
            let error = text.parse::<StoreChoice>().expect_err(text);
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
