//! Taking the lease of a session, and letting go of one that its request has left behind.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::super::house::House;
use super::super::place::Home;
use super::super::queue::Place;
use super::super::record;
use super::super::visit::Visit;
use super::found;
use super::turn::When;
use super::wait::{Finished, in_background, in_time, within};
use crate::error::{Error, ErrorKind};
use crate::id::Family;
use crate::lease::{Claim, Want};
use crate::session::LeaseOptions;
use crate::session::state::Standing;
use crate::store::{AnyStore, Commit, Draft, Store};

/// How long the first in the queue waits before it looks again: longer each time.
const PAUSES: [u64; 5] = [5, 10, 20, 40, 80];
const LONGEST_PAUSE: u64 = 100;

/// Waits for the lease and takes it.
pub(crate) async fn lock(visit: Arc<Visit>, options: LeaseOptions) -> Result<Claim, Error> {
    let Some(family) = lockable(&visit)? else { return Ok(alone(&visit.house, options.hold)) };
    // Whoever has it already need not stand behind those who wait for it.
    if visit.lock().leasing.held.is_some()
        && let Some(claim) = take(&visit, options.hold).await?
    {
        return Ok(claim);
    }
    let house = Arc::clone(&visit.house);
    let key = visit.record_key(&family);
    let deadline = Instant::now() + options.wait;
    let queued = house.lines.join_if(key, options.waiting).ok_or_else(|| busy("too many requests wait"))?;
    let place = timeout_at(deadline, queued).await.map_err(|_| busy("others were first"))?;
    let mut pauses = PAUSES.into_iter();
    loop {
        if let Some(claim) = take(&visit, options.hold).await? {
            return Ok(claim);
        }
        if Instant::now() >= deadline {
            return Err(busy("it did not let go in time"));
        }
        let pause = Duration::from_millis(pauses.next().unwrap_or(LONGEST_PAUSE));
        wait(&place, deadline.min(Instant::now() + pause)).await;
    }
}

/// The session to be locked; `None` if it does not exist yet, so that nobody else can know it.
fn lockable(visit: &Visit) -> Result<Option<Family>, Error> {
    if matches!(visit.house.home, Home::Client(_)) {
        let message = "a session that its cookie carries cannot be locked: place it in a store";
        return Err(Error::new(ErrorKind::Misuse, message));
    }
    let state = visit.lock();
    state.check_writable()?;
    let is_live = state.standing == Standing::Live;
    Ok(state.envelope.as_ref().filter(|_| is_live).map(|envelope| envelope.family))
}

fn alone(house: &House, hold: Duration) -> Claim {
    Claim { fence: 0, until: house.now().plus(hold) }
}

/// One try; `None` if somebody else has it.
async fn take(visit: &Arc<Visit>, hold: Duration) -> Result<Option<Claim>, Error> {
    let wanting = Wanting::begin(visit, hold);
    match Finished::new(Arc::clone(visit), When::Early).await {
        Err(error) if error.kind() == ErrorKind::Busy => return Ok(None),
        Err(error) => {
            // What it had before it still has.
            if visit.lock().leasing.held.is_none() {
                leave(visit);
            }
            return Err(error);
        }
        Ok(()) => {}
    }
    drop(wanting);
    let state = visit.lock();
    let leasing = state.leasing;
    if let Some(claim) = leasing.found.filter(|claim| leasing.held == Some(claim.fence)) {
        return Ok(Some(claim));
    }
    state.check_endable()?;
    // A session in which nothing was left has ended with its changes. Any other was committed by another task of this
    // request, which did not ask for the lease.
    Ok((state.standing == Standing::New).then(|| alone(&visit.house, hold)))
}

/// The wish is taken back with the future: what is being committed by then is let go of with the response.
struct Wanting<'a>(&'a Visit);

impl<'a> Wanting<'a> {
    fn begin(visit: &'a Visit, hold: Duration) -> Self {
        visit.lock().leasing.want = Want::Take(hold);
        Self(visit)
    }
}

impl Drop for Wanting<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if matches!(state.leasing.want, Want::Take(_)) {
            state.leasing.want = Want::Nothing;
        }
    }
}

async fn wait(place: &Place<'_>, until: Instant) {
    // Whether somebody let go or it is time, it is looked at again.
    let _time = timeout_at(until, place.let_go()).await;
}

pub(super) fn busy(why: &str) -> Error {
    Error::new(ErrorKind::Busy, format!("another request has the session locked, and {why}: try again"))
}

/// The error of a holder whose lease ran out and was taken by another.
pub(super) fn overtaken() -> Error {
    let message = "the lease of the session ran out and another request has taken it: the changes are given up, \
                   hold it longer";
    Error::new(ErrorKind::Conflict, message)
}

/// Lets go of a lease that the request could not let go of with a commit.
pub(crate) fn leave(visit: &Visit) {
    let (fence, family) = {
        let mut state = visit.lock();
        let tried = state.leasing.tried.take().map(|claim| claim.fence);
        (state.leasing.held.take().or(tried), state.loaded.as_ref().map(|loaded| loaded.family))
    };
    let (Some(fence), Some(family)) = (fence, family) else { return };
    let house = Arc::clone(&visit.house);
    in_background(async move {
        let Home::Store { store, .. } = &house.home else { return };
        let letting = pin!(let_go(&house, store, &family, fence));
        // If the store does not answer, the lease runs out by itself.
        let _outage = in_time(&house, house.patience.commit, "commit", letting).await;
    });
}

async fn let_go(house: &House, store: &AnyStore, family: &Family, fence: u64) -> Result<(), Error> {
    let key = house.record_key(family);
    loop {
        let now = house.now();
        let Some(record) = found(house, store, &key, now).await? else { break };
        let Some(body) = record::read(record.payload) else { break };
        if body.claim.is_none_or(|claim| claim.fence != fence) {
            break;
        }
        let payload = record::write(&body.generations, None, &body.envelope, &body.contents);
        let draft = Draft { header: record.header, payload };
        let committing = store.commit(&key, Some(record.version), draft, now);
        match within(house, house.patience.operation, "commit", committing).await? {
            Commit::Conflict(_) => {}
            Commit::Committed(_) | Commit::Gone => break,
        }
    }
    house.lines.let_go(&key);
    Ok(())
}
