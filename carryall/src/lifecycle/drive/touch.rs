//! What a request does to a record it did not change: note that it was seen, look whether its cookie is the newest.

use std::pin::pin;

use super::super::change::may_write;
use super::super::record;
use super::super::visit::Visit;
use super::{give_up, is_refresh_due, within};
use crate::clock::Timestamp;
use crate::session::state::{Outcome, Standing};
use crate::store::{AnyStore, Store};

/// Notes that the session was seen. A failure loses nothing of the visitor's, so the response goes out.
pub(super) async fn refresh(visit: &Visit, store: &AnyStore, now: Timestamp) {
    let house = &visit.house;
    let (envelope, is_due) = {
        let state = visit.lock();
        (state.envelope.clone(), is_refresh_due(house, &state, now))
    };
    let Some(mut envelope) = envelope else { return };
    if is_due {
        envelope.issued = now;
        let key = visit.record_key(&envelope.family);
        let header = house.header(&envelope, false);
        let touching = store.touch(&key, now, header.expires, now);
        match within(house, house.patience.operation, "touch", touching).await {
            Ok(true) => visit.lock().expires = header.expires,
            Ok(false) => {
                give_up(&mut visit.lock());
                return;
            }
            Err(_) => return,
        }
    }
    let is_persistent = envelope.persist_for.is_some();
    let mut state = visit.lock();
    state.envelope = Some(envelope);
    let stale_key = state.presented.is_some_and(|presented| presented.stale_key);
    let mint = stale_key || is_persistent || state.is_behind();
    state.settle(if mint { Outcome::Mint } else { Outcome::Nothing });
}

/// Looks whether the cookie that an earlier commit decided about is still the newest: a slow handler must not set it
/// over that of a later login, nor after a logout.
pub(super) async fn verify(visit: &Visit, store: &AnyStore, now: Timestamp) {
    let house = &visit.house;
    let Some(envelope) = visit.lock().envelope.clone() else { return };
    let key = visit.record_key(&envelope.family);
    let loading = pin!(store.load(&key, now));
    // Without an answer the cookie goes out: what was committed is worth more than a race nobody may have run.
    let Ok(record) = within(house, house.patience.operation, "load", loading).await else { return };
    let generations = record.and_then(|record| record::read(&record.payload)).map(|body| body.generations);
    let is_dead = house.known(&envelope.family).is_some_and(|known| known.dead.is_some());
    let mut state = visit.lock();
    match generations.filter(|_| !is_dead) {
        Some(found) if may_write(Some(found), envelope.generation, now, house.windows) => {
            if let Some(envelope) = state.envelope.as_mut() {
                envelope.generation = envelope.generation.max(found.current);
            }
        }
        _ => state.standing = Standing::Mute,
    }
}
