//! Sessions that a store keeps: an authentic ticket first, then the record.

use super::super::drive::found;
use super::super::record;
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

/// Who comes with a ticket, from a store that answers in its own time.
pub(super) async fn from_store(
    visit: &Visit,
    ticket: &Ticket,
    store: &AnyStore,
    now: Timestamp,
) -> Result<Door, Error> {
    let house = &visit.house;
    let look = |opened: &mut OpenedTicket| has_not_ended_here(visit, opened, now).map(|()| *opened);
    let opened = match pick(visit, |token| ticket.open(token), candidate, look) {
        Some(Ok(opened)) => opened,
        Some(Err(turned)) => return Ok(Some(Err(turned))),
        None => return Ok(None),
    };
    let key = house.record_key(&opened.family);
    let mut record = found(house, store, &key, now).await?;
    // A logout may have begun while the store was asked: its cookie must not be overwritten by a new session's.
    let come = has_not_ended_here(visit, &opened, now).and_then(|()| guest(&opened, key, &mut record, now));
    Ok(Some(come))
}

/// The same from one in memory, which answers at once.
pub(super) fn from_memory(visit: &Visit, ticket: &Ticket, memory: &MemoryStore, now: Timestamp) -> Door {
    let look = |opened: &mut OpenedTicket| {
        let key = visit.house.record_key(&opened.family);
        let mut record = memory.load_at_once(&key, now);
        // Another thread may be ending it: see above.
        has_not_ended_here(visit, opened, now)?;
        guest(opened, key, &mut record, now)
    };
    pick(visit, |token| ticket.open(token), candidate, look)
}

fn candidate(opened: &OpenedTicket) -> Candidate {
    Candidate { family: opened.family, generation: opened.generation, issued: opened.issued }
}

/// Nobody comes in with a ticket whose session was ended on this node.
fn has_not_ended_here(visit: &Visit, opened: &OpenedTicket, now: Timestamp) -> Result<(), Box<Turned>> {
    let Some(dead) = visit.house.known(&opened.family).and_then(|known| known.dead) else { return Ok(()) };
    let mute = now < dead.plus(visit.house.windows.mute);
    Err(Box::new(Turned { reason: Refusal::Revoked, family: Some(opened.family), mute }))
}

/// Who comes in, after what the store says. All of it is read where it stays, for every move of it is a copy.
fn guest(
    opened: &OpenedTicket,
    key: RecordKey,
    record: &mut Option<Record>,
    now: Timestamp,
) -> Result<Guest, Box<Turned>> {
    let turned = |reason| Box::new(Turned { reason, family: Some(opened.family), mute: false });
    let Some(Record { version, header, payload }) = record else { return Err(turned(Refusal::UnknownId)) };
    let presented = presented(opened.generation, opened.issued, opened.key, opened.key_id);
    let mut guest = Guest::unread(Format::MessagePack, presented, now);
    let state = &mut *guest.state;
    let envelope = record::read_into(std::mem::take(payload), state);
    let envelope = envelope.filter(|envelope| envelope.family == opened.family);
    let Some(envelope) = envelope else { return Err(turned(Refusal::Unreadable)) };
    // A touch moves the header alone.
    envelope.issued = envelope.issued.max(header.seen);
    state.record = Some((opened.family, key));
    state.version = Some(version.0);
    state.expires = header.expires;
    Ok(guest)
}
