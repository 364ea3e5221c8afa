//! The state of one request's session: what was loaded, what the handler did to it.

use super::commits::Commits;
use crate::clock::Timestamp;
use crate::envelope::{Envelope, Login};
use crate::error::{Error, ErrorKind};
use crate::generation::Generations;
use crate::id::{Family, RecordKey, Subject};
use crate::lease::Leasing;
use crate::value::Contents;

/// Where the session of this request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// No cookie, or one that counts as none.
    New,
    /// An authentic session that is still good.
    Live,
    /// A refused session whose successor may be under way: this response must carry no session cookie.
    Mute,
    /// The store did not answer and the handler goes on without a session: nothing can be written.
    Outage,
}

/// An identity change that the handler asked for; the strongest one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Intent {
    /// None.
    Keep,
    /// A new generation, with grace for the old one.
    Regenerate,
    /// A higher level for the same subject.
    Elevate,
    /// A subject.
    Login,
}

/// What is known of the cookie that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Presented {
    /// The generation it names.
    pub(crate) generation: u64,
    /// When it was minted.
    pub(crate) issued: Timestamp,
    /// The id of the key it was made under.
    pub(crate) key: [u8; 8],
    /// Made under a key that is not the active one.
    pub(crate) stale_key: bool,
}

/// A flash message of this request.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// The key, led in by its segment.
    pub(crate) name: String,
    /// The encoded value.
    pub(crate) bytes: Vec<u8>,
    /// Set by an earlier request, not by this one for itself.
    pub(crate) came: bool,
}

/// One request's session.
#[derive(Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; the table in `plan` combines them"
)]
pub(crate) struct State {
    /// Where it comes from.
    pub(crate) standing: Standing,
    /// Its facts; `None` until it begins.
    pub(crate) envelope: Option<Envelope>,
    /// Its values.
    pub(crate) contents: Contents,
    /// Flash messages for this request only.
    pub(crate) flash_now: Vec<Message>,
    /// Whether flash messages have been moved to this request.
    pub(crate) flash_aged: bool,
    /// Whether a commit has kept that.
    pub(crate) flash_settled: bool,
    /// Whether reading a message uses it up; not in a prefetch.
    pub(crate) flash_ages: bool,
    /// Whether the handler looked at this request's messages.
    pub(crate) flash_shown: bool,
    /// What the handler asked for.
    pub(crate) intent: Intent,
    /// A session that this request ends: by logout, or because somebody else signs in. Survives panic,
    /// cancellation and rollback. Boxed, for hardly any request ends one.
    pub(crate) ending: Option<Box<Envelope>>,
    /// The facts as loaded, for rollback.
    pub(crate) loaded: Option<Envelope>,
    /// The envelope changed apart from identity ("remember me").
    pub(crate) envelope_changed: bool,
    /// The session must exist although there are no values, because something was derived from its family.
    pub(crate) started: bool,
    /// The cookie that came in.
    pub(crate) presented: Option<Presented>,
    /// When the cookie was looked at; zero without a session that may come in.
    pub(crate) looked_at: Timestamp,
    /// The identity changes of the family, as loaded.
    pub(crate) generations: Generations,
    /// Where the store has the record of which family, as loaded.
    pub(crate) record: Option<(Family, RecordKey)>,
    /// The record's version, as loaded.
    pub(crate) version: Option<u64>,
    /// When the record expires, as loaded.
    pub(crate) expires: Timestamp,
    /// How many payload bytes fit; found out when something is written.
    pub(crate) room: Option<usize>,
    /// Counts writes, so that closures can run without the lock.
    pub(crate) revision: u64,
    /// The current generation was seen for the first time.
    pub(crate) confirm: bool,
    /// The client still holds the predecessor although its window is half over.
    pub(crate) late: bool,
    /// The carrier has no key to write with.
    pub(crate) read_only: bool,
    /// Who has the session locked.
    pub(crate) leasing: Leasing,
    /// How far committing has come.
    pub(crate) commits: Commits,
}

/// What the commits so far ask of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Outcome {
    /// Nothing.
    #[default]
    Nothing,
    /// A token with the session as it now is.
    Mint,
    /// The removal of the cookie, because nothing was left in the session.
    Remove,
    /// The removal of the cookie, because the session was ended.
    End,
}

impl State {
    /// A session that does not exist yet.
    pub(crate) fn new(contents: Contents) -> Self {
        Self {
            standing: Standing::New,
            envelope: None,
            contents,
            flash_now: Vec::new(),
            flash_aged: false,
            flash_settled: false,
            flash_ages: true,
            flash_shown: false,
            intent: Intent::Keep,
            ending: None,
            loaded: None,
            envelope_changed: false,
            started: false,
            presented: None,
            looked_at: Timestamp::default(),
            generations: Generations::at(0),
            record: None,
            version: None,
            expires: Timestamp::default(),
            room: None,
            revision: 0,
            confirm: false,
            late: false,
            read_only: false,
            leasing: Leasing::default(),
            commits: Commits::default(),
        }
    }

    /// Takes over what was loaded, beside what this request has done before.
    pub(crate) fn take_over(&mut self, loaded: Self) {
        self.standing = loaded.standing;
        self.loaded = loaded.loaded;
        self.envelope = loaded.envelope;
        self.contents = loaded.contents;
        self.presented = loaded.presented;
        self.looked_at = loaded.looked_at;
        self.generations = loaded.generations;
        self.record = loaded.record;
        self.leasing.found = loaded.leasing.found;
        self.version = loaded.version;
        self.expires = loaded.expires;
        self.confirm = loaded.confirm;
        self.late = loaded.late;
    }

    /// Whether the cookie that came in names another generation than the session has now.
    pub(crate) fn is_behind(&self) -> bool {
        let now = self.envelope.as_ref().map(|envelope| envelope.generation);
        self.presented.is_some_and(|presented| Some(presented.generation) != now)
    }

    /// The sign-in, if there is one.
    pub(crate) fn login(&self) -> Option<&Login> {
        self.envelope.as_ref()?.login.as_ref()
    }

    /// The subject, if there is one.
    pub(crate) fn subject(&self) -> Option<&Subject> {
        self.login().map(|login| &login.subject)
    }

    /// Whether the handler changed anything that must be written.
    pub(crate) fn is_changed(&self) -> bool {
        self.intent != Intent::Keep
            || self.envelope_changed
            || (self.started && self.standing == Standing::New)
            || self.contents.is_changed()
    }

    /// Whether nothing is left that is worth a cookie. A session that came without values, for the sake of its CSRF
    /// tokens, is not emptied.
    pub(crate) fn is_empty(&self) -> bool {
        self.contents.is_empty()
            && self.login().is_none()
            && !self.started
            && (self.standing != Standing::Live || self.contents.is_changed())
    }

    /// Forgets everything that was loaded: from here on this is a session that does not exist yet.
    pub(crate) fn start_over(&mut self) {
        let fresh = Self::new(Contents::empty(self.contents.format()));
        let old = std::mem::replace(self, fresh);
        self.ending = old.ending;
        self.flash_ages = old.flash_ages;
        self.flash_aged = true;
        self.flash_settled = true;
        self.read_only = old.read_only;
        self.commits = old.commits;
        self.revision = old.revision + 1;
    }

    /// What was loaded ends with this request; what is written from here on begins anew. While a commit is under way,
    /// that is waited for.
    pub(crate) fn end(&mut self) {
        if self.commits.under_way > 0 {
            self.commits.ends = true;
            return;
        }
        if self.standing == Standing::Live && self.ending.is_none() {
            self.ending = self.loaded.clone().map(Box::new);
        }
        self.start_over();
    }

    /// Goes on without the session that was just ended because nothing was left in it.
    pub(crate) fn emptied(&mut self) {
        let (flash, shown) = (std::mem::take(&mut self.flash_now), self.flash_shown);
        self.start_over();
        self.flash_now = flash;
        self.flash_shown = shown;
        self.commits.succeeded(self.revision, Outcome::Remove);
    }

    /// Takes the changes as done: what is now is what was loaded.
    pub(crate) fn settle(&mut self, outcome: Outcome) {
        // Nobody looks at the contents after the last commit, so they are encoded once, into the cookie.
        if !self.commits.is_last {
            self.contents.settle();
        }
        self.standing = Standing::Live;
        // After the last commit there is nothing to go back to, unless another one is still to end the session.
        if !self.commits.is_last || self.commits.under_way > 0 {
            self.loaded.clone_from(&self.envelope);
        }
        if let (Some(presented), Some(envelope)) = (&mut self.presented, &self.envelope) {
            // What was decided above leaves with the response, so further changes start from it.
            presented.generation = envelope.generation;
        }
        self.flash_settled = self.flash_aged;
        self.intent = Intent::Keep;
        self.envelope_changed = false;
        self.confirm = false;
        self.late = false;
        // An update that has looked at the values before has to look again.
        self.revision += 1;
        self.commits.succeeded(self.revision, outcome);
    }

    /// Gives up the changes since the last commit. An end survives. What is being committed is given up only if that
    /// fails.
    pub(crate) fn roll_back(&mut self) {
        if self.commits.under_way > 0 {
            self.commits.gives_up = true;
        } else if !self.commits.is_closed {
            self.give_up_changes();
        }
    }

    pub(crate) fn give_up_changes(&mut self) {
        self.contents.discard();
        if !self.flash_settled {
            self.flash_now.clear();
            self.flash_aged = false;
        }
        self.revision += 1;
        self.intent = Intent::Keep;
        self.envelope_changed = false;
        self.started = false;
        self.commits.gives_up = false;
        self.envelope = self.loaded.clone();
    }

    /// Whether the handler did something that a commit has not kept. That messages were shown is not its doing.
    pub(crate) fn is_unsettled(&self) -> bool {
        self.is_changed() && self.revision != self.commits.settled
    }
}

/// The error of a writer that comes too late.
pub(crate) fn closed() -> Error {
    Error::new(
        ErrorKind::Misuse,
        "the response has left: change and commit the session before returning from the handler",
    )
}

/// The error of a writer whose session was ended or replaced meanwhile.
pub(crate) fn superseded() -> Error {
    Error::new(
        ErrorKind::Superseded,
        "the session was ended or replaced by another request: sign in again or retry",
    )
}
