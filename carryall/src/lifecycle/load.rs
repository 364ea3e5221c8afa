//! From a cookie to a loaded session, or to an empty one and one event that says why.

mod kept;

use bytes::Bytes;

use super::admit::{Admission, Candidate, Knock, admit, choose};
use super::house::House;
use super::place::Home;
use super::visit::{Glance, Visit};
use crate::carrier::{Opened, Prepared, Ticket};
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::Error;
use crate::event::{Event, Refusal};
use crate::format::Format;
use crate::generation::Generations;
use crate::id::{Family, RecordKey};
use crate::key::{KeyId, KeyState};
use crate::policy::RequestHead;
use crate::session::state::{Presented, Standing, State};
use crate::session::{FLASH, age_flash};
use crate::store::MemoryStore;
use crate::value::{Contents, Unreadable};

/// A session that may come in, with everything that was read of it.
struct Guest {
    envelope: Envelope,
    contents: Contents,
    presented: Presented,
    generations: Generations,
    key: KeyId,
    /// Where a store has it.
    record: Option<(Family, RecordKey)>,
    version: Option<u64>,
    expires: Timestamp,
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
    let asks = |guest: &Guest| guest.envelope.fingerprint.is_some() || guest.contents.has_segment(FLASH);
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
fn enter(visit: &Visit, mut door: Door, glance: &Glance, now: Timestamp) {
    let house = &visit.house;
    let mut manner = Manner::default();
    if let Some(Ok(guest)) = &mut door {
        match check(visit, glance, guest, now) {
            Ok(checked) => manner = checked,
            Err(turned) => door = Some(Err(turned)),
        }
    }
    let event = {
        let mut state = visit.lock();
        if visit.is_loaded() {
            // Another task of the same request was faster.
            return;
        }
        state.commits.is_closed |= visit.has_left();
        state.flash_ages = !glance.is_ahead;
        state.read_only = house.is_read_only();
        let event = seat(house, &mut state, door, manner);
        if glance.ages_flash && state.contents.has_segment(FLASH) {
            // What cannot be read has no messages, and does not keep the rest of the session from being read.
            let _unreadable = age_flash(&mut state);
        }
        visit.set_loaded();
        event
    };
    if let Some(event) = event {
        house.tell(|| event);
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
    let read = || read(visit.house.home.format(), payload);
    let Ok(contents) = contents.map_or_else(read, Ok) else {
        return Some(Err(Turned { reason: Refusal::Unreadable, family: Some(envelope.family), mute: false }));
    };
    let generation = envelope.generation;
    let generations = visit.house.known(&envelope.family).unwrap_or_else(|| Generations::at(generation));
    let presented = presented(generation, envelope.issued, key, key_id);
    Some(Ok(Guest {
        envelope,
        contents,
        presented,
        generations,
        key: key_id,
        record: None,
        version: None,
        expires: Timestamp::default(),
    }))
}

fn read(format: Format, payload: Bytes) -> Result<Contents, Unreadable> {
    // A signed token without values may leave the object out.
    if payload.is_empty() { Ok(Contents::empty(format)) } else { Contents::parse(format, payload) }
}

fn presented(generation: u64, issued: Timestamp, key: KeyState, id: KeyId) -> Presented {
    // A token under an announced key comes from a node that is ahead: minting it back would only flip it.
    Presented { generation, issued, key: *id.as_bytes(), stale_key: key == KeyState::Accepted }
}

/// What the generation of a guest asks for.
#[derive(Clone, Copy, Default)]
struct Manner {
    confirm: bool,
    late: bool,
    rolled_back: bool,
}

fn check(visit: &Visit, glance: &Glance, guest: &mut Guest, now: Timestamp) -> Result<Manner, Turned> {
    let house = &visit.house;
    let family = guest.envelope.family;
    let knock = Knock {
        envelope: &guest.envelope,
        presented: guest.presented.generation,
        generations: guest.generations,
        is_revoked: house.is_revoked(&guest.envelope, Some(guest.key), now),
        is_same_client: visit.is_same_client(&guest.envelope, glance),
    };
    let manner = |confirm, late, rolled_back| Ok(Manner { confirm, late, rolled_back });
    match admit(knock, house.lifetime_of(&guest.envelope), house.windows, now) {
        Admission::Refused { reason, mute } => Err(Turned { reason, family: Some(family), mute }),
        Admission::Current { confirm } => manner(confirm, false, false),
        Admission::Predecessor { late } => {
            guest.envelope.generation = guest.generations.current;
            manner(false, late, false)
        }
        Admission::Ahead => {
            let newest = guest.presented.generation;
            guest.generations.raise(newest, now);
            guest.envelope.generation = newest;
            match &house.revocations {
                Some(revocations) if guest.version.is_none() => {
                    let expires = house.latest(&guest.envelope);
                    revocations.change(&family, now, expires, newest, |known| known.raise(newest, now));
                    manner(false, false, false)
                }
                _ => manner(true, false, true),
            }
        }
    }
}

/// Puts the guest into the state; answers what there is to tell.
fn seat(house: &House, state: &mut State, door: Door, manner: Manner) -> Option<Event> {
    match door {
        None => None,
        Some(Err(turned)) => {
            state.standing = if turned.mute { Standing::Mute } else { Standing::New };
            let handle = turned.family.map(|family| house.handle(&family));
            Some(Event::Refused { reason: turned.reason, handle })
        }
        Some(Ok(guest)) => {
            let family = guest.envelope.family;
            state.standing = Standing::Live;
            state.loaded = Some(guest.envelope.clone());
            state.envelope = Some(guest.envelope);
            state.contents = guest.contents;
            state.presented = Some(guest.presented);
            state.generations = guest.generations;
            state.record = guest.record;
            state.version = guest.version;
            state.expires = guest.expires;
            state.confirm = manner.confirm;
            state.late = manner.late;
            manner.rolled_back.then(|| Event::StoreRolledBack { handle: house.handle(&family) })
        }
    }
}
