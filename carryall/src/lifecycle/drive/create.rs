//! Records that begin: under a fresh random id, tried again without a second record.

use std::pin::pin;

use super::super::change::Wish;
use super::super::house::House;
use super::super::visit::Visit;
use super::cap;
use super::client::{fresh, identity_event, stamp};
use super::kept::draft;
use super::within;
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, IdentityChange};
use crate::generation::Generations;
use crate::session::state::{Outcome, State};
use crate::store::{AnyStore, Commit, Draft, Store, StoreError, Version};

/// A new record under a fresh random id.
pub(super) async fn create(visit: &Visit, store: &AnyStore, now: Timestamp) -> Result<(), Error> {
    let house = &visit.house;
    let begun = visit.lock().envelope.clone();
    let mut envelope = match begun {
        Some(envelope) => envelope,
        None => visit.begin_noticed(now)?,
    };
    stamp(house, &mut envelope, now);
    let generations = Generations::at(envelope.generation);
    let draft = draft(house, &envelope, &generations, None, &visit.lock().contents, true);
    if draft.payload.len() > house.max_record {
        return Err(crate::session::writing::too_large(house.max_record));
    }
    // Noted for the case that the store does not say whether it has made the record.
    visit.lock().envelope = Some(envelope.clone());
    let version = insert(visit, store, &envelope, draft, now).await?;
    let handle = || house.handle(&envelope.family);
    house.tell(|| Event::Created { handle: handle() });
    if envelope.login.is_some() {
        house.tell(|| identity_event(house, &envelope, IdentityChange::Login));
    }
    go_on(house, &mut visit.lock(), envelope, version);
    Ok(())
}

/// Goes on with a record that was just made.
pub(super) fn go_on(house: &House, state: &mut State, envelope: Envelope, version: Version) {
    // Its cookie has to come back before it may stay longer.
    state.expires = house.deadline(&envelope);
    state.generations = Generations::at(envelope.generation);
    state.envelope = Some(envelope);
    state.presented = None;
    state.version = Some(version.0);
    state.settle(Outcome::Mint);
}

/// Puts a record under a fresh id. One that is there already can only come from an earlier try of this request, for
/// nobody else has heard of the id, and is overwritten.
async fn insert(
    visit: &Visit,
    store: &AnyStore,
    envelope: &Envelope,
    draft: Draft,
    now: Timestamp,
) -> Result<Version, Error> {
    let key = visit.record_key(&envelope.family);
    let is_capped = cap::applies(&visit.house, None, envelope);
    let mut expected = None;
    loop {
        let draft = draft.clone();
        let outcome = if is_capped {
            Box::pin(cap::admit(visit, store, &key, expected, draft, now)).await?
        } else {
            answered(visit, pin!(store.commit(&key, expected, draft, now))).await?
        };
        match outcome {
            Commit::Committed(version) => return Ok(version),
            Commit::Conflict(record) if expected.is_none() && visit.lock().commits.is_unsure => {
                expected = Some(record.version);
            }
            // 128 random bits do not meet by chance: the store is confused or the generator broken.
            _ => {
                visit.house.tell(|| Event::Outage { during: "commit" });
                let message = "the store already has a record under a fresh random id";
                return Err(Error::new(ErrorKind::Outage, message));
            }
        }
    }
}

/// Waits for a store's answer to a commit. Until it is there, nobody knows whether the changes were made: it may be
/// this waiting that is given up.
pub(super) async fn answered<T>(
    visit: &Visit,
    writing: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, Error> {
    let house = &visit.house;
    let before = std::mem::replace(&mut visit.lock().commits.is_unsure, true);
    let outcome = within(house, house.patience.operation, "commit", writing).await?;
    visit.lock().commits.is_unsure = before;
    Ok(outcome)
}

/// The same login in a family of its own.
pub(super) async fn start_fresh(
    visit: &Visit,
    store: &AnyStore,
    wish: &Wish<'_>,
    keeps_values: bool,
    now: Timestamp,
) -> Result<(), Error> {
    let envelope = fresh(&visit.house, &wish.envelope, now)?;
    super::start_anew(visit, envelope, keeps_values)?;
    create(visit, store, now).await
}
