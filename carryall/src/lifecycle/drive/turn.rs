//! One commit at a time: whose turn it is, and what becomes of a commit that fails or outlives its request.

use std::pin::pin;
use std::sync::Arc;

use super::super::place::Home;
use super::super::visit::Visit;
use super::{begin_last, client, end, end_in_background, in_time, kept, leave, try_without_io};
use crate::error::{Error, ErrorKind};
use crate::event::{End, Event};
use crate::lease::Want;
use crate::session::state::{Outcome, State, closed};

/// Which commit it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// The handler asked for it.
    Early,
    /// Before the response head. A redirect shows no message, so those that came are kept for the next page.
    Last { redirects: bool },
}

/// Makes everything durable, whatever it takes.
pub(crate) async fn commit_now(visit: Arc<Visit>, when: When) -> Result<(), Error> {
    let house = &visit.house;
    let under_way = UnderWay::begin(&visit, when);
    // Somebody may hold a commit and never poll it again.
    let waiting = async { Ok::<_, Error>(visit.turn().await) };
    let waited = in_time(house, house.patience.commit, "commit", waiting).await;
    let (turn, result) = match waited {
        Ok(turn) => (Some(turn), take_turn(&visit, when).await),
        Err(error) => {
            end_meanwhile(&visit, when);
            (None, Err(error))
        }
    };
    if let Err(error) = &result {
        let mut state = visit.lock();
        if state.commits.gives_up {
            state.give_up_changes();
        }
        let revision = state.revision;
        // That the session is locked is no fault of what was changed.
        if error.kind() != ErrorKind::Busy {
            state.commits.failed(error.kind(), revision);
        }
    }
    // Whoever comes next has to find all that was noted.
    drop(under_way);
    drop(turn);
    if when == When::Early {
        clean_up(&visit, result.is_err());
    } else {
        leave(&visit);
    }
    result
}

async fn take_turn(visit: &Visit, when: When) -> Result<(), Error> {
    let house = &visit.house;
    let begun = begin(visit, when);
    let ending = visit.lock().ending.clone();
    if let Some(envelope) = ending {
        visit.lock().commits.outcome = Outcome::End;
        Box::pin(end::end(house, &envelope, End::Logout)).await?;
        // Taken only now: a future dropped before leaves the wish for `Visit::abandon`, a failure for the next try.
        visit.lock().ending = None;
    }
    if !begun? {
        return Ok(());
    }
    // Pinned here: `in_time` would hold it twice, as its argument and where it is polled.
    let changes = pin!(commit_changes(visit));
    in_time(house, house.patience.commit, "commit", changes).await
}

/// Whether there is anything to do but to end.
fn begin(visit: &Visit, when: When) -> Result<bool, Error> {
    let mut state = visit.lock();
    match when {
        When::Last { redirects } => begin_last(visit, &mut state, redirects).map(|()| true),
        When::Early if !state.commits.is_closed => state.commits.take_unseen().map_or(Ok(true), Err),
        When::Early if state.is_unsettled() => Err(closed()),
        When::Early => Ok(false),
    }
}

async fn commit_changes(visit: &Visit) -> Result<(), Error> {
    let asks = |state: &State| state.is_changed() || state.leasing.want != Want::Nothing;
    let asked = asks(&visit.lock());
    let result = match &visit.house.home {
        Home::Store { store, .. } => kept::commit(visit, store).await,
        Home::Client(_) => match try_without_io(visit, visit.lock(), visit.house.now()) {
            Some(result) => result,
            None => client::commit_identity(visit).await,
        },
    };
    // That a generation arrived is noted for others, and a lease ends by itself; a request that changed nothing does
    // not fail for it.
    let is_forgiven = result.as_ref().is_err_and(|error| match error.kind() {
        ErrorKind::Superseded | ErrorKind::Outage => !asks(&visit.lock()),
        ErrorKind::Conflict => !asked,
        _ => false,
    });
    if is_forgiven { Ok(()) } else { result }
}

/// A logout is carried out although an earlier commit of this request is held and will perhaps never end.
fn end_meanwhile(visit: &Visit, when: When) {
    let ending = {
        let mut state = visit.lock();
        if when == When::Early {
            return;
        }
        state.commits.is_closed = true;
        let held = if state.commits.ends { state.loaded.clone() } else { None };
        let ending = state.ending.take().or(held.map(Box::new));
        if ending.is_some() {
            state.commits.outcome = Outcome::End;
        }
        ending
    };
    if let Some(envelope) = ending {
        end_in_background(&visit.house, envelope);
    }
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
    } else if is_alone {
        leave(visit);
    }
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

/// What the handler did is lost, and there is nobody left to hear of it.
pub(crate) fn tell_abandoned(visit: &Visit) {
    let family = visit.lock().loaded.as_ref().map(|loaded| loaded.family);
    visit.house.tell(|| Event::Abandoned { handle: family.map(|family| visit.house.handle(&family)) });
}
