//! Tokens that prove a form was made for this session.

use super::Session;
use crate::error::Error;

/// CSRF tokens of a session.
///
/// A token is a keyed hash of the session's family and login count, masked anew at each call (so that a compressed
/// page leaks nothing, BREACH). Nothing is stored, several tabs and the back button work, and tokens from before a
/// login or of another session are refused.
///
/// ```
/// # fn main() -> Result<(), carryall::Error> {
/// # let session = carryall::Session::for_test();
/// let token = session.csrf().token()?;
/// assert!(session.csrf().verify(&token));
/// session.login("ada")?;
/// assert!(!session.csrf().verify(&token));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Csrf {
    session: Session,
}

impl Session {
    /// This session's CSRF tokens.
    pub fn csrf(&self) -> Csrf {
        Csrf { session: self.clone() }
    }
}

impl Csrf {
    /// A token for a hidden form field or the `X-CSRF-Token` header: 54 characters of base64url.
    ///
    /// Begins the session if there is none, because a token must be bound to something: such a visitor gets a
    /// cookie. Costs one HMAC.
    ///
    /// # Errors
    /// [`Outage`](crate::ErrorKind::Outage) if no session can begin.
    pub fn token(&self) -> Result<String, Error> {
        let mut state = self.session.state();
        if state.envelope.is_none() {
            state.check_writable()?;
            state.envelope = Some(self.session.engine.begin()?);
        }
        // A page that shows its last flash message beside a form must not end the session of that form.
        state.started = true;
        let envelope = self.session.begun(&state)?;
        drop(state);
        Ok(self.session.engine.csrf_token(&envelope))
    }

    /// Whether `token` was made for this session since its last login. Constant time; never an error.
    pub fn verify(&self, token: &str) -> bool {
        let state = self.session.state();
        match &state.envelope {
            Some(envelope) => self.session.engine.is_csrf_token(envelope, token),
            None => false,
        }
    }
}
