//! Commits of sessions in a store that answers at once, without a future.

use super::super::change::{Change, Facts, Wish};
use super::super::house::House;
use super::super::place::Home;
use super::super::plan::Plan;
use super::super::visit::Visit;
use super::client::{identity_event, stamp};
use super::create::go_on;
use super::kept::{draft, settle};
use super::{cap, is_refresh_due, touch};
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::event::{Event, IdentityChange};
use crate::generation::Generations;
use crate::lease::Want;
use crate::session::state::{Outcome, State};
use crate::store::{Commit, MemoryStore, Version};

/// What is usual to do to a store that answers at once, without a future. Answers what is to be told once the state is
/// let go of; `None` if there is more to it: then nothing was done that may not be done again.
pub(super) fn carry_out(visit: &Visit, state: &mut State, plan: Plan, now: Timestamp) -> Option<Vec<Event>> {
    let memory = memory_of(&visit.house)?;
    match plan {
        Plan::Write { identity: false } => write(visit, memory, state, now),
        Plan::Create => create(visit, memory, state, now),
        Plan::Refresh => refresh(visit, memory, state, now),
        _ => None,
    }
}

fn memory_of(house: &House) -> Option<&MemoryStore> {
    match &house.home {
        Home::Store { store, .. } => store.memory(),
        Home::Client(_) => None,
    }
}

fn write(visit: &Visit, memory: &MemoryStore, state: &mut State, now: Timestamp) -> Option<Vec<Event>> {
    if state.leasing.wants_commit(state.commits.is_last) {
        return None;
    }
    let (generations, claim) = (state.generations, state.leasing.found);
    let mut facts = Facts { envelope: state.loaded.clone()?, generations, claim };
    let version = written(visit, memory, state, &mut facts, now)?;
    settle(&visit.house, state, facts, version, Want::Nothing);
    Some(Vec::new())
}

/// Writes what comes of the facts. The plan is to write, so something is left in the session.
fn written(
    visit: &Visit,
    memory: &MemoryStore,
    state: &State,
    facts: &mut Facts,
    now: Timestamp,
) -> Option<Version> {
    let house = &visit.house;
    let (wish, expected) = (Wish::of(state)?, Version(state.version?));
    let is_revoked = house.is_revoked(&facts.envelope, None, now);
    let family = facts.envelope.family;
    let changed = wish.apply(house, facts, now, is_revoked);
    let is_dead = house.known(&family).is_some_and(|known| known.dead.is_some());
    if is_dead || !matches!(changed, Change::Go) {
        return None;
    }
    let is_new = state.presented.is_none();
    let draft = draft(house, &facts.envelope, &facts.generations, facts.claim, &state.contents, is_new);
    if draft.payload.len() > house.max_record {
        return None;
    }
    match memory.commit_at_once(&visit.record_key_in(state, &family), Some(expected), draft, now) {
        Ok(Commit::Committed(version)) => Some(version),
        _ => None,
    }
}

fn create(visit: &Visit, memory: &MemoryStore, state: &mut State, now: Timestamp) -> Option<Vec<Event>> {
    let house = &*visit.house;
    let (envelope, version) = created(visit, memory, state, now)?;
    let events = if house.is_listening() { events(house, &envelope) } else { Vec::new() };
    go_on(house, state, envelope, version);
    Some(events)
}

/// Makes a record under a fresh random id.
fn created(
    visit: &Visit,
    memory: &MemoryStore,
    state: &State,
    now: Timestamp,
) -> Option<(Envelope, Version)> {
    let house = &visit.house;
    if state.commits.is_unsure {
        return None;
    }
    let mut envelope = match &state.envelope {
        Some(envelope) => envelope.clone(),
        None => visit.begin_noticed(now).ok()?,
    };
    stamp(house, &mut envelope, now);
    if cap::applies(house, None, &envelope) {
        return None;
    }
    let generations = Generations::at(envelope.generation);
    let draft = draft(house, &envelope, &generations, None, &state.contents, true);
    if draft.payload.len() > house.max_record {
        return None;
    }
    match memory.commit_at_once(&house.record_key(&envelope.family), None, draft, now) {
        Ok(Commit::Committed(version)) => Some((envelope, version)),
        _ => None,
    }
}

fn events(house: &House, envelope: &Envelope) -> Vec<Event> {
    let mut events = vec![Event::Created { handle: house.handle(&envelope.family) }];
    if envelope.login.is_some() {
        events.push(identity_event(house, envelope, IdentityChange::Login));
    }
    events
}

fn refresh(visit: &Visit, memory: &MemoryStore, state: &mut State, now: Timestamp) -> Option<Vec<Event>> {
    let house = &visit.house;
    // A new cookie is a matter of whether it is the newest.
    if touch::mints(state) || !is_refresh_due(house, state, now) {
        return None;
    }
    let envelope = state.envelope.as_ref()?;
    let key = visit.record_key_in(state, &envelope.family);
    let expires = house.lifetime_of(envelope).deadline(envelope.created, now);
    if !memory.touch_at_once(&key, now, expires, now) {
        return None;
    }
    state.expires = expires;
    if let Some(envelope) = &mut state.envelope {
        envelope.issued = now;
    }
    state.settle(Outcome::Nothing);
    Some(Vec::new())
}
