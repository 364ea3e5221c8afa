//! The configured whole: what every request shares.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::meter;
use super::outbox::Outbox;
use super::place::Home;
use super::queue::Queues;
use crate::carrier::envelope as codec;
use crate::clock::{Clock, Timestamp};
use crate::cookie::Writer;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::event::{self, Event, Observer};
use crate::generation::{Generations, Windows};
use crate::id::{Family, Handle, RecordKey, Subject};
use crate::key::{KeyId, Macs, Names};
use crate::lifetime::{Lifetime, Lifetimes};
use crate::policy::{ClientPolicy, FingerprintPolicy};
use crate::random::Random;
use crate::revocation::{Facts, Revocations};
use crate::store::{Cap, Header};

/// The configured whole.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) home: Home,
    pub(crate) app: String,
    pub(crate) names: Names,
    pub(crate) cookie: Writer,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) windows: Windows,
    pub(crate) revocations: Option<Revocations>,
    /// Whether `revocations` reach every node. With a store they need not be configured: this node then remembers
    /// for itself which sessions it has ended, even while the store does not answer.
    pub(crate) revokes: bool,
    pub(crate) csrf: Macs,
    pub(crate) fingerprint: Option<(FingerprintPolicy, Macs)>,
    pub(crate) client: ClientPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    pub(crate) patience: Patience,
    pub(crate) max_record: usize,
    /// The room in a session that begins now and remembers nothing of its client.
    pub(crate) room_of_new: OnceLock<usize>,
    /// How many sessions a user may have at once.
    pub(crate) cap: Option<Cap>,
    /// Writers that have lost a race.
    pub(crate) queues: Queues,
    /// Requests that wait for the lease of their session.
    pub(crate) lines: Queues,
    pub(crate) outbox: Outbox,
}

/// How long a request waits for a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// For one operation.
    pub(crate) operation: Duration,
    /// For a commit with all its replays.
    pub(crate) commit: Duration,
}

/// How many bytes a session's facts may come to need later without a write of the application: instants that are
/// written anew, more digits of the generation, a record's state of generations. Kept free, so that whoever filled
/// the session is told, and no later reader.
const GROWTH: usize = 40;

/// How many bytes a lease takes in a record.
const LEASE: usize = 20;

/// How long a new anonymous record lives until its cookie comes back once.
pub(crate) const FIRST_VISIT: Duration = Duration::from_mins(10);

impl House {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells everybody who listens. Never called under a lock.
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        let traced = tracing::enabled!(target: "carryall", tracing::Level::WARN);
        if !traced && self.observer.is_none() && !meter::COUNTS_EVENTS {
            return;
        }
        let event = event();
        meter::event(&event);
        event::trace(&event);
        if let Some(observer) = &self.observer {
            observer.on_event(&event);
        }
    }

    /// Whether anybody would hear of a quiet event.
    pub(crate) fn is_listening(&self) -> bool {
        meter::COUNTS_EVENTS
            || self.observer.is_some()
            || tracing::enabled!(target: "carryall", tracing::Level::DEBUG)
    }

    /// Whether the carrier can verify but not mint.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(&self.home, Home::Client(carrier) if !carrier.mints())
    }

    pub(crate) fn handle(&self, family: &Family) -> Handle {
        self.names.handle(family)
    }

    pub(crate) fn record_key(&self, family: &Family) -> RecordKey {
        self.names.record_key(family)
    }

    /// The facts of a session that begins now.
    pub(crate) fn begin(&self, now: Timestamp) -> Result<Envelope, Error> {
        Ok(Envelope::begin(self.family()?, now))
    }

    /// A fresh family.
    pub(crate) fn family(&self) -> Result<Family, Error> {
        Family::random(&*self.random)
    }

    /// The deadlines that hold for this session.
    pub(crate) fn lifetime_of(&self, envelope: &Envelope) -> Lifetime {
        self.lifetimes.of(envelope.persist_for)
    }

    /// When the session ends if it is not used again.
    pub(crate) fn deadline(&self, envelope: &Envelope) -> Timestamp {
        self.lifetime_of(envelope).deadline(envelope.created, envelope.issued)
    }

    /// The latest instant at which any cookie of this family could still be good.
    pub(crate) fn latest(&self, envelope: &Envelope) -> Timestamp {
        envelope.created.plus(self.lifetimes.longest())
    }

    /// What a store may read of the session.
    pub(crate) fn header(&self, envelope: &Envelope, is_new: bool) -> Header {
        let subject = envelope.login.as_ref().map(|login| self.subject_hash(&login.subject));
        let deadline = self.deadline(envelope);
        let expires = match subject {
            // Robots never send their cookie back; their records must not stay for the idle lifetime.
            None if is_new => deadline.min(envelope.issued.plus(FIRST_VISIT)),
            _ => deadline,
        };
        let latest = envelope.created.plus(self.lifetime_of(envelope).absolute);
        Header { created: envelope.created, seen: envelope.issued, expires, latest, subject }
    }

    pub(crate) fn subject_hash(&self, subject: &Subject) -> crate::store::SubjectHash {
        self.names.subject_hash(None, subject)
    }

    /// How many payload bytes fit beside this envelope.
    pub(crate) fn room(&self, envelope: Option<&Envelope>) -> usize {
        match envelope {
            Some(envelope) => self.room_beside(envelope),
            None => *self.room_of_new.get_or_init(|| self.room_beside(&placeholder())),
        }
    }

    fn room_beside(&self, envelope: &Envelope) -> usize {
        let name = self.cookie.name().len();
        match &self.home {
            Home::Client(carrier) => carrier.room(envelope, name).saturating_sub(GROWTH),
            Home::Store { .. } => self.max_record.saturating_sub(codec::len(envelope) + GROWTH + LEASE),
        }
    }

    /// The identity changes that this node knows of a family.
    pub(crate) fn known(&self, family: &Family) -> Option<Generations> {
        self.revocations.as_ref()?.generations(family)
    }

    /// Whether the session's user, its key or everyone was revoked.
    ///
    /// A node that cannot prove that it knows all revocations lets nobody in.
    pub(crate) fn is_revoked(&self, envelope: &Envelope, key: Option<KeyId>, now: Timestamp) -> bool {
        let Some(revocations) = &self.revocations else { return false };
        let (family, latest) = (&envelope.family, self.latest(envelope));
        if revocations.has_forgotten(family, envelope.created, latest)
            || is_anonymous(envelope) && revocations.has_evicted(family, latest)
        {
            return true;
        }
        let login = envelope.login.as_ref();
        let began = login.map_or(envelope.created, |login| login.auth_time);
        if revocations.is_fresh(now) && !revocations.reaches(began) {
            return false;
        }
        !revocations.is_fresh(now) || revocations.is_revoked(&self.facts(envelope, key))
    }

    /// The same as far as it is proven: what only this node cannot prove is no reason to end a session for all.
    pub(crate) fn is_known_revoked(&self, envelope: &Envelope, now: Timestamp) -> bool {
        let Some(revocations) = &self.revocations else { return false };
        revocations.is_fresh(now) && revocations.is_revoked(&self.facts(envelope, None))
    }

    fn facts(&self, envelope: &Envelope, key: Option<KeyId>) -> Facts {
        let login = envelope.login.as_ref();
        Facts {
            subject: login.map(|login| self.subject_hash(&login.subject)),
            tenant: None,
            auth_time: login.map(|login| login.auth_time),
            created: envelope.created,
            key: key.map(|key| *key.as_bytes()),
        }
    }

    /// When an anonymous session that begins now counts as begun: never before an instant up to which it would be
    /// revoked.
    pub(crate) fn beginning(&self, now: Timestamp) -> Timestamp {
        let Some(revocations) = &self.revocations else { return now };
        // A signed cookie says only in which second a session began.
        let second = Timestamp::from_secs(now.as_secs());
        let earliest = revocations.earliest_start(second);
        if earliest == second {
            return now;
        }
        Timestamp::from_secs(earliest.as_millis().div_ceil(1000)).max(now)
    }

    /// The authentication time of a login at this instant: never one up to which its user is revoked.
    pub(crate) fn auth_time(&self, subject: &Subject, now: Timestamp) -> Timestamp {
        match &self.revocations {
            Some(revocations) => revocations.earliest_auth_time(&self.subject_hash(subject), now),
            None => now,
        }
    }
}

/// Whether nobody ever signed in.
pub(super) fn is_anonymous(envelope: &Envelope) -> bool {
    envelope.login.is_none() && envelope.logins == 0
}

/// The facts of an anonymous session, of which only the size matters: every instant of this century takes as many
/// bytes.
pub(super) fn placeholder() -> Envelope {
    Envelope::begin(Family::from_bytes([0; Family::LEN]), Timestamp::from_secs(4_000_000_000))
}
