//! A law: a sentence and the function that tries to break it.

use std::fmt::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::id::RecordKey;
use crate::random::{Random as _, SystemRandom};
use crate::store::{Commit, Draft, Header, Record, Store, StoreError, Version};

/// A sentence that is true of every store, and the function that tries to show that it is not.
pub(super) struct Law<S> {
    /// The function's name.
    pub(super) name: &'static str,
    pub(super) check: fn(Trial<S>) -> Checking,
}

type Checking = Pin<Box<dyn Future<Output = Held> + Send>>;

/// Whether a law held.
pub(super) type Held = Result<(), Flaw>;

/// What was seen that a law forbids.
#[derive(Debug)]
pub(super) struct Flaw(pub(super) String);

impl From<StoreError> for Flaw {
    fn from(error: StoreError) -> Self {
        Self(format!("the store failed: {error:?}"))
    }
}

impl From<tokio::task::JoinError> for Flaw {
    fn from(error: tokio::task::JoinError) -> Self {
        Self(error.to_string())
    }
}

/// A law that did not hold.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) name: &'static str,
    flaw: Flaw,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name.replace('_', " "), self.flaw.0)
    }
}

/// The functions as laws, named by themselves.
macro_rules! laws {
    ($($name:ident),+ $(,)?) => {
        vec![$(crate::conformance::law::Law { name: stringify!($name), check: |trial| Box::pin($name(trial)) }),+]
    };
}

/// Ends a law's check unless the condition holds.
macro_rules! ensure {
    ($condition:expr, $($text:tt)+) => {
        if !$condition {
            return Err(crate::conformance::law::Flaw(format!($($text)+)));
        }
    };
}

pub(super) use {ensure, laws};

/// Runs the laws one after the other; answers those that did not hold.
pub(super) async fn broken<S: Store>(laws: Vec<Law<S>>, make: impl AsyncFn() -> S) -> Vec<Broken> {
    let mut broken = Vec::new();
    for Law { name, check } in laws {
        let trial = Trial { store: Arc::new(make().await), now: SystemClock.now() };
        // On a task of its own, so that a panic of the store breaks one law and not the suite.
        let held = tokio::spawn(check(trial)).await.unwrap_or_else(|error| Err(error.into()));
        if let Err(flaw) = held {
            broken.push(Broken { name, flaw });
        }
    }
    broken
}

pub(super) fn report(broken: &[Broken]) {
    let mut text = String::new();
    for law in broken {
        // Writing to a string cannot fail.
        let _ = write!(text, "\n  {law}");
    }
    assert!(broken.is_empty(), "the store breaks {} of its laws:{text}", broken.len());
}

/// One store on trial.
#[derive(Debug)]
pub(super) struct Trial<S> {
    pub(super) store: Arc<S>,
    /// The present. Deadlines lie at least half an hour ahead of it.
    pub(super) now: Timestamp,
}

impl<S> Clone for Trial<S> {
    fn clone(&self) -> Self {
        Self { store: Arc::clone(&self.store), now: self.now }
    }
}

impl<S: Store> Trial<S> {
    /// A key that no record has.
    #[allow(clippy::unused_self, reason = "reads as part of the trial")]
    pub(super) fn key(&self) -> Result<RecordKey, Flaw> {
        let mut bytes = [0; RecordKey::LEN];
        SystemRandom.secret(&mut bytes).map_err(|error| Flaw(error.to_string()))?;
        Ok(RecordKey::from_bytes(bytes))
    }

    /// This long after the present.
    pub(super) fn minutes(&self, minutes: u64) -> Timestamp {
        self.now.plus(Duration::from_mins(minutes))
    }

    /// An anonymous record that expires in 30 minutes and lives 12 hours at most.
    pub(super) fn draft(&self, payload: impl Into<Bytes>) -> Draft {
        let header = Header {
            created: self.now,
            seen: self.now,
            expires: self.minutes(30),
            latest: self.minutes(12 * 60),
            subject: None,
        };
        Draft { header, payload: payload.into() }
    }

    /// Creates a record under a new key.
    pub(super) async fn created(&self, draft: Draft) -> Result<(RecordKey, Record), Flaw> {
        let key = self.key()?;
        let outcome = self.store.commit(&key, None, draft.clone(), self.now).await?;
        ensure!(
            outcome == Commit::Committed(Version::FIRST),
            "creating a record was answered with {outcome:?}"
        );
        Ok((key, record(Version::FIRST, draft)))
    }

    /// Ensures that the store has exactly this record.
    pub(super) async fn expect(&self, key: &RecordKey, expected: &Record, when: &str) -> Held {
        let found = self.store.load(key, self.now).await?;
        ensure!(found.as_ref() == Some(expected), "{when}: expected {expected:?}, found {found:?}");
        Ok(())
    }

    /// Ensures that the store has no such record, whatever it is asked.
    pub(super) async fn expect_absent(&self, key: &RecordKey, now: Timestamp, when: &str) -> Held {
        let found = self.store.load(key, now).await?;
        ensure!(found.is_none(), "{when}: load finds {found:?}");
        for version in [Version::FIRST, Version(2), Version(3)] {
            let outcome = self.store.commit(key, Some(version), self.draft("absent"), now).await?;
            ensure!(outcome == Commit::Gone, "{when}: a commit of {version:?} is answered with {outcome:?}");
        }
        let (seen, expires) = (now, now.plus(Duration::from_mins(1)));
        ensure!(!self.store.touch(key, seen, expires, now).await?, "{when}: touch finds a record");
        ensure!(!self.store.remove(key, now).await?, "{when}: remove finds a record");
        let found = self.store.load(key, now).await?;
        ensure!(found.is_none(), "{when}: asking brought a record back: {found:?}");
        Ok(())
    }
}

/// Lets others run, this many times. Tasks that yield a varying number of times meet at different points, where
/// equal ones could pass each other in step for ever.
pub(super) async fn yield_times(times: u64) {
    for _ in 0..times {
        tokio::task::yield_now().await;
    }
}

/// A draft as it stands in the store once it is committed.
pub(super) fn record(version: Version, draft: Draft) -> Record {
    Record { version, header: draft.header, payload: draft.payload }
}
