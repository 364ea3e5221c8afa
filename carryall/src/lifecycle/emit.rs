//! Which cookie leaves with the response: at most one, decided by what the commits did.

use std::time::Duration;

use super::change::may_write;
use super::drive::is_pledged;
use super::house::House;
use super::place::Home;
use crate::carrier::{Prepared, Ticket};
use crate::clock::Timestamp;
use crate::cookie::SetCookie;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::id::Handle;
use crate::key::KeyId;
use crate::session::state::{Outcome, Standing, State};

/// What leaves with the response.
#[derive(Debug)]
pub(crate) enum Emission {
    /// No session cookie of any kind.
    Nothing,
    /// The session's token; the handle is told if it moved to the active key.
    Mint { cookie: SetCookie, rotated: Option<Handle> },
    /// The removal of the cookie, after a logout or because nothing was left.
    Remove { cookie: SetCookie, is_logout: bool },
}

/// Closes the session and answers its cookie. Writes after this are errors. If the last commit failed, the cookie is
/// that of the commits before it.
pub(crate) fn emit(
    house: &House,
    state: &mut State,
    is_failed: bool,
    now: Timestamp,
) -> Result<Emission, Error> {
    state.commits.is_closed = true;
    let mut outcome = std::mem::take(&mut state.commits.outcome);
    if outcome == Outcome::Mint {
        if is_failed {
            state.give_up_changes();
        }
        if is_revoked(house, state, now) || !is_newest(house, state, now) {
            outcome = Outcome::Nothing;
        }
    }
    match (outcome, &state.envelope) {
        // A muted response stays without a cookie whatever was decided before.
        _ if state.standing == Standing::Mute => Ok(Emission::Nothing),
        // A cookie was decided about, and what came after it has failed.
        (Outcome::Nothing, _) | (Outcome::Mint, None) => Ok(Emission::Nothing),
        (Outcome::Mint, Some(envelope)) => {
            let max_age = max_age(envelope, house, now);
            let begin = |value_len| house.cookie.begin(value_len, max_age);
            let payload = |out: &mut _| state.contents.write_to(out);
            let cookie = match &house.home {
                Home::Client(Prepared::Sealed(carrier)) => {
                    let sealed = carrier.seal(envelope, payload, &*house.random)?;
                    house.cookie.finish_bytes(&sealed, max_age)?
                }
                Home::Client(Prepared::Signed(carrier)) => {
                    house.cookie.finish(carrier.mint_after(envelope, payload, begin)?, max_age)?
                }
                Home::Store { ticket, .. } => {
                    let mut out = begin(Ticket::LEN);
                    ticket.mint(envelope, &mut out);
                    house.cookie.finish(out, max_age)?
                }
            };
            let is_rotated = state.presented.is_some_and(|presented| presented.stale_key);
            let rotated = (is_rotated && house.is_listening()).then(|| house.handle(&envelope.family));
            Ok(Emission::Mint { cookie, rotated })
        }
        (outcome, _) => {
            let is_logout = outcome == Outcome::End;
            Ok(Emission::Remove { cookie: house.cookie.removal(), is_logout })
        }
    }
}

/// Whether the session was revoked since it was loaded. The key that counts is that of the cookie which came in: one
/// minted under another would outlive its revocation.
fn is_revoked(house: &House, state: &State, now: Timestamp) -> bool {
    let Some((presented, envelope)) = state.presented.zip(state.envelope.as_ref()) else { return false };
    house.is_revoked(envelope, Some(KeyId::from_bytes(presented.key)), now)
}

/// Whether the cookie that an earlier commit decided about may still go out, as far as this node knows; at the newest
/// generation.
fn is_newest(house: &House, state: &mut State, now: Timestamp) -> bool {
    let is_pledged = is_pledged(state);
    let is_kept = state.version.is_some();
    let Some(envelope) = state.envelope.as_mut().filter(|_| is_pledged || is_kept) else { return true };
    let known = house.known(&envelope.family);
    if !is_pledged {
        // Signed out on this node while the store was asked.
        return known.is_none_or(|known| known.dead.is_none());
    }
    let is_good = may_write(known, envelope.generation, now, house.windows);
    if let Some(known) = known {
        envelope.generation = envelope.generation.max(known.current);
    }
    is_good
}

/// How long the browser is asked to keep the cookie: not at all beyond its own session, or "remember me" cut at the
/// absolute deadline.
fn max_age(envelope: &Envelope, house: &House, now: Timestamp) -> Option<Duration> {
    envelope.persist_for?;
    Some(house.lifetime_of(envelope).deadline(envelope.created, now).since(now))
}
