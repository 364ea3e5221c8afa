//! What a request does to a record it did not change: note that it was seen, look whether its cookie is the newest.

use super::super::change::may_write;
use super::super::record;
use super::super::visit::Visit;
use super::{found, give_up, is_refresh_due, within};
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::session::state::{Outcome, State};
use crate::store::{AnyStore, Store};

/// Notes that the session was seen. A failure loses nothing of the visitor's, so the response goes out.
pub(super) async fn refresh(visit: &Visit, store: &AnyStore, now: Timestamp) {
    let house = &visit.house;
    let (envelope, is_due, mints) = {
        let state = visit.lock();
        let Some(envelope) = state.envelope.clone() else { return };
        (envelope, is_refresh_due(house, &state, now), mints(&state))
    };
    if mints && look(visit, store, &envelope, now).await != Look::Newest {
        return;
    }
    let mut seen = envelope.issued;
    if is_due {
        let key = visit.record_key(&envelope.family);
        let header = house.header(&Envelope { issued: now, ..envelope }, false);
        let touching = store.touch(&key, now, header.expires, now);
        match within(house, house.patience.operation, "touch", touching).await {
            Ok(true) => visit.lock().expires = header.expires,
            Ok(false) => {
                give_up(&mut visit.lock());
                return;
            }
            Err(_) => return,
        }
        seen = now;
    }
    let mut state = visit.lock();
    if let Some(envelope) = state.envelope.as_mut() {
        envelope.issued = seen;
    }
    state.settle(if mints { Outcome::Mint } else { Outcome::Nothing });
}

/// Whether a new cookie goes out with it.
pub(super) fn mints(state: &State) -> bool {
    state.presented.is_some_and(|presented| presented.stale_key)
        || state.envelope.as_ref().is_some_and(|envelope| envelope.persist_for.is_some())
        || state.is_behind()
}

/// Looks whether the cookie that an earlier commit decided about is still the newest: a slow handler must not set it
/// over that of a later login, nor after a logout. Without an answer the cookie goes out: what was committed is worth
/// more than a race that nobody may have run.
pub(super) async fn verify(visit: &Visit, store: &AnyStore, now: Timestamp) {
    let envelope = visit.lock().envelope.clone();
    if let Some(envelope) = envelope {
        look(visit, store, &envelope, now).await;
    }
}

/// What the store says of a cookie that is about to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// It may leave, at the newest generation.
    Newest,
    /// It must not.
    Lost,
    /// Nothing.
    Unknown,
}

async fn look(visit: &Visit, store: &AnyStore, envelope: &Envelope, now: Timestamp) -> Look {
    let house = &visit.house;
    let key = visit.record_key(&envelope.family);
    let Ok(record) = found(house, store, &key, now).await else { return Look::Unknown };
    let generations = record.and_then(|record| record::read(record.payload)).map(|body| body.generations);
    let is_dead = house.known(&envelope.family).is_some_and(|known| known.dead.is_some());
    let mut state = visit.lock();
    let presented = state.presented.map_or(envelope.generation, |presented| presented.generation);
    match generations.filter(|_| !is_dead) {
        Some(found) if may_write(Some(found), presented, now, house.windows) => {
            if let Some(envelope) = state.envelope.as_mut() {
                envelope.generation = envelope.generation.max(found.current);
            }
            Look::Newest
        }
        _ => {
            give_up(&mut state);
            Look::Lost
        }
    }
}
