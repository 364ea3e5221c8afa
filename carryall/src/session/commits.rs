//! How far the commits of one request have come, and what they decided about its response.

use super::state::Outcome;
use crate::error::{Error, ErrorKind};

/// The commits of one request.
#[derive(Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct Commits {
    /// How many the handler has begun that have not ended yet.
    pub(crate) under_way: usize,
    /// The one before the response head has begun: nobody looks at the values afterwards.
    pub(crate) is_last: bool,
    /// The response has left, or is about to: writes make no sense any more.
    pub(crate) is_closed: bool,
    /// Changes are to be given up if the commit under way fails.
    pub(crate) gives_up: bool,
    /// The session is to be ended when the commit under way is done.
    pub(crate) ends: bool,
    /// What the response must do about the cookie.
    pub(crate) outcome: Outcome,
    /// The cookie was decided about before the handler had ended, so another request may have been faster since.
    pub(crate) is_pledged: bool,
    /// A store did not say whether it made the changes.
    pub(crate) is_unsure: bool,
    /// The writes that the last successful commit has made durable.
    pub(crate) settled: u64,
    /// The writes that could not be committed.
    failed: Option<u64>,
    /// Those of which the handler knows it.
    told: Option<u64>,
    /// Failures after which nothing is left to try again, and that nobody has been told of: whoever began the commit
    /// may not look at it any more.
    unseen: Vec<ErrorKind>,
}

impl Commits {
    /// Whether nothing can be written now, whatever the session is.
    #[inline]
    pub(crate) fn refuses_writes(&self) -> bool {
        self.is_closed || self.under_way > 0
    }

    /// Notes a failure until somebody is told. After an outage the changes are still there, for the next commit.
    pub(crate) fn failed(&mut self, kind: ErrorKind, revision: u64) {
        self.failed = Some(revision);
        if kind != ErrorKind::Outage {
            self.unseen.push(kind);
        }
    }

    /// Notes that the handler was told of a failure: the changes up to then are its business now.
    pub(crate) fn tell(&mut self, kind: ErrorKind) {
        if let Some(index) = self.unseen.iter().position(|unseen| *unseen == kind) {
            self.unseen.swap_remove(index);
        }
        self.told = self.failed.take();
    }

    /// A failure of which the handler was not told, so that it may promise what did not happen.
    pub(crate) fn unseen(&self) -> Option<Error> {
        let kind = *self.unseen.first()?;
        Some(Error::new(
            kind,
            "a commit failed that the handler began and did not await: await it, or leave it to the layer",
        ))
    }

    /// The same for the commit that tells it now: it fails with it, and so notes it again.
    pub(crate) fn take_unseen(&mut self) -> Option<Error> {
        let failure = self.unseen()?;
        self.unseen.remove(0);
        Some(failure)
    }

    /// Whether the handler was told that just these changes could not be committed.
    pub(crate) fn is_told(&self, revision: u64) -> bool {
        self.told == Some(revision)
    }

    /// Takes everything up to this revision as committed.
    pub(crate) fn succeeded(&mut self, revision: u64, outcome: Outcome) {
        self.settled = revision;
        self.told = None;
        self.is_unsure = false;
        if outcome != Outcome::Nothing {
            self.outcome = outcome;
            self.is_pledged = !self.is_last;
        }
    }
}
