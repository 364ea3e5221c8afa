//! Commits of sessions that a store keeps: compare-and-swap, and replay on the fresh record after a lost race.

use std::pin::pin;

use super::super::change::{Change, Facts, Wish, may_write};
use super::super::house::House;
use super::super::meter;
use super::super::plan::Plan;
use super::super::record;
use super::super::visit::Visit;
use super::cap;
use super::client::identity_event;
use super::create::{answered, create, start_fresh};
use super::lease::{busy, overtaken};
use super::touch::{refresh, verify};
use super::{counted, found, give_up, rebased};
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::{Error, ErrorKind};
use crate::event::{End, Event, IdentityChange};
use crate::generation::Generations;
use crate::lease::{Claim, Leasing, Ruling, Want};
use crate::session::seat::Locked;
use crate::session::state::{Intent, Outcome, State};
use crate::store::{AnyStore, Commit, Draft, Record, Store, Version};
use crate::value::Contents;

/// Commits what the plan asks for.
pub(super) async fn commit(visit: &Visit, store: &AnyStore) -> Result<(), Error> {
    let house = &visit.house;
    let now = house.now();
    let plan = super::planned(house, &visit.lock(), now);
    let result = carry_out(visit, store, plan, now).await;
    counted(plan, result)
}

async fn carry_out(visit: &Visit, store: &AnyStore, plan: Plan, now: Timestamp) -> Result<(), Error> {
    match plan {
        Plan::Nothing => Ok(()),
        Plan::Supersede => Err(give_up(&mut visit.lock())),
        Plan::Create => create(visit, store, now).await,
        // A removal is a write that leaves nothing: if another request added something, it is not one.
        Plan::Write { .. } | Plan::Remove => write(visit, store, now).await,
        Plan::Refresh => {
            refresh(visit, store, now).await;
            Ok(())
        }
        Plan::Verify => {
            verify(visit, store, now).await;
            Ok(())
        }
    }
}

/// One attempt's view of the session.
struct Attempt {
    facts: Facts,
    contents: Option<Contents>,
    version: Version,
}

/// Compare-and-swap until it holds; bounded by the caller's deadline, not by a count.
///
/// The rare ways out are boxed, so that the usual commit is a small future.
async fn write(visit: &Visit, store: &AnyStore, now: Timestamp) -> Result<(), Error> {
    let house = &visit.house;
    let (first, leasing, is_last) = {
        let state = visit.lock();
        (first_attempt(&state), state.leasing, state.commits.is_last)
    };
    let Some((wish, mut attempt)) = first else { return Ok(()) };
    let key = visit.record_key(&attempt.facts.envelope.family);
    let mut turn = None;
    loop {
        let is_revoked = house.is_revoked(&attempt.facts.envelope, None, now);
        let mut facts = attempt.facts.clone();
        match wish.apply(house, &mut facts, now, is_revoked) {
            Change::Go => {}
            Change::Superseded => return Err(give_up(&mut visit.lock())),
            Change::FreshFamily { keeps_values } => {
                return Box::pin(start_fresh(visit, store, &wish, keeps_values, now)).await;
            }
        }
        match leasing.rule(facts.claim, attempt.version.next().0, is_last, now) {
            Ruling::Go(claim) => facts.claim = claim,
            Ruling::Taken if attempt.contents.is_some() => {
                // So that the next try begins with a look.
                visit.lock().leasing.found = facts.claim;
                return Err(busy("has not let go"));
            }
            // It may have let go since this request was loaded.
            Ruling::Taken => match Box::pin(found(house, store, &key, now)).await? {
                Some(record) => {
                    attempt = replay(visit, record, &wish, now)?;
                    continue;
                }
                None => return Box::pin(lost(visit, store, &wish, now)).await,
            },
        }
        if house.known(&facts.envelope.family).is_some_and(|known| known.dead.is_some()) {
            return Box::pin(lost(visit, store, &wish, now)).await;
        }
        let (draft, is_empty) = draft_of(house, &visit.lock(), &mut facts, attempt.contents.as_ref(), now);
        if draft.payload.len() > house.max_record {
            return Err(crate::session::writing::too_large(house.max_record));
        }
        visit.lock().leasing.tried = facts.claim.filter(|_| matches!(leasing.want, Want::Take(_)));
        let expected = Some(attempt.version);
        let outcome = if cap::applies(house, Some(&attempt.facts.envelope), &facts.envelope) {
            Box::pin(cap::admit(visit, store, &key, expected, draft, now)).await?
        } else {
            answered(visit, pin!(store.commit(&key, expected, draft, now))).await?
        };
        match outcome {
            Commit::Committed(version) => {
                if turn.is_some() {
                    house.tell(|| Event::Replayed { handle: house.handle(&facts.envelope.family) });
                }
                if is_empty {
                    return Box::pin(remove(visit, &facts.envelope)).await;
                }
                let state = visit.lock();
                let lets_go = leasing.held.is_some() && facts.claim.is_none();
                finish(house, state, facts, attempt.contents, version, leasing.want);
                if lets_go {
                    house.lines.let_go(&key);
                }
                return Ok(());
            }
            Commit::Gone => return Box::pin(lost(visit, store, &wish, now)).await,
            Commit::Conflict(record) => {
                meter::conflict();
                visit.lock().leasing.tried = None;
                if turn.is_none() {
                    turn = Some(house.queues.join(key).await);
                }
                attempt = replay(visit, record, &wish, now)?;
            }
        }
    }
}

fn first_attempt(state: &State) -> Option<(Wish<'static>, Attempt)> {
    let facts =
        Facts { envelope: state.loaded.clone()?, generations: state.generations, claim: state.leasing.found };
    let version = Version(state.version?);
    Some((Wish::of(state)?.into_owned(), Attempt { facts, contents: None, version }))
}

/// The write-set on the fresh record. Closures of the application run here, outside every lock.
///
/// When it does not fit there, the session goes on as the record is, so that the handler can read it and try again.
fn replay(visit: &Visit, record: Record, wish: &Wish<'_>, now: Timestamp) -> Result<Attempt, Error> {
    let Some(body) = record::read(record.payload) else {
        visit.house.tell(|| Event::Outage { during: "commit" });
        return Err(Error::new(
            ErrorKind::Outage,
            "the record was rewritten in a form that cannot be read here",
        ));
    };
    let (is_lost, was_let_go) = {
        let state = visit.lock();
        (state.leasing.is_lost(body.claim), state.commits.is_unsure && body.claim.is_none())
    };
    let replayed = match () {
        // Perhaps by this request itself, together with its changes.
        () if is_lost && was_let_go => Err(unsure()),
        () if is_lost => Err(overtaken()),
        () if is_unsure(&visit.lock()) => Err(unsure()),
        () => rebased(visit, body.contents.clone()),
    };
    let facts = Facts { envelope: body.envelope, generations: body.generations, claim: body.claim };
    match replayed {
        Ok(contents) => Ok(Attempt { facts, contents: Some(contents), version: record.version }),
        Err(error) => {
            if error.kind() != ErrorKind::Conflict {
                return Err(error);
            }
            // Whoever was shut out meanwhile, by a login above all, must not see what came after.
            let is_theirs = may_write(Some(facts.generations), wish.presented, now, visit.house.windows)
                && may_write(
                    visit.house.known(&facts.envelope.family),
                    wish.presented,
                    now,
                    visit.house.windows,
                )
                && !visit.house.is_revoked(&facts.envelope, None, now);
            if !is_theirs {
                return Err(give_up(&mut visit.lock()));
            }
            take_fresh(&mut visit.lock(), facts, body.contents, record.version);
            Err(error)
        }
    }
}

/// Whether what changed the record may have been an earlier try of this request, so that an update would be made twice.
/// All other changes may.
fn is_unsure(state: &State) -> bool {
    state.commits.is_unsure && state.contents.has_updates()
}

fn unsure() -> Error {
    let message = "the store did not answer an earlier commit of this request, and the session has changed since: \
                   read it to see whether the changes were made";
    Error::new(ErrorKind::Conflict, message)
}

/// Gives up the changes and goes on with what another request made of the session.
fn take_fresh(state: &mut State, facts: Facts, contents: Contents, version: Version) {
    if let Some(presented) = &state.presented {
        // Whether this request may still write is decided when it does.
        state.confirm &= presented.generation == facts.generations.current;
    }
    state.loaded = Some(facts.envelope);
    state.generations = facts.generations;
    state.contents = contents;
    state.version = Some(version.0);
    state.leasing = Leasing { found: facts.claim, ..state.leasing };
    if state.leasing.is_lost(facts.claim) {
        state.leasing.held = None;
    }
    state.commits.is_unsure = false;
    state.give_up_changes();
}

fn finish(
    house: &House,
    mut state: Locked<'_>,
    facts: Facts,
    contents: Option<Contents>,
    version: Version,
    asked: Want,
) {
    let change = match state.intent {
        Intent::Keep => None,
        Intent::Regenerate => Some(IdentityChange::Regenerate),
        Intent::Elevate => Some(IdentityChange::Elevate),
        Intent::Login => Some(IdentityChange::Login),
    };
    if let Some(contents) = contents {
        state.contents = contents;
    }
    settle(house, &mut state, facts, version, asked);
    let Some(change) = change else { return };
    let envelope = state.envelope.clone();
    drop(state);
    if let Some(envelope) = envelope {
        house.tell(|| identity_event(house, &envelope, change));
    }
}

/// Goes on with a record that was just written.
pub(super) fn settle(house: &House, state: &mut State, facts: Facts, version: Version, asked: Want) {
    let ticket_changes = state
        .presented
        .is_none_or(|presented| presented.generation != facts.envelope.generation || presented.stale_key);
    let is_persistent = facts.envelope.persist_for.is_some() || state.envelope_changed;
    state.expires = house.deadline(&facts.envelope);
    state.generations = facts.generations;
    state.envelope = Some(facts.envelope);
    state.version = Some(version.0);
    state.leasing = state.leasing.settled(asked, facts.claim, state.commits.is_last);
    state.settle(if ticket_changes || is_persistent { Outcome::Mint } else { Outcome::Nothing });
}

/// The record is gone: whoever ended the session wins, except over a login, which begins anew.
async fn lost(visit: &Visit, store: &AnyStore, wish: &Wish<'_>, now: Timestamp) -> Result<(), Error> {
    if wish.intent == Intent::Login {
        return start_fresh(visit, store, wish, false, now).await;
    }
    Err(give_up(&mut visit.lock()))
}

/// The session as it would be written; one in which nothing is left is marked as ended in the same write, so that
/// nobody adds to it before it is removed.
fn draft_of(
    house: &House,
    state: &State,
    facts: &mut Facts,
    contents: Option<&Contents>,
    now: Timestamp,
) -> (Draft, bool) {
    let contents = contents.unwrap_or(&state.contents);
    let is_emptied = contents.is_empty() && state.contents.is_changed();
    let is_empty = is_emptied && facts.envelope.login.is_none() && !state.started && !state.confirm;
    if is_empty {
        facts.generations.end(now);
    }
    let is_new = state.presented.is_none();
    (draft(house, &facts.envelope, &facts.generations, facts.claim, contents, is_new), is_empty)
}

/// Ends a session in which nothing is left.
async fn remove(visit: &Visit, envelope: &Envelope) -> Result<(), Error> {
    let house = &visit.house;
    super::end::end(house, envelope, End::Emptied).await?;
    visit.lock().emptied();
    Ok(())
}

pub(super) fn draft(
    house: &House,
    envelope: &Envelope,
    generations: &Generations,
    claim: Option<Claim>,
    contents: &Contents,
    is_new: bool,
) -> Draft {
    Draft {
        header: house.header(envelope, is_new),
        payload: record::write(generations, claim, envelope, contents),
    }
}
