//! Who a session belongs to: login, elevate, regenerate, logout, "remember me".
//!
//! All are applied to the handler's view at once and made durable by the commit. There is no way to set a subject
//! without a new generation, so an id planted before a login is worth nothing after it.

use std::time::Duration;

use super::Session;
use super::state::{Intent, Standing, State};
use crate::envelope::{Envelope, Login};
use crate::error::{Error, ErrorKind};
use crate::id::Subject;

/// The assurance level of a plain [`Session::login`].
const FIRST_LEVEL: u8 = 1;

impl Session {
    /// Signs `subject` in, at level 1. `subject` is the application's user id, 1 to 255 bytes.
    ///
    /// The session gets a new generation and everything older is refused at once; CSRF tokens change. Values of an
    /// anonymous session stay (a cart survives signing in); values of *another* subject do not: that session ends
    /// and an empty one begins. Durable before the response head leaves, else the answer is a 503 without a cookie.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) for an empty or overlong subject, [`TooLarge`](ErrorKind::TooLarge) if the
    /// subject does not fit beside the values, [`Outage`](ErrorKind::Outage) if the operating system gives no
    /// randomness. Nothing is changed then.
    pub fn login(&self, subject: impl AsRef<str>) -> Result<(), Error> {
        let subject = Subject::new(subject)?;
        let mut state = self.state();
        if state.standing == Standing::Mute && !state.commits.refuses_writes() {
            // A lost response must never lock a user out: a login starts a fresh family, muted or not.
            state.start_over();
        }
        state.check_writable()?;
        if state.subject().is_some_and(|current| *current != subject) {
            state.end();
        }
        let mut envelope = self.begun(&state)?;
        envelope.logins = envelope.logins.wrapping_add(1);
        let auth_time = self.engine.auth_time(&subject);
        envelope.login = Some(Login { subject, auth_time, level: FIRST_LEVEL });
        self.adopt(&mut state, envelope, Intent::Login)
    }

    /// Raises the assurance level after the user proved more, such as a second factor. Starts a new generation like
    /// [`login`](Self::login) and renews the authentication time.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) if nobody is signed in or `level` is lower than the present one.
    pub fn elevate(&self, level: u8) -> Result<(), Error> {
        let mut state = self.state();
        state.check_writable()?;
        let mut envelope = self.begun(&state)?;
        let Some(login) = envelope.login.as_mut() else {
            return Err(Error::new(ErrorKind::Misuse, "nobody is signed in: call `login` before `elevate`"));
        };
        if level < login.level {
            return Err(Error::new(
                ErrorKind::Misuse,
                "`elevate` never lowers the level: use `logout` and `login`",
            ));
        }
        login.level = level;
        login.auth_time = self.engine.auth_time(&login.subject);
        envelope.logins = envelope.logins.wrapping_add(1);
        self.adopt(&mut state, envelope, Intent::Elevate)
    }

    /// Starts a new generation without a change of who, with grace for requests under way. Nothing to do for a
    /// session that does not exist yet.
    pub fn regenerate(&self) -> Result<(), Error> {
        let mut state = self.state();
        state.check_writable()?;
        if state.envelope.is_some() {
            state.intent = state.intent.max(Intent::Regenerate);
            state.revision += 1;
        }
        Ok(())
    }

    /// Signs out: ends the session with everything in it, on this node at once and for every older cookie of it.
    ///
    /// Survives a panic, a cancelled handler and [`rollback`](Self::rollback). What the handler writes afterwards, such
    /// as a flash message, goes into a new anonymous session.
    pub fn logout(&self) -> Result<(), Error> {
        let mut state = self.state();
        if state.standing == Standing::Mute {
            return Ok(());
        }
        state.check_endable()?;
        state.end();
        Ok(())
    }

    /// "Remember me": asks the browser to keep the cookie for `time`, and lets the session idle as long. Capped by
    /// the builder's `remember_at_most` (default 30 days). Without it the cookie ends with the browser.
    pub fn persist_for(&self, time: Duration) -> Result<(), Error> {
        let capped = time.min(self.engine.longest_persistence());
        self.set_persistence(Some(capped).filter(|time| !time.is_zero()))
    }

    /// Takes [`persist_for`](Self::persist_for) back: the cookie ends with the browser.
    pub fn persist_until_browser_closes(&self) -> Result<(), Error> {
        self.set_persistence(None)
    }

    fn set_persistence(&self, time: Option<Duration>) -> Result<(), Error> {
        let mut state = self.state();
        state.check_writable()?;
        let mut envelope = self.begun(&state)?;
        // The wire keeps whole seconds.
        envelope.persist_for = time.map(|time| Duration::from_secs(time.as_secs().max(1)));
        if state.envelope.as_ref() != Some(&envelope) {
            let existed = state.loaded.is_some();
            let intent = state.intent;
            self.adopt(&mut state, envelope, intent)?;
            state.envelope_changed |= existed;
        }
        Ok(())
    }

    /// The facts of this session; those of one that begins now, if there is none.
    pub(super) fn begun(&self, state: &State) -> Result<Envelope, Error> {
        match &state.envelope {
            Some(envelope) => Ok(envelope.clone()),
            None => self.engine.begin(),
        }
    }

    fn adopt(&self, state: &mut State, envelope: Envelope, intent: Intent) -> Result<(), Error> {
        let room = self.engine.room(Some(&envelope));
        if state.contents.encoded_len() > room {
            return Err(super::writing::too_large(room));
        }
        state.room = Some(room);
        state.envelope = Some(envelope);
        state.intent = state.intent.max(intent);
        state.revision += 1;
        Ok(())
    }
}
