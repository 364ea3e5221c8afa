//! From a cookie to a loaded session, or to an empty one and one event that says why.

mod kept;

use bytes::Bytes;

use super::admit::{Admission, Candidate, Knock, admit, choose};
use super::meter;
use super::place::Home;
use super::visit::{Glance, Visit};
use crate::carrier::{Opened, Payload, Prepared, Ticket};
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
use crate::value::{Contents, Unreadable};

/// A session that may come in: the state of its request, built where it stays, for every move of it is a copy.
struct Guest {
    state: Box<State>,
    key: KeyId,
    /// The store knows an older generation than the cookie.
    rolled_back: bool,
}

impl Guest {
    /// A guest of whom nothing is known yet but the cookie.
    #[inline]
    fn unread(format: Format, presented: Presented, now: Timestamp) -> Self {
        let key = KeyId::from_bytes(presented.key);
        let mut state = Box::write(Box::new_uninit(), State::new(Contents::empty(format)));
        state.standing = Standing::Live;
        state.presented = Some(presented);
        state.looked_at = now;
        Self { state, key, rolled_back: false }
    }

    /// A guest whose values are still to be read.
    fn new(
        format: Format,
        envelope: Envelope,
        presented: Presented,
        generations: Generations,
        now: Timestamp,
    ) -> Self {
        let mut guest = Self::unread(format, presented, now);
        guest.state.envelope = Some(envelope);
        guest.state.generations = generations;
        guest
    }
}

/// Why nobody comes in. Boxed on its way, so that a guest, who is more usual, is one pointer.
struct Turned {
    reason: Refusal,
    family: Option<Family>,
    mute: bool,
}

impl From<Refusal> for Box<Turned> {
    fn from(reason: Refusal) -> Self {
        Self::new(Turned { reason, family: None, mute: false })
    }
}

/// What is at the door: nobody, a guest, or somebody to turn away.
type Door = Option<Result<Guest, Box<Turned>>>;

/// Loads a session that its cookie carries.
pub(crate) fn load_carried(visit: &Visit, carrier: &Prepared, head: &impl RequestHead) {
    enter_from(visit, from_client(visit, |token| carrier.open(token)), head);
}

/// Loads a session that a store in memory keeps.
pub(crate) fn load_at_once(visit: &Visit, ticket: &Ticket, memory: &MemoryStore, head: &impl RequestHead) {
    let now = visit.house.now();
    enter_from(visit, kept::from_memory(visit, ticket, memory, now), head);
}

/// Lets in who was found while the request is at hand.
fn enter_from(visit: &Visit, door: Door, head: &impl RequestHead) {
    let is_marked = |envelope: &Envelope| envelope.fingerprint.is_some();
    let asks = |guest: &Guest| {
        guest.state.envelope.as_ref().is_some_and(is_marked) || guest.state.contents.has_segment(FLASH)
    };
    // Most sessions ask nothing of the request, and its headers are not looked at for them.
    let glance = match &door {
        Some(Ok(guest)) if asks(guest) => visit.glance(head),
        _ => Glance::default(),
    };
    enter(visit, door, &glance);
}

/// Loads a session that a store keeps.
pub(crate) async fn load_kept(visit: &Visit, glance: Glance) -> Result<(), Error> {
    let Home::Store { ticket, store } = &visit.house.home else { return Ok(()) };
    let now = visit.house.now();
    let door = kept::from_store(visit, ticket, store, now).await?;
    enter(visit, door, &glance);
    Ok(())
}

/// Lets the guest in, or nobody, and tells why.
fn enter(visit: &Visit, door: Door, glance: &Glance) {
    let house = &visit.house;
    if door.is_none() && !glance.is_ahead {
        // The state will be made by whoever asks for it first.
        if !visit.is_loaded() {
            visit.set_loaded();
            meter::load(outcome(&door));
        }
        return;
    }
    let checked = door.map(|found| {
        let mut guest = found?;
        check(visit, glance, &mut guest).map(|()| guest)
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
    if let Some(turned) = turned {
        let Turned { reason, family, .. } = *turned;
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

/// Opens every candidate, picks the one that counts, and looks who that is. It is handed on by reference, for moving it
/// costs more than looking at it.
fn pick<O, T>(
    visit: &Visit,
    open: impl Fn(&[u8]) -> Result<O, Refusal>,
    facts: impl Fn(&O) -> Candidate,
    look: impl FnOnce(&mut O) -> Result<T, Box<Turned>>,
) -> Option<Result<T, Box<Turned>>> {
    let candidates = visit.lines.candidates(visit.house.cookie.name());
    if candidates.overflow() {
        return Some(Err(Refusal::Ambiguous.into()));
    }
    let mut picked = match candidates.as_slice() {
        [] if candidates.oversized() => Err(Refusal::Malformed),
        [] => return None,
        [token] => open(token),
        tokens => pick_of_several(tokens, open, facts),
    };
    Some(match &mut picked {
        Ok(opened) => look(opened),
        Err(reason) => Err((*reason).into()),
    })
}

#[cold]
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

fn from_client(visit: &Visit, open: impl Fn(&[u8]) -> Result<Opened, Refusal>) -> Door {
    let facts = |opened: &Opened| Candidate {
        family: opened.envelope.family,
        generation: opened.envelope.generation,
        issued: opened.envelope.issued,
    };
    pick(visit, open, facts, |opened| carried(visit, opened))
}

/// Who comes with all values.
fn carried(visit: &Visit, opened: &mut Opened) -> Result<Guest, Box<Turned>> {
    let house = &visit.house;
    let now = house.now();
    let (generation, family) = (opened.envelope.generation, opened.envelope.family);
    let turned = |reason| Box::new(Turned { reason, family: Some(family), mute: false });
    if opened.expires.is_some_and(|expires| now >= expires) {
        return Err(turned(Refusal::Expired));
    }
    let generations = house.known(&family).unwrap_or_else(|| Generations::at(generation));
    let presented = presented(generation, opened.envelope.issued, opened.key, opened.key_id);
    let format = house.home.format();
    let envelope = std::mem::replace(&mut opened.envelope, Envelope::begin(family, now));
    let mut guest = Guest::new(format, envelope, presented, generations, now);
    match std::mem::replace(&mut opened.payload, Payload::Bytes(Bytes::new())) {
        Payload::Contents(contents) => guest.state.contents = *contents,
        // A signed token without values may leave the object out.
        Payload::Bytes(bytes) if bytes.is_empty() => {}
        Payload::Bytes(bytes) => {
            guest.state.contents.load(bytes).map_err(|Unreadable| turned(Refusal::Unreadable))?;
        }
    }
    Ok(guest)
}

fn presented(generation: u64, issued: Timestamp, key: KeyState, id: KeyId) -> Presented {
    // A token under an announced key comes from a node that is ahead: minting it back would only flip it.
    Presented { generation, issued, key: *id.as_bytes(), stale_key: key == KeyState::Accepted }
}

/// Whether the guest may come in, and what its generation asks for.
fn check(visit: &Visit, glance: &Glance, guest: &mut Guest) -> Result<(), Box<Turned>> {
    let house = &visit.house;
    let state = &mut *guest.state;
    let now = state.looked_at;
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
        Admission::Refused { reason, mute } => {
            return Err(Box::new(Turned { reason, family: Some(family), mute }));
        }
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
