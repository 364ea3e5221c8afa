//! Sessions that a store keeps: an authentic ticket first, then the record.

use super::super::drive::found;
use super::super::record::{self, Head};
use super::super::visit::Visit;
use super::{Door, Guest, Turned, pick, presented};
use crate::carrier::{OpenedTicket, Ticket};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::event::Refusal;
use crate::format::Format;
use crate::id::RecordKey;
use crate::lifecycle::admit::Candidate;
use crate::store::{AnyStore, MemoryStore, Record};
use crate::value::Contents;

/// Who comes with a ticket, from a store that answers in its own time.
pub(super) async fn from_store(
    visit: &Visit,
    ticket: &Ticket,
    store: &AnyStore,
    now: Timestamp,
) -> Result<Door, Error> {
    let house = &visit.house;
    let opened = match open(visit, ticket, now) {
        Some(Ok(opened)) => opened,
        Some(Err(turned)) => return Ok(Some(Err(turned))),
        None => return Ok(None),
    };
    let key = house.record_key(&opened.family);
    let record = found(house, store, &key, now).await?;
    Ok(Some(guest(visit, &opened, key, record, now)))
}

/// The same from one in memory, which answers at once.
pub(super) fn from_memory(visit: &Visit, ticket: &Ticket, memory: &MemoryStore, now: Timestamp) -> Door {
    open(visit, ticket, now).map(|opened| {
        let opened = opened?;
        let key = visit.house.record_key(&opened.family);
        guest(visit, &opened, key, memory.load_at_once(&key, now), now)
    })
}

/// The ticket to ask the store about, if there is one and its session was not ended on this node.
fn open(visit: &Visit, ticket: &Ticket, now: Timestamp) -> Option<Result<OpenedTicket, Turned>> {
    let facts = |opened: &OpenedTicket| Candidate {
        family: opened.family,
        generation: opened.generation,
        issued: opened.issued,
    };
    let look = |opened: &mut OpenedTicket| ended_here(visit, opened, now).map_or(Ok(*opened), Err);
    pick(visit, |token| ticket.open(token), facts, look)
}

/// Why nobody comes in with a ticket whose session was ended on this node.
fn ended_here(visit: &Visit, opened: &OpenedTicket, now: Timestamp) -> Option<Turned> {
    let dead = visit.house.known(&opened.family).and_then(|known| known.dead)?;
    let mute = now < dead.plus(visit.house.windows.mute);
    Some(Turned { reason: Refusal::Revoked, family: Some(opened.family), mute })
}

/// Who comes in, after what the store says.
fn guest(
    visit: &Visit,
    opened: &OpenedTicket,
    key: RecordKey,
    record: Option<Record>,
    now: Timestamp,
) -> Result<Guest, Turned> {
    // A logout may have begun while the store was asked: its cookie must not be overwritten by a new session's.
    if let Some(turned) = ended_here(visit, opened, now) {
        return Err(turned);
    }
    let turned = |reason| Turned { reason, family: Some(opened.family), mute: false };
    let Record { version, header, mut payload } = record.ok_or_else(|| turned(Refusal::UnknownId))?;
    let unreadable = || turned(Refusal::Unreadable);
    let Head { mut envelope, generations, claim } = record::take_head(&mut payload).ok_or_else(unreadable)?;
    if envelope.family != opened.family {
        return Err(unreadable());
    }
    let contents = Contents::parse(Format::MessagePack, payload).map_err(|_| unreadable())?;
    // A touch moves the header alone.
    envelope.issued = envelope.issued.max(header.seen);
    let presented = presented(opened.generation, opened.issued, opened.key, opened.key_id);
    let mut guest = Guest::new(contents.format(), envelope, presented, generations, now);
    guest.state.contents = contents;
    guest.state.leasing.found = claim;
    guest.state.record = Some((opened.family, key));
    guest.state.version = Some(version.0);
    guest.state.expires = header.expires;
    Ok(guest)
}
