//! From a cookie to a loaded session, or to an empty one and one event that says why.

mod kept;

use super::admit::{Admission, Candidate, Knock, admit, choose};
use super::meter;
use super::place::Home;
use super::visit::{Glance, Visit};
use crate::carrier::{Opened, Prepared, Ticket};
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::event::{Event, Refusal};
use crate::format::Format;
use crate::generation::Generations;
use crate::id::Family;
use crate::key::{KeyId, KeyState};
use crate::policy::RequestHead;
use crate::session::state::{Presented, Standing, State};
use crate::session::{FLASH, age_flash};
use crate::store::MemoryStore;
use crate::value::Contents;

/// A session that may come in: the state of its request, built where it stays, for every move of it is a copy.
struct Guest {
    state: Box<State>,
    key: KeyId,
    /// The store knows an older generation than the cookie.
    rolled_back: bool,
}

impl Guest {
    /// A guest whose values are still to be read.
    fn new(envelope: Envelope, format: Format, presented: Presented, generations: Generations) -> Self {
        let key = KeyId::from_bytes(presented.key);
        let mut state = Box::write(Box::new_uninit(), State::new(Contents::empty(format)));
        state.standing = Standing::Live;
        state.envelope = Some(envelope);
        state.presented = Some(presented);
        state.generations = generations;
        Self { state, key, rolled_back: false }
    }
}

/// Why nobody comes in.
struct Turned {
    reason: Refusal,
    family: Option<Family>,
    mute: bool,
}

impl From<Refusal> for Turned {
    fn from(reason: Refusal) -> Self {
        Self { reason, family: None, mute: false }
    }
}

/// What is at the door: nobody, a guest, or somebody to turn away.
type Door = Option<Result<Guest, Turned>>;

/// Loads a session that its cookie carries.
pub(crate) fn load_carried(visit: &Visit, carrier: &Prepared, head: &impl RequestHead) {
    let now = visit.house.now();
    enter_from(visit, from_client(visit, |token| carrier.open(token), now), head, now);
}

/// Loads a session that a store in memory keeps.
pub(crate) fn load_at_once(visit: &Visit, ticket: &Ticket, memory: &MemoryStore, head: &impl RequestHead) {
    let now = visit.house.now();
    enter_from(visit, kept::from_memory(visit, ticket, memory, now), head, now);
}

/// Lets in who was found while the request is at hand.
fn enter_from(visit: &Visit, door: Door, head: &impl RequestHead, now: Timestamp) {
    let is_marked = |envelope: &Envelope| envelope.fingerprint.is_some();
    let asks = |guest: &Guest| {
        guest.state.envelope.as_ref().is_some_and(is_marked) || guest.state.contents.has_segment(FLASH)
    };
    // Most sessions ask nothing of the request, and its headers are not looked at for them.
    let glance = match &door {
        Some(Ok(guest)) if asks(guest) => visit.glance(head),
        _ => Glance::default(),
    };
    enter(visit, door, &glance, now);
}

/// Loads a session that a store keeps.
pub(crate) async fn load_kept(visit: &Visit, glance: Glance) -> Result<(), Error> {
    let Home::Store { ticket, store } = &visit.house.home else { return Ok(()) };
    let now = visit.house.now();
    let door = kept::from_store(visit, ticket, store, now).await?;
    enter(visit, door, &glance, now);
    Ok(())
}

/// Lets the guest in, or nobody, and tells why.
fn enter(visit: &Visit, door: Door, glance: &Glance, now: Timestamp) {
    let house = &visit.house;
    let checked = door.map(|found| {
        let mut guest = found?;
        check(visit, glance, &mut guest, now).map(|()| guest)
    });
    let outcome = outcome(&checked);
    let (guest, turned) = match checked {
        None => (None, None),
        Some(Ok(guest)) => (Some(guest), None),
        Some(Err(turned)) => (None, Some(turned)),
    };
    let rolled_back = guest.as_ref().is_some_and(|guest| guest.rolled_back);
    {
        let (mut state, late) = visit.lock_with(guest.map(|guest| guest.state));
        if visit.is_loaded() {
            // Another task of the same request was faster.
            return;
        }
        if let Some(loaded) = late {
            state.take_over(*loaded);
        }
        if let Some(turned) = &turned {
            state.standing = if turned.mute { Standing::Mute } else { Standing::New };
        }
        state.commits.is_closed |= visit.has_left();
        state.flash_ages = !glance.is_ahead;
        state.read_only = house.is_read_only();
        if glance.ages_flash && state.contents.has_segment(FLASH) {
            // What cannot be read has no messages, and does not keep the rest of the session from being read.
            let _unreadable = age_flash(&mut state);
        }
        visit.set_loaded();
    }
    meter::load(outcome);
    if rolled_back {
        tell_rolled_back(visit);
    }
    if let Some(Turned { reason, family, .. }) = turned {
        house.tell(|| Event::Refused { reason, handle: family.map(|family| house.handle(&family)) });
    }
}

fn tell_rolled_back(visit: &Visit) {
    let family = visit.lock().envelope.as_ref().map(|envelope| envelope.family);
    if let Some(family) = family {
        visit.house.tell(|| Event::StoreRolledBack { handle: visit.house.handle(&family) });
    }
}

fn outcome(door: &Door) -> &'static str {
    match door {
        None => "none",
        Some(Ok(_)) => "live",
        Some(Err(_)) => "refused",
    }
}

/// Opens every candidate and picks the one that counts.
fn pick<O>(
    visit: &Visit,
    open: impl Fn(&[u8]) -> Result<O, Refusal>,
    facts: impl Fn(&O) -> Candidate,
) -> Option<Result<O, Refusal>> {
    let name = visit.house.cookie.name();
    let candidates = visit.lines.candidates(name);
    if candidates.overflow() {
        return Some(Err(Refusal::Ambiguous));
    }
    match candidates.as_slice() {
        [] => candidates.oversized().then_some(Err(Refusal::Malformed)),
        [token] => Some(open(token)),
        tokens => Some(pick_of_several(tokens, open, facts)),
    }
}

fn pick_of_several<O>(
    tokens: &[&[u8]],
    open: impl Fn(&[u8]) -> Result<O, Refusal>,
    facts: impl Fn(&O) -> Candidate,
) -> Result<O, Refusal> {
    let mut refusal = None;
    let mut opened: Vec<O> = Vec::new();
    for token in tokens {
        match open(token) {
            Ok(token) => opened.push(token),
            Err(reason) => refusal = refusal.or(Some(reason)),
        }
    }
    if let (true, Some(reason)) = (opened.is_empty(), refusal) {
        return Err(reason);
    }
    let facts: Vec<_> = opened.iter().map(facts).collect();
    choose(&facts).map(|index| opened.swap_remove(index))
}

fn from_client(visit: &Visit, open: impl Fn(&[u8]) -> Result<Opened, Refusal>, now: Timestamp) -> Door {
    let facts = |opened: &Opened| Candidate {
        family: opened.envelope.family,
        generation: opened.envelope.generation,
        issued: opened.envelope.issued,
    };
    let opened = match pick(visit, open, facts)? {
        Ok(opened) => opened,
        Err(reason) => return Some(Err(reason.into())),
    };
    let Opened { envelope, payload, contents, key, key_id, expires } = opened;
    if expires.is_some_and(|expires| now >= expires) {
        return Some(Err(Turned { reason: Refusal::Expired, family: Some(envelope.family), mute: false }));
    }
    let (family, generation) = (envelope.family, envelope.generation);
    let generations = visit.house.known(&family).unwrap_or_else(|| Generations::at(generation));
    let presented = presented(generation, envelope.issued, key, key_id);
    let mut guest = Guest::new(envelope, visit.house.home.format(), presented, generations);
    let is_read = match contents {
        Some(contents) => {
            guest.state.contents = *contents;
            true
        }
        // A signed token without values may leave the object out.
        None => payload.is_empty() || guest.state.contents.load(payload).is_ok(),
    };
    Some(if is_read {
        Ok(guest)
    } else {
        Err(Turned { reason: Refusal::Unreadable, family: Some(family), mute: false })
    })
}

fn presented(generation: u64, issued: Timestamp, key: KeyState, id: KeyId) -> Presented {
    // A token under an announced key comes from a node that is ahead: minting it back would only flip it.
    Presented { generation, issued, key: *id.as_bytes(), stale_key: key == KeyState::Accepted }
}

/// Whether the guest may come in, and what its generation asks for.
fn check(visit: &Visit, glance: &Glance, guest: &mut Guest, now: Timestamp) -> Result<(), Turned> {
    let house = &visit.house;
    let state = &mut *guest.state;
    // A guest has both.
    let (Some(envelope), Some(presented)) = (&mut state.envelope, state.presented) else { return Ok(()) };
    let family = envelope.family;
    let knock = Knock {
        envelope,
        presented: presented.generation,
        generations: state.generations,
        is_revoked: house.is_revoked(envelope, Some(guest.key), now),
        is_same_client: visit.is_same_client(envelope, glance),
    };
    match admit(knock, house.lifetime_of(envelope), house.windows, now) {
        Admission::Refused { reason, mute } => return Err(Turned { reason, family: Some(family), mute }),
        Admission::Current { confirm } => state.confirm = confirm,
        Admission::Predecessor { late } => {
            envelope.generation = state.generations.current;
            state.late = late;
        }
        Admission::Ahead => {
            let newest = presented.generation;
            state.generations.raise(newest, now);
            envelope.generation = newest;
            match &house.revocations {
                Some(revocations) if state.version.is_none() => {
                    let expires = house.latest(envelope);
                    revocations.change(&family, now, expires, newest, |known| known.raise(newest, now));
                }
                _ => {
                    state.confirm = true;
                    guest.rolled_back = true;
                }
            }
        }
    }
    state.loaded.clone_from(&state.envelope);
    Ok(())
}
