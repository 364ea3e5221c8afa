//! How long a session lives: idle and absolute deadlines, refresh, leeway. Enforced on the server.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::ConfigError;

/// The deadlines of a session, all checked on the server against authenticated fields.
///
/// Defaults: idle 30 min, absolute 12 h, refresh after 60 s, leeway 5 s for clocks that differ between nodes.
///
/// ```
/// use std::time::Duration;
/// use carryall::lifetime::Lifetime;
/// let lifetime = Lifetime::default().idle(Duration::from_secs(15 * 60)).absolute(Duration::from_secs(8 * 3600));
/// assert!(lifetime.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Lifetime {
    pub(crate) idle: Duration,
    pub(crate) absolute: Duration,
    pub(crate) refresh: Duration,
    pub(crate) leeway: Duration,
}

impl Default for Lifetime {
    fn default() -> Self {
        Self {
            idle: Duration::from_mins(30),
            absolute: Duration::from_hours(12),
            refresh: Duration::from_mins(1),
            leeway: Duration::from_secs(5),
        }
    }
}

/// Cookies may live 400 days at most (RFC 6265bis section 5.5); no session outlives its cookie.
pub(crate) const LONGEST: Duration = Duration::from_hours(400 * 24);

impl Lifetime {
    /// Ends a session that was not used for this long. Default 30 min.
    pub fn idle(mut self, after: Duration) -> Self {
        self.idle = after;
        self
    }

    /// Ends a session this long after it began, however much it is used. Default 12 h, at most 400 days.
    pub fn absolute(mut self, after: Duration) -> Self {
        self.absolute = after;
        self
    }

    /// How old "last seen" may grow before a use of the session writes it anew. Default 60 s.
    pub fn refresh(mut self, after: Duration) -> Self {
        self.refresh = after;
        self
    }

    /// How far the clocks of two nodes may differ. Default 5 s, at most 5 min.
    pub fn leeway(mut self, by: Duration) -> Self {
        self.leeway = by;
        self
    }

    /// Checks that the deadlines make sense together.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.idle < Duration::from_secs(1) || self.absolute < Duration::from_secs(1) {
            return Err(ConfigError::new("idle and absolute lifetime must be at least one second"));
        }
        if self.absolute > LONGEST {
            return Err(ConfigError::new("the absolute lifetime may be at most 400 days (RFC 6265bis)"));
        }
        if self.idle > self.absolute {
            return Err(ConfigError::new("the idle lifetime must not be longer than the absolute lifetime"));
        }
        if self.refresh >= self.idle {
            return Err(ConfigError::new(
                "refresh must be shorter than the idle lifetime, or active sessions expire",
            ));
        }
        if self.leeway > Duration::from_mins(5) {
            return Err(ConfigError::new(
                "a leeway over five minutes hides a broken clock: synchronise the nodes",
            ));
        }
        Ok(())
    }

    /// The instant at which a session ends: the earlier of its idle and its absolute deadline.
    pub fn deadline(&self, created: Timestamp, seen: Timestamp) -> Timestamp {
        seen.plus(self.idle).min(created.plus(self.absolute))
    }

    /// Whether a session that began and was last seen then is over now. The deadline itself is over.
    pub fn is_over(&self, created: Timestamp, seen: Timestamp, now: Timestamp) -> bool {
        now >= self.deadline(created, seen)
    }

    /// Whether an instant lies further ahead than clocks may differ.
    pub fn is_from_the_future(&self, instant: Timestamp, now: Timestamp) -> bool {
        instant > now.plus(self.leeway)
    }

    /// Whether "last seen" is old enough to be written anew.
    pub fn is_refresh_due(&self, seen: Timestamp, now: Timestamp) -> bool {
        now >= seen.plus(self.refresh)
    }
}

/// The deadlines of plain sessions, and of those that the browser is to remember.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lifetimes {
    pub(crate) usual: Lifetime,
    pub(crate) remember_at_most: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { usual: Lifetime::default(), remember_at_most: Duration::from_hours(30 * 24) }
    }
}

impl Lifetimes {
    /// The deadlines of a session with this "remember me": it may idle as long as the cookie is kept.
    pub(crate) fn of(&self, persist_for: Option<Duration>) -> Lifetime {
        match persist_for {
            None => self.usual,
            Some(time) => Lifetime {
                idle: time.min(self.remember_at_most),
                absolute: self.usual.absolute.max(self.remember_at_most),
                ..self.usual
            },
        }
    }

    /// How long after its beginning a cookie could be good anywhere, clocks that differ included.
    pub(crate) fn longest(&self) -> Duration {
        self.usual.absolute.max(self.remember_at_most) + self.usual.leeway
    }
}
