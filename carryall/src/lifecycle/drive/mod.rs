//! The commit: the one part of the lifecycle that does I/O.

mod client;
mod end;
mod kept;
mod wait;

use std::pin::pin;
use std::sync::Arc;

pub(crate) use self::end::{end_in_background, ended};
pub(crate) use self::wait::{Uninterrupted, within};
use super::house::House;
use super::place::Home;
use super::plan::{Deeds, Plan, plan};
use super::visit::Visit;
use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::session::state::{Outcome, Standing, State, superseded};
use crate::value::{Contents, Rebase};

/// The commit before the response head, as far as it needs no I/O; `None` if it does.
///
/// `is_last` says that nobody will look at the values afterwards.
pub(crate) fn commit_without_io(visit: &Visit, is_last: bool) -> Option<Result<(), Error>> {
    let now = visit.house.now();
    let mut state = visit.lock();
    state.is_last |= is_last;
    if state.ending.is_some() || state.committing {
        return None;
    }
    if state.told {
        state.roll_back();
    }
    let plan = planned(&visit.house, &state, now);
    let result = client::commit_without_io(visit, &mut state, plan, now)?;
    drop(state);
    Some(result.map(|events| events.into_iter().for_each(|event| visit.house.tell(|| event))))
}

/// Makes everything durable, whatever it takes.
pub(crate) async fn commit_now(visit: Arc<Visit>) -> Result<(), Error> {
    let house = &visit.house;
    let _turn = visit.gate.lock().await;
    let ending = visit.lock().ending.clone();
    if let Some(envelope) = ending {
        visit.lock().outcome = Outcome::End;
        let ended = Box::pin(end::end(house, &envelope, crate::event::End::Logout)).await;
        let mut state = visit.lock();
        // Taken only now: a future dropped before leaves the wish for `Visit::abandon`.
        state.ending = None;
        state.told |= ended.is_err();
        drop(state);
        ended?;
    }
    // Pinned here: `within` would hold it twice, as its argument and where it is polled.
    let changes = pin!(commit_changes(&visit));
    let result = within(house, house.patience.commit, "commit", changes).await;
    visit.lock().told |= result.is_err();
    result
}

async fn commit_changes(visit: &Visit) -> Result<(), Error> {
    if let Some(result) = commit_without_io(visit, false) {
        return result;
    }
    let _committing = Committing::begin(visit);
    match &visit.house.home {
        Home::Store { store, .. } => kept::commit(visit, store).await,
        Home::Client(_) => client::commit_identity(visit).await,
    }
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
        refresh_due: !state.read_only && is_refresh_due(house, state, now),
        stale_key: !state.read_only && state.presented.is_some_and(|presented| presented.stale_key),
        confirm: state.confirm,
        // A ticket costs nothing to bring up to date; a cookie full of values would overwrite a parallel response.
        late: !state.read_only && (state.late || is_kept && state.is_behind()),
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

/// Marks the session as being committed, so that other tasks of the request do not write into it meanwhile.
struct Committing<'a>(&'a Visit);

impl<'a> Committing<'a> {
    fn begin(visit: &'a Visit) -> Self {
        visit.lock().committing = true;
        Self(visit)
    }
}

impl Drop for Committing<'_> {
    fn drop(&mut self) {
        self.0.lock().committing = false;
    }
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

/// What a login takes along into a fresh family: of a session that was ended, only what the handler wrote.
fn take_along(visit: &Visit, ended: bool) -> Result<(), Error> {
    if ended {
        let format = visit.house.home.format();
        let contents = rebased(visit, Contents::empty(format))?;
        visit.lock().contents = contents;
    }
    Ok(())
}

/// The session is not this request's any more: no cookie leaves, and a writer is told.
fn give_up(state: &mut State) -> Error {
    state.standing = Standing::Mute;
    superseded()
}
