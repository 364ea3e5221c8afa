//! The commit: the one part of the lifecycle that does I/O.

mod at_once;
mod cap;
mod client;
mod create;
mod end;
mod kept;
mod lease;
pub(crate) mod subjects;
mod sweep;
mod touch;
mod turn;
mod wait;

pub(crate) use self::end::{end_in_background, ended};
pub(crate) use self::lease::{leave, lock};
pub use self::sweep::Sweeping;
pub(crate) use self::sweep::{sweep, sweep_every};
pub(crate) use self::turn::{When, tell_abandoned};
pub(crate) use self::wait::{Finished, in_time, within};
use super::emit::{Emission, emit};
use super::house::House;
use super::meter;
use super::plan::{Deeds, Plan, plan};
use super::visit::Visit;
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::{Error, ErrorKind};
use crate::generation::Generations;
use crate::id::RecordKey;
use crate::lease::Leasing;
use crate::session;
use crate::session::seat::Locked;
use crate::session::state::{Outcome, Standing, State, superseded};
use crate::store::{AnyStore, Record, Store as _};
use crate::value::{Contents, Rebase};

/// How a request's session ends: what leaves with the response, and why its last commit failed.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) emission: Emission,
    pub(crate) failed: Option<Error>,
}

impl Ending {
    fn of(committed: Result<(), Error>, emission: Result<Emission, Error>) -> Self {
        let failed = committed.err();
        match emission {
            Ok(emission) => Self { emission, failed },
            Err(error) => Self { emission: Emission::Nothing, failed: failed.or(Some(error)) },
        }
    }
}

/// Whether a request has waited for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// Never: its handler answered when it was first asked.
    AtOnce,
    /// Nobody knows how long.
    Waited,
}

/// What leaves with the response after the last commit.
pub(crate) fn close(visit: &Visit, committed: Result<(), Error>) -> Ending {
    let emission = emit(&visit.house, &mut visit.lock(), committed.is_err(), visit.house.now());
    Ending::of(committed, emission)
}

/// The last commit and what leaves with the response, as far as the former needs no I/O; `None` if it does.
pub(crate) fn close_without_io(visit: &Visit, redirects: bool, pace: Pace) -> Option<Ending> {
    let house = &*visit.house;
    let mut state = visit.lock();
    if state.ending.is_some() || state.commits.under_way > 0 || state.leasing.held.is_some() {
        return None;
    }
    let begun = begin_last(visit, &mut state, redirects);
    // To see that nothing is to be done, the instant of the load is good enough if no time has passed since.
    let is_quiet = pace == Pace::AtOnce && state.revision == 0;
    let mut now = if is_quiet { state.looked_at } else { house.now() };
    let plan = planned(house, &state, now);
    if begun.is_err() || plan == Plan::Nothing {
        let emission = emit(house, &mut state, begun.is_err(), now);
        return Some(Ending::of(begun, emission));
    }
    if is_quiet {
        now = house.now();
    }
    let result = carried_out(visit, &mut state, plan, now);
    let emission = emit(house, &mut state, result.as_ref()?.is_err(), now);
    drop(state);
    // Moved only now: right after it was written, the processor would wait for it.
    result.map(|result| Ending::of(told(house, plan, result), emission))
}

fn try_without_io(visit: &Visit, mut state: Locked<'_>, now: Timestamp) -> Option<Result<(), Error>> {
    let plan = planned(&visit.house, &state, now);
    let result = carried_out(visit, &mut state, plan, now)?;
    drop(state);
    Some(told(&visit.house, plan, result))
}

/// What came of a plan that needs no I/O, `None` of others.
fn carried_out(visit: &Visit, state: &mut State, plan: Plan, now: Timestamp) -> Option<client::Told> {
    if let Some(events) = at_once::carry_out(visit, state, plan, now) {
        return Some(Ok(events));
    }
    client::commit_without_io(visit, state, plan, now)
}

/// Tells of a commit, outside the lock.
fn told(house: &House, plan: Plan, result: client::Told) -> Result<(), Error> {
    counted(plan, result.map(|events| events.into_iter().for_each(|event| house.tell(|| event))))
}

/// Counts a commit that had something to write.
fn counted(plan: Plan, result: Result<(), Error>) -> Result<(), Error> {
    let is_waiting = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::Busy);
    if !is_waiting && !matches!(plan, Plan::Nothing | Plan::Refresh | Plan::Verify) {
        meter::commit(&result);
    }
    result
}

/// Closes the session for writers; what the handler is responsible for is given up.
fn begin_last(visit: &Visit, state: &mut State, redirects: bool) -> Result<(), Error> {
    if let Some(failure) = state.commits.unseen() {
        state.commits.is_closed = true;
        return Err(failure);
    }
    if redirects && !state.commits.is_last {
        // What cannot be kept, such as for want of room, is lost with the redirect.
        let _kept = session::hold_flash(state, visit);
    }
    if state.commits.is_told(state.revision) {
        if state.commits.outcome == Outcome::End {
            // It was tried, and is tried again in the background.
            state.ending = None;
        }
        state.give_up_changes();
    }
    state.commits.is_closed = true;
    state.commits.is_last = true;
    Ok(())
}

/// What the request did, decided by the table.
fn planned(house: &House, state: &State, now: Timestamp) -> Plan {
    plan(deeds(house, state, now))
}

fn deeds(house: &House, state: &State, now: Timestamp) -> Deeds {
    let is_kept = state.version.is_some();
    let changed = state.is_changed();
    Deeds {
        standing: state.standing,
        intent: state.intent,
        changed,
        // Only a change can leave nothing behind.
        empty: changed && state.is_empty(),
        // A change is written with the instant anyway.
        refresh_due: !changed && !state.read_only && is_refresh_due(house, state, now),
        stale_key: !state.read_only && state.presented.is_some_and(|presented| presented.stale_key),
        confirm: state.confirm,
        // A ticket costs nothing to bring up to date; a cookie full of values would overwrite a parallel response.
        late: !state.read_only && (state.late || is_kept && state.is_behind()),
        leases: state.leasing.wants_commit(state.commits.is_last),
        pledged: is_kept
            && state.commits.is_last
            && state.commits.outcome == Outcome::Mint
            && is_pledged(state),
    }
}

/// Whether "last seen" must be written anew: by age, or because the cookie of a new record came back for the first
/// time.
fn is_refresh_due(house: &House, state: &State, now: Timestamp) -> bool {
    let Some(envelope) = state.envelope.as_ref().filter(|_| state.standing == Standing::Live) else {
        return false;
    };
    let is_first_return = state.version.is_some() && state.expires < house.deadline(envelope);
    is_first_return || house.lifetime_of(envelope).is_refresh_due(envelope.issued, now)
}

/// Whether a cookie was decided about early in this request for a session that other requests know.
pub(crate) fn is_pledged(state: &State) -> bool {
    state.commits.is_pledged && state.presented.is_some()
}

/// What the handler did, done again on other contents. Closures of the application run here, outside every lock.
fn rebased(visit: &Visit, onto: Contents) -> Result<Contents, Error> {
    let ours = visit.lock().contents.clone();
    ours.rebase(onto).map_err(|rebase| match rebase {
        Rebase::Conflict { segment, key } => conflict(key.as_deref().unwrap_or(&segment)),
        Rebase::Failed(error) => error,
    })
}

fn conflict(what: &str) -> Error {
    let message =
        format!("another request changed `{what}` after this one had read it: retry, or use `update`");
    Error::new(ErrorKind::Conflict, message)
}

/// The record, waited for no longer than any operation.
pub(crate) async fn found(
    house: &House,
    store: &AnyStore,
    key: &RecordKey,
    now: Timestamp,
) -> Result<Option<Record>, Error> {
    within(house, house.patience.operation, "load", store.load(key, now)).await
}

/// Makes of the session one that does not exist yet, for a login that begins a family of its own. Of a session that
/// was ended, or is somebody else's by now, it takes only along what the handler wrote.
fn start_anew(visit: &Visit, envelope: Envelope, keeps_values: bool) -> Result<(), Error> {
    // The lease was that of the other session, which goes on.
    leave(visit);
    let format = visit.house.home.format();
    let contents = if keeps_values { None } else { Some(rebased(visit, Contents::empty(format))?) };
    let mut state = visit.lock();
    if let Some(contents) = contents {
        state.contents = contents;
    }
    state.standing = Standing::New;
    state.envelope = Some(envelope);
    state.loaded = None;
    state.presented = None;
    state.version = None;
    state.confirm = false;
    state.generations = Generations::at(0);
    state.leasing = Leasing::default();
    Ok(())
}

/// The session is not this request's any more: no cookie leaves, and a writer is told.
fn give_up(state: &mut State) -> Error {
    state.standing = Standing::Mute;
    superseded()
}
