//! Assembles [`Sessions`]: collects what each part needs, and turns contradictions into errors.

use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::carrier::{Carrier, Ticket};
use crate::clock::{Clock, SystemClock};
use crate::cookie::{CookiePolicy, Writer};
use crate::error::ConfigError;
use crate::event::Observer;
use crate::generation::Windows;
use crate::key::{Binding, KeyRing, Names, Purpose};
use crate::lifecycle::house::{House, Patience};
use crate::lifecycle::place::{Home, Place};
use crate::lifetime::{LONGEST, Lifetime, Lifetimes};
use crate::policy::{ClientPolicy, FingerprintPolicy};
use crate::random::{Random, SystemRandom};
use crate::revocation::{Revocations, SingleNode};
use crate::sessions::Sessions;
use crate::store::{AnyStore, Cap, WhenFull};

/// Collects the configuration of [`Sessions`]; every contradiction is an error of [`build`](Self::build).
#[derive(Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct SessionsBuilder {
    ring: KeyRing,
    app: Option<String>,
    carrier: Option<Carrier>,
    store: Option<AnyStore>,
    place: Option<Place>,
    cookie: CookiePolicy,
    lifetimes: Lifetimes,
    windows: Windows,
    revocations: Option<Revocations>,
    without_revocation: bool,
    client: ClientPolicy,
    fingerprint: Option<FingerprintPolicy>,
    patience: Patience,
    max_record: usize,
    cap: Option<(usize, WhenFull)>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    observer: Option<Arc<dyn Observer>>,
}

impl SessionsBuilder {
    pub(crate) fn new(ring: KeyRing) -> Self {
        Self {
            ring,
            app: None,
            carrier: None,
            store: None,
            place: None,
            cookie: CookiePolicy::default(),
            lifetimes: Lifetimes::default(),
            windows: Windows::default(),
            revocations: None,
            without_revocation: false,
            client: ClientPolicy::default(),
            fingerprint: None,
            patience: Patience { operation: Duration::from_secs(2), commit: Duration::from_secs(5) },
            max_record: 1024 * 1024,
            cap: None,
            clock: Arc::new(SystemClock),
            random: Arc::new(SystemRandom),
            observer: None,
        }
    }

    /// The application's id, 1 to 128 bytes without control characters. It enters every key and tag, so two
    /// applications on one ring never accept each other's sessions. Default: derived from the cookie's name, so that
    /// two applications with one ring and one cookie name need ids of their own.
    pub fn app(mut self, id: impl Into<String>) -> Self {
        self.app = Some(id.into());
        self
    }

    /// How sessions ride in their cookie. Default [`Carrier::Sealed`]; only for [`Place::Client`].
    pub fn carrier(mut self, carrier: Carrier) -> Self {
        self.carrier = Some(carrier);
        self
    }

    /// Where server-kept sessions live. With a store, everything is placed there unless
    /// [`place_all`](Self::place_all) says otherwise.
    pub fn store(mut self, store: impl Into<AnyStore>) -> Self {
        self.store = Some(store.into());
        self
    }

    /// Where every segment lives: the one line that moves an application between homes.
    pub fn place_all(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The cookie's name and attributes. Default: `__Host-session`, Secure, `HttpOnly`, `SameSite=Lax`, Path=/.
    pub fn cookie(mut self, policy: CookiePolicy) -> Self {
        self.cookie = policy;
        self
    }

    /// Idle and absolute deadline, refresh and leeway. Default 30 min, 12 h, 60 s, 5 s.
    pub fn lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetimes.usual = lifetime;
        self
    }

    /// The longest time that [`Session::persist_for`](crate::Session::persist_for) gives, from the session's
    /// beginning. Default 30 days, at most 400.
    pub fn remember_at_most(mut self, time: Duration) -> Self {
        self.lifetimes.remember_at_most = time;
        self
    }

    /// How long the cookie from before a [`regenerate`](crate::Session::regenerate) stays good once its successor
    /// was seen. Default 30 s. Whoever stole the old cookie gets the same successor inside this window.
    pub fn grace(mut self, time: Duration) -> Self {
        self.windows.grace = time;
        self
    }

    /// How long a cookie that an identity change made worthless gets no answer in the form of a cookie, so that a
    /// slow request cannot overwrite its successor. Default 60 s: longer than requests take.
    pub fn mute(mut self, time: Duration) -> Self {
        self.windows.mute = time;
        self
    }

    /// Says that this process alone serves the application, so that revocations may live in its memory.
    ///
    /// They are forgotten at a restart: a client-carried session that was ended before is good again then, until its
    /// deadline. See [`SingleNode::log_out_at_restart`] for the stricter choice.
    pub fn single_node(self) -> Self {
        self.revocations(Revocations::new(SingleNode::default()))
    }

    /// Where revocations are kept.
    pub fn revocations(mut self, revocations: Revocations) -> Self {
        self.revocations = Some(revocations);
        self
    }

    /// Carries sessions without any way to end one before its deadline: a copy of a cookie stays good after a logout.
    /// Implies no grace at identity changes: call `grace(Duration::ZERO)` too.
    pub fn danger_without_revocation(mut self) -> Self {
        self.without_revocation = true;
        self
    }

    /// Which proxies are trusted, and what of the client is recorded when a session begins. Default: none, nothing.
    pub fn client(mut self, policy: ClientPolicy) -> Self {
        self.client = policy;
        self
    }

    /// Compares the client with the one that the session began with. Default: not compared.
    pub fn fingerprint(mut self, policy: FingerprintPolicy) -> Self {
        self.fingerprint = Some(policy);
        self
    }

    /// How long a request waits for one operation of a store, and for a commit with all its replays. Default 2 s
    /// and 5 s.
    pub fn patience(mut self, operation: Duration, commit: Duration) -> Self {
        self.patience = Patience { operation, commit };
        self
    }

    /// The largest record in bytes. Default 1 MiB.
    pub fn max_record(mut self, bytes: usize) -> Self {
        self.max_record = bytes;
        self
    }

    /// How many sessions a user may have at once, and what becomes of one more login. Default: as many as they like.
    ///
    /// No race passes the cap, on however many nodes: a login is admitted in one operation of the store. With
    /// [`WhenFull::EndOldest`] the session that began first ends, with the event `Ended`; with [`WhenFull::Refuse`] the
    /// commit of the login fails with [`TooManySessions`](crate::ErrorKind::TooManySessions), answered with 409 if the
    /// handler does not. Needs a store that finds the sessions of a user.
    pub fn sessions_per_user(mut self, most: usize, when_full: WhenFull) -> Self {
        self.cap = Some((most, when_full));
        self
    }

    /// Where the time comes from. Default: the system.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Where randomness comes from. Default: the operating system for ids, a `ChaCha` generator for nonces.
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// Who is told of every [`Event`](crate::event::Event) besides `tracing`. Default: nobody.
    pub fn observer(mut self, observer: impl Observer) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Checks everything and builds.
    ///
    /// # Errors
    /// A [`ConfigError`] that says what contradicts what.
    pub fn build(self) -> Result<Sessions, ConfigError> {
        self.lifetimes.usual.check()?;
        self.check_times()?;
        self.client.check()?;
        if let Some(fingerprint) = &self.fingerprint {
            fingerprint.check()?;
        }
        let cookie = Writer::new(&self.cookie)?;
        let binding = Binding::new(self.app_id(cookie.name())?, cookie.name());
        let home = self.home(&binding)?;
        self.check_revocation(&home)?;
        let cap = self.cap(&home)?;
        let is_kept = matches!(home, Home::Store { .. });
        let fingerprint =
            self.fingerprint.map(|policy| (policy, self.ring.macs(Purpose::Fingerprint, &binding)));
        Ok(Sessions::new(House {
            home,
            csrf: self.ring.macs(Purpose::Csrf, &binding),
            names: Names::new(&binding.app),
            app: binding.app,
            cookie,
            lifetimes: self.lifetimes,
            windows: self.windows,
            revokes: self.revocations.is_some(),
            revocations: self
                .revocations
                .or_else(|| is_kept.then(|| Revocations::new(SingleNode::default()))),
            fingerprint,
            client: self.client,
            clock: self.clock,
            random: self.random,
            observer: self.observer,
            patience: self.patience,
            max_record: self.max_record,
            room_of_new: OnceLock::new(),
            cap,
            queues: crate::lifecycle::Queues::default(),
            lines: crate::lifecycle::Queues::default(),
            outbox: crate::lifecycle::Outbox::default(),
        }))
    }

    fn app_id(&self, cookie: &str) -> Result<String, ConfigError> {
        let id = self.app.clone().unwrap_or_else(|| format!("cookie:{cookie}"));
        if id.is_empty() || id.len() > 128 || id.chars().any(char::is_control) {
            return Err(ConfigError::new("the application id has 1 to 128 bytes and no control characters"));
        }
        Ok(id)
    }

    fn check_times(&self) -> Result<(), ConfigError> {
        if self.lifetimes.remember_at_most > LONGEST {
            return Err(ConfigError::new("`remember_at_most` may be at most 400 days (RFC 6265bis)"));
        }
        if self.patience.operation.is_zero() || self.patience.commit < self.patience.operation {
            return Err(ConfigError::new(
                "`patience` must not be zero, and a commit takes at least one operation",
            ));
        }
        if self.windows.mute < Duration::from_secs(1) {
            return Err(ConfigError::new("`mute` must outlast requests under way: at least one second"));
        }
        Ok(())
    }

    fn home(&self, binding: &Binding) -> Result<Home, ConfigError> {
        let place = match (self.place, &self.store) {
            (None, Some(_)) => Place::Store,
            (None, None) => Place::Client,
            (Some(place), _) => place,
        };
        match (place, &self.store, &self.carrier) {
            (Place::Store, None, _) => Err(ConfigError::new("`Place::Store` needs `store(..)`")),
            (Place::Store, _, Some(_)) => {
                Err(ConfigError::new("a carrier is for `Place::Client`: with a store the cookie is a ticket"))
            }
            (Place::Store, Some(store), None) => {
                Ok(Home::Store { ticket: Ticket::new(&self.ring, binding), store: store.clone() })
            }
            (Place::Client, Some(_), _) => Err(ConfigError::new(
                "the store is never used: drop `store(..)` or `place_all(Place::Client)`",
            )),
            (Place::Client, None, carrier) => {
                let carrier = carrier.clone().unwrap_or_default();
                carrier.prepare(&self.ring, binding, self.lifetimes).map(Home::Client)
            }
        }
    }

    fn cap(&self, home: &Home) -> Result<Option<Cap>, ConfigError> {
        let Some((most, when_full)) = self.cap else { return Ok(None) };
        let most = NonZeroUsize::new(most)
            .ok_or_else(|| ConfigError::new("`sessions_per_user` of zero would let nobody sign in"))?;
        if !matches!(home, Home::Store { store, .. } if store.subjects().is_some()) {
            return Err(ConfigError::new(
                "`sessions_per_user` needs a store that finds the sessions of a user: cookies cannot",
            ));
        }
        Ok(Some(Cap { most, when_full }))
    }

    fn check_revocation(&self, home: &Home) -> Result<(), ConfigError> {
        let is_carried = !matches!(home, Home::Store { .. });
        match (&self.revocations, self.without_revocation) {
            (Some(_), true) => Err(ConfigError::new(
                "`danger_without_revocation` contradicts `single_node` and `revocations`",
            )),
            (None, false) if is_carried => Err(ConfigError::new(
                "sessions in cookies need revocations, or a logout would mean nothing: say `single_node()` for one \
                 process, give `revocations(..)` for a fleet, or `danger_without_revocation()`",
            )),
            (None, true) if is_carried && !self.windows.grace.is_zero() => Err(ConfigError::new(
                "grace at identity changes needs revocations or a store: say `grace(Duration::ZERO)`",
            )),
            _ => Ok(()),
        }
    }
}
