//! The end of a session: on this node at once, in the log and the store as soon as they answer.

use std::sync::Arc;

use super::super::house::{House, is_anonymous};
use super::super::outbox::pauses;
use super::super::place::Home;
use super::super::visit::Visit;
use super::found;
use super::wait::{in_background, within};
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::event::{End, Event};
use crate::generation::Verdict;
use crate::key::KeyId;
use crate::session::state::Standing;
use crate::store::Store;

/// Ends a session. When the store does not answer, this node refuses the session from now on all the same, and the
/// end is retried in the background until no cookie of it could be good any more.
pub(crate) async fn end(house: &Arc<House>, envelope: &Envelope, why: End) -> Result<(), Error> {
    let now = house.now();
    let expires = forgotten_from(house, envelope, now);
    apply_here(house, envelope, now, expires);
    let result = make_durable(house, envelope, now, expires).await;
    if result.is_ok() {
        house.tell(|| Event::Ended { handle: house.handle(&envelope.family), end: why });
    } else {
        apply_here(house, envelope, now, house.latest(envelope));
        retry_in_background(house, envelope.clone(), Some(why));
    }
    result
}

/// Goes on where the store has ended a session by itself, to make room for another one.
pub(super) fn displaced(house: &Arc<House>, envelope: Envelope, now: Timestamp) {
    let expires = house.latest(&envelope);
    apply_here(house, &envelope, now, expires);
    house.tell(|| Event::Ended { handle: house.handle(&envelope.family), end: End::Displaced });
    if !house.revokes {
        return;
    }
    let house = Arc::clone(house);
    in_background(async move {
        // The store has refused it since, so whoever signs in need not wait for the log.
        if make_durable(&house, &envelope, now, expires).await.is_err() {
            retry_in_background(&house, envelope, None);
        }
    });
}

/// Ends a session whose request is gone.
pub(crate) fn end_in_background(house: &Arc<House>, envelope: Box<Envelope>) {
    let now = house.now();
    apply_here(house, &envelope, now, forgotten_from(house, &envelope, now));
    let house = Arc::clone(house);
    in_background(async move {
        // A failure is retried by `end` itself.
        let _retried = end(&house, &envelope, End::Logout).await;
    });
}

/// How long the end has to be remembered beside the store: until no request from before it can be under way. Anybody
/// can begin and end sessions in which nobody signs in; those of users are remembered as long as a cookie could be
/// good, in case the store loses what it did.
fn forgotten_from(house: &House, envelope: &Envelope, now: Timestamp) -> Timestamp {
    match &house.home {
        Home::Store { .. } if is_anonymous(envelope) => {
            now.plus(house.windows.mute).plus(house.patience.commit)
        }
        _ => house.latest(envelope),
    }
}

fn apply_here(house: &House, envelope: &Envelope, now: Timestamp, expires: Timestamp) {
    if let Some(revocations) = &house.revocations {
        revocations.change(&envelope.family, now, expires, envelope.generation, |known| known.end(now));
        if is_anonymous(envelope) {
            revocations.make_evictable(&envelope.family, envelope.generation);
        }
    }
}

async fn make_durable(
    house: &House,
    envelope: &Envelope,
    now: Timestamp,
    expires: Timestamp,
) -> Result<(), Error> {
    let patience = house.patience.operation;
    if let Some(revocations) = &house.revocations {
        within(house, patience, "revoke", revocations.end_family(&envelope.family, now, expires)).await?;
    }
    if let Home::Store { store, .. } = &house.home {
        let key = house.record_key(&envelope.family);
        within(house, patience, "remove", store.remove(&key, now)).await?;
    }
    Ok(())
}

/// `why` is told once it is done, unless everybody knows.
fn retry_in_background(house: &Arc<House>, envelope: Envelope, why: Option<End>) {
    let Some(slot) = house.outbox.slot() else { return };
    let house = Arc::clone(house);
    in_background(async move {
        // Held until the end is durable or in vain.
        let _slot = slot;
        for pause in pauses() {
            tokio::time::sleep(pause).await;
            let now = house.now();
            if now >= house.latest(&envelope) {
                return;
            }
            if make_durable(&house, &envelope, now, house.latest(&envelope)).await.is_ok() {
                if let Some(end) = why {
                    house.tell(|| Event::Ended { handle: house.handle(&envelope.family), end });
                }
                return;
            }
        }
    });
}

/// Resolves when the session is revoked or past its deadline.
pub(crate) async fn ended(visit: Arc<Visit>) {
    let house = &visit.house;
    loop {
        let facts = {
            let state = visit.lock();
            if state.standing == Standing::Mute && state.loaded.is_some() {
                // This request itself has found it gone.
                return;
            }
            let live = state.standing == Standing::Live;
            let key = state.presented.map(|presented| KeyId::from_bytes(presented.key));
            state.envelope.clone().filter(|_| live).map(|envelope| (envelope, key))
        };
        let Some((envelope, key)) = facts else { return std::future::pending().await };
        // Registered before looking, so that nothing is missed in between.
        let watch = house.revocations.as_ref().map(|revocations| revocations.changed(&envelope.family));
        let now = house.now();
        let deadline = house.deadline(&envelope);
        let refused = house.known(&envelope.family).is_some_and(|known| {
            matches!(known.judge(envelope.generation, now, house.windows), Verdict::Refused { .. })
        });
        if refused || house.is_revoked(&envelope, key, now) {
            return;
        }
        if now >= deadline {
            match extended(house, &envelope, now).await {
                Some(seen) => {
                    if let Some(envelope) = visit.lock().envelope.as_mut() {
                        envelope.issued = envelope.issued.max(seen);
                    }
                    continue;
                }
                None => return,
            }
        }
        let wait = deadline.since(now);
        match watch {
            // Whether it was the timer or a change, everything is looked at again.
            Some(watch) => drop(tokio::time::timeout(wait, watch).await),
            None => tokio::time::sleep(wait).await,
        }
    }
}

/// When other requests have used the session since, if a store can tell. Cookies cannot: there the deadline that this
/// request saw counts.
async fn extended(house: &House, envelope: &Envelope, now: Timestamp) -> Option<Timestamp> {
    let Home::Store { store, .. } = &house.home else { return None };
    let key = house.record_key(&envelope.family);
    let record = found(house, store, &key, now).await.ok()??;
    (record.header.seen > envelope.issued).then_some(record.header.seen)
}
