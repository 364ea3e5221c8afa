//! Commits of sessions that the client carries: no I/O, except to log an identity change.

use super::super::change::{Change, Facts, Wish, may_write};
use super::super::house::House;
use super::super::place::Home;
use super::super::plan::{Deeds, Plan};
use super::super::visit::Visit;
use super::{counted, give_up, within};
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::event::{End, Event, IdentityChange};
use crate::generation::Generations;
use crate::session::state::{Intent, Outcome, State, superseded};

pub(super) type Told = Result<Vec<Event>, Error>;

/// What needs no I/O, in either home: `None` for the rest.
pub(super) fn commit_without_io(
    visit: &Visit,
    state: &mut State,
    plan: Plan,
    now: Timestamp,
) -> Option<Told> {
    let house = &*visit.house;
    let is_carried = !matches!(house.home, Home::Store { .. });
    match plan {
        Plan::Nothing => Some(Ok(Vec::new())),
        Plan::Supersede => Some(Err(superseded())),
        Plan::Create if is_carried => Some(begin(visit, state, now)),
        Plan::Write { identity: false } | Plan::Refresh if is_carried && !state.confirm => {
            Some(write(house, state, plan, now))
        }
        _ => None,
    }
}

/// A session that begins in its cookie.
fn begin(visit: &Visit, state: &mut State, now: Timestamp) -> Told {
    let house = &*visit.house;
    // Built where it stays.
    let envelope = match &mut state.envelope {
        Some(envelope) => envelope,
        place @ None => visit.begin_noticed_in(place, now)?,
    };
    stamp(house, envelope, now);
    let mut events = vec![];
    if house.is_listening() {
        events.push(Event::Created { handle: house.handle(&envelope.family) });
        if state.intent == Intent::Login {
            events.push(identity_event(house, envelope, IdentityChange::Login));
        }
    }
    state.generations = Generations::at(envelope.generation);
    state.settle(Outcome::Mint);
    Ok(events)
}

/// A session must not be born before an instant up to which everyone is revoked. A login was stamped when it was made:
/// one that is revoked before it is committed stays so.
pub(super) fn stamp(house: &House, envelope: &mut Envelope, now: Timestamp) {
    if envelope.login.is_none() {
        envelope.created = envelope.created.max(house.beginning(now));
    }
    envelope.issued = now.max(envelope.created);
}

/// A session that goes on in its cookie: revocations are looked at again, because a slow request must not mint
/// after a logout.
fn write(house: &House, state: &mut State, plan: Plan, now: Timestamp) -> Told {
    let is_write = matches!(plan, Plan::Write { .. });
    let Some(envelope) = state.envelope.as_mut() else { return Ok(Vec::new()) };
    let presented = state.presented.map_or(envelope.generation, |presented| presented.generation);
    let known = house.known(&envelope.family);
    if !may_write(known, presented, now, house.windows) || house.is_revoked(envelope, None, now) {
        let error = give_up(state);
        return if is_write { Err(error) } else { Ok(Vec::new()) };
    }
    envelope.generation = known.map_or(envelope.generation, |known| known.current.max(envelope.generation));
    envelope.issued = now;
    state.settle(Outcome::Mint);
    Ok(Vec::new())
}

/// What must be in the log before the response head: identity changes and ends; and the first sight of a generation.
pub(super) async fn commit_identity(visit: &Visit) -> Result<(), Error> {
    let house = &visit.house;
    let now = house.now();
    let (plan, wish, envelope) = {
        let state = visit.lock();
        (super::planned(house, &state, now), Wish::of(&state).map(Wish::into_owned), state.loaded.clone())
    };
    let (Some(wish), Some(loaded)) = (wish, envelope) else { return Ok(()) };
    let result = change_identity(visit, plan, wish, loaded, now).await;
    counted(plan, result)
}

async fn change_identity(
    visit: &Visit,
    plan: Plan,
    wish: Wish<'_>,
    loaded: Envelope,
    now: Timestamp,
) -> Result<(), Error> {
    let house = &visit.house;
    if plan == Plan::Remove {
        if !end_if_current(house, &wish, &loaded, now) {
            return Err(give_up(&mut visit.lock()));
        }
        super::end::end(house, &loaded, End::Emptied).await?;
        visit.lock().emptied();
        return Ok(());
    }
    let mut facts = Facts { envelope: loaded.clone(), generations: Generations::default(), claim: None };
    let (changed, before) = change(house, &wish, &mut facts, now);
    let event = match changed {
        Change::Superseded => return Err(give_up(&mut visit.lock())),
        Change::FreshFamily { keeps_values } => {
            let envelope = fresh(house, &wish.envelope, now)?;
            super::start_anew(visit, envelope.clone(), keeps_values)?;
            finish(&mut visit.lock(), envelope, Outcome::Mint)
        }
        Change::Go => {
            let published = publish(house, &loaded, facts.generations, before, now).await;
            // That a generation was seen is noted here at least, and no reason to fail a request.
            published.or_else(|error| if wish.intent == Intent::Keep { Ok(()) } else { Err(error) })?;
            let mut state = visit.lock();
            if house.known(&loaded.family).is_some_and(|known| known.dead.is_some()) {
                return Err(give_up(&mut state));
            }
            state.generations = facts.generations;
            // That a generation arrived concerns the log alone: its cookie would undo what a parallel response set.
            let mint = wish.intent != Intent::Keep || plan_if_confirmed(house, &state, now) != Plan::Nothing;
            finish(&mut state, facts.envelope, if mint { Outcome::Mint } else { Outcome::Nothing })
        }
    };
    if let Some(change) = event {
        let envelope = visit.lock().envelope.clone();
        if let Some(envelope) = envelope {
            house.tell(|| identity_event(house, &envelope, change));
        }
    }
    Ok(())
}

/// Ends a session in which nothing is left, unless another request has signed somebody in meanwhile.
fn end_if_current(house: &House, wish: &Wish<'_>, loaded: &Envelope, now: Timestamp) -> bool {
    let Some(revocations) = &house.revocations else { return true };
    revocations.change(&loaded.family, now, house.latest(loaded), wish.presented, |known| {
        let is_current = may_write(Some(*known), wish.presented, now, house.windows);
        if is_current {
            known.end(now);
        }
        is_current
    })
}

/// Applies the wish to the facts inside the compare-and-swap of the revocation set. Answers what was known before, too.
fn change(house: &House, wish: &Wish<'_>, facts: &mut Facts, now: Timestamp) -> (Change, Generations) {
    let (family, latest) = (facts.envelope.family, house.latest(&facts.envelope));
    // Asked before the set is locked, for a log may look into its set to know whether it is fresh.
    let is_revoked = house.is_revoked(&facts.envelope, None, now);
    let mut apply = |known: &mut Generations| {
        let before = *known;
        facts.generations = before;
        let change = wish.apply(house, facts, now, is_revoked);
        if matches!(change, Change::Go) {
            *known = facts.generations;
        }
        (change, before)
    };
    match &house.revocations {
        Some(revocations) => revocations.change(&family, now, latest, wish.presented, apply),
        None => apply(&mut Generations::at(wish.presented)),
    }
}

/// Writes the change into the log. When that fails nobody gets a cookie of the new generation, so the old one stays
/// good here unless somebody else changed it meanwhile.
async fn publish(
    house: &House,
    loaded: &Envelope,
    changed: Generations,
    before: Generations,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(revocations) = &house.revocations else { return Ok(()) };
    let (family, expires) = (&loaded.family, house.latest(loaded));
    let floor = revocations.publish(family, changed, expires);
    let published = within(house, house.patience.operation, "revoke", floor).await;
    if published.is_err() && changed.current != before.current {
        revocations.change(family, now, expires, before.current, |known| {
            if *known == changed {
                *known = before;
            }
        });
    }
    published
}

/// What there is to do apart from noting that the generation arrived.
fn plan_if_confirmed(house: &House, state: &State, now: Timestamp) -> Plan {
    super::plan(Deeds { confirm: false, ..super::deeds(house, state, now) })
}

fn finish(state: &mut State, envelope: Envelope, outcome: Outcome) -> Option<IdentityChange> {
    let change = match state.intent {
        Intent::Keep => None,
        Intent::Regenerate => Some(IdentityChange::Regenerate),
        Intent::Elevate => Some(IdentityChange::Elevate),
        Intent::Login => Some(IdentityChange::Login),
    };
    state.envelope = Some(envelope);
    state.settle(outcome);
    change
}

/// The same login in a family of its own.
pub(super) fn fresh(house: &House, envelope: &Envelope, now: Timestamp) -> Result<Envelope, Error> {
    let mut fresh = house.begin(now)?;
    fresh.login.clone_from(&envelope.login);
    fresh.logins = envelope.logins;
    fresh.persist_for = envelope.persist_for;
    fresh.fingerprint = envelope.fingerprint;
    fresh.origin.clone_from(&envelope.origin);
    stamp(house, &mut fresh, now);
    Ok(fresh)
}

pub(super) fn identity_event(house: &House, envelope: &Envelope, change: IdentityChange) -> Event {
    Event::IdentityChanged { handle: house.handle(&envelope.family), change }
}
