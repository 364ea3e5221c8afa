//! Commits of sessions in a store that answers at once, without a future.

use super::super::change::{Change, Facts, Wish};
use super::super::place::Home;
use super::super::visit::Visit;
use super::kept::{draft, finish};
use crate::clock::Timestamp;
use crate::lease::Want;
use crate::session::seat::Locked;
use crate::session::state::State;
use crate::store::{Commit, Version};

/// The usual write to a store that answers at once, without a future. Gives the state back if there is more to it: then
/// nothing was done that may not be done again.
pub(super) fn write<'a>(visit: &Visit, state: Locked<'a>, now: Timestamp) -> Result<(), Locked<'a>> {
    let Some(loaded) = &state.loaded else { return Err(state) };
    if state.leasing.wants_commit(state.commits.is_last) {
        return Err(state);
    }
    let claim = state.leasing.found;
    let mut facts = Facts { envelope: loaded.clone(), generations: state.generations, claim };
    match written(visit, &state, &mut facts, now) {
        Some(version) => {
            finish(&visit.house, state, facts, None, version, Want::Nothing);
            Ok(())
        }
        None => Err(state),
    }
}

/// Writes what comes of the facts. The plan is to write, so something is left in the session.
fn written(visit: &Visit, state: &State, facts: &mut Facts, now: Timestamp) -> Option<Version> {
    let house = &visit.house;
    let Home::Store { store, .. } = &house.home else { return None };
    let memory = store.memory()?;
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
