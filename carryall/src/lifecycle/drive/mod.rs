//! The commit: the one part of the lifecycle that does I/O.

mod client;
mod create;
mod end;
mod kept;
mod touch;
mod wait;

use std::pin::pin;
use std::sync::{Arc, MutexGuard};

pub(crate) use self::end::{end_in_background, ended};
pub(crate) use self::wait::{Finished, within};
use super::house::House;
use super::place::Home;
use super::plan::{Deeds, Plan, plan};
use super::visit::Visit;
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::{Error, ErrorKind};
use crate::event::{End, Event};
use crate::generation::Generations;
use crate::session;
use crate::session::state::{Outcome, Standing, State, closed, superseded};
use crate::value::{Contents, Rebase};

/// Which commit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// The handler asked for it.
    Early,
    /// Before the response head. A redirect shows no message, so those that came are kept for the next page.
    Last { redirects: bool },
}

/// The last commit, as far as it needs no I/O; `None` if it does.
pub(crate) fn commit_without_io(visit: &Visit, redirects: bool) -> Option<Result<(), Error>> {
    let now = visit.house.now();
    let mut state = visit.lock();
    if state.ending.is_some() || state.commits.under_way > 0 {
        return None;
    }
    if let Err(error) = begin_last(visit, &mut state, redirects) {
        return Some(Err(error));
    }
    try_without_io(visit, state, now)
}

fn try_without_io(
    visit: &Visit,
    mut state: MutexGuard<'_, State>,
    now: Timestamp,
) -> Option<Result<(), Error>> {
    let plan = planned(&visit.house, &state, now);
    let result = client::commit_without_io(visit, &mut state, plan, now)?;
    drop(state);
    Some(result.map(|events| events.into_iter().for_each(|event| visit.house.tell(|| event))))
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
        state.give_up_changes();
    }
    state.commits.is_closed = true;
    state.commits.is_last = true;
    Ok(())
}

/// Makes everything durable, whatever it takes.
pub(crate) async fn commit_now(visit: Arc<Visit>, when: When) -> Result<(), Error> {
    let under_way = UnderWay::begin(&visit, when);
    let result = take_turn(&visit, when).await;
    if let Err(error) = &result {
        let mut state = visit.lock();
        state.commits.failed(error.kind());
        if state.commits.gives_up {
            state.give_up_changes();
        }
    }
    drop(under_way);
    if when == When::Early {
        clean_up(&visit, result.is_err());
    }
    result
}

/// After a commit that outlived its request: what the request would have done.
fn clean_up(visit: &Visit, is_failed: bool) {
    let (is_alone, ending) = {
        let mut state = visit.lock();
        let is_alone = state.commits.is_closed && !state.commits.is_last;
        (is_alone, if is_alone { state.ending.take() } else { None })
    };
    if is_alone && is_failed {
        tell_abandoned(visit);
    }
    if let Some(envelope) = ending {
        end_in_background(&visit.house, envelope);
    }
}

async fn take_turn(visit: &Visit, when: When) -> Result<(), Error> {
    let house = &visit.house;
    // Somebody may hold a commit and never poll it again.
    let turn = async { Ok::<_, Error>(visit.gate.lock().await) };
    let _turn = within(house, house.patience.commit, "commit", turn).await?;
    {
        let mut state = visit.lock();
        match when {
            When::Last { redirects } => begin_last(visit, &mut state, redirects)?,
            When::Early if state.commits.is_closed => {
                return if state.is_unsettled() { Err(closed()) } else { Ok(()) };
            }
            When::Early => {}
        }
    }
    let ending = visit.lock().ending.clone();
    if let Some(envelope) = ending {
        visit.lock().commits.outcome = Outcome::End;
        let ended = Box::pin(end::end(house, &envelope, End::Logout)).await;
        // Taken only now: a future dropped before leaves the wish for `Visit::abandon`.
        visit.lock().ending = None;
        ended?;
    }
    // Pinned here: `within` would hold it twice, as its argument and where it is polled.
    let changes = pin!(commit_changes(visit));
    within(house, house.patience.commit, "commit", changes).await
}

/// What the handler did is lost, and there is nobody left to hear of it.
pub(crate) fn tell_abandoned(visit: &Visit) {
    let family = visit.lock().loaded.as_ref().map(|loaded| loaded.family);
    visit.house.tell(|| Event::Abandoned { handle: family.map(|family| visit.house.handle(&family)) });
}

async fn commit_changes(visit: &Visit) -> Result<(), Error> {
    let now = visit.house.now();
    if let Some(result) = try_without_io(visit, visit.lock(), now) {
        return result;
    }
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

/// Marks the session as being committed, so that other tasks of the request do not write into it meanwhile, and the
/// last commit waits.
struct UnderWay<'a>(Option<&'a Visit>);

impl<'a> UnderWay<'a> {
    fn begin(visit: &'a Visit, when: When) -> Self {
        let is_early = when == When::Early;
        visit.lock().commits.under_way += usize::from(is_early);
        Self(is_early.then_some(visit))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let Some(visit) = self.0 else { return };
        let mut state = visit.lock();
        state.commits.under_way -= 1;
        if state.commits.under_way == 0 {
            state.commits.gives_up = false;
            if std::mem::take(&mut state.commits.ends) {
                state.end();
            }
        }
    }
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

/// Makes of the session one that does not exist yet, for a login that begins a family of its own. Of a session that
/// was ended, or is somebody else's by now, it takes only along what the handler wrote.
fn start_anew(visit: &Visit, envelope: Envelope, keeps_values: bool) -> Result<(), Error> {
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
    Ok(())
}

/// The session is not this request's any more: no cookie leaves, and a writer is told.
fn give_up(state: &mut State) -> Error {
    state.standing = Standing::Mute;
    superseded()
}
