//! A session as the payload of a record.
//!
//! ```text
//! version   1 byte, 1
//! flags     1 byte: 1 changed, 2 confirmed, 4 closed, 8 dead, 16 locked
//! changed   varint, ms     when the current generation was made, if flagged
//! confirmed varint, ms     when it was first seen, if flagged
//! dead      varint, ms     when the session was ended, if flagged: the record is about to be removed
//! fence     varint         of the lease, if locked
//! until     varint, ms     from when on others may take it, if locked
//! envelope  as in a sealed cookie; its generation is the current one
//! contents  the rest
//! ```

use bytes::{Buf, Bytes};

use crate::carrier::envelope;
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::format::Format;
use crate::generation::Generations;
use crate::lease::Claim;
use crate::session::state::State;
use crate::value::Contents;
use crate::varint;

const VERSION: u8 = 1;
const CHANGED: u8 = 1;
const CONFIRMED: u8 = 2;
const CLOSED: u8 = 4;
const DEAD: u8 = 8;
const LOCKED: u8 = 16;

/// What a record's payload says.
#[derive(Debug)]
pub(crate) struct Body {
    pub(crate) generations: Generations,
    pub(crate) claim: Option<Claim>,
    pub(crate) envelope: Envelope,
    pub(crate) contents: Contents,
}

/// The payload of a record.
pub(crate) fn write(
    generations: &Generations,
    claim: Option<Claim>,
    envelope: &Envelope,
    contents: &Contents,
) -> Bytes {
    let mut out = Vec::with_capacity(96 + contents.longest());
    let has_changed = generations.changed > Timestamp::default();
    let confirmed = generations.confirmed.filter(|_| has_changed);
    let mut flags = 0;
    flags |= if has_changed { CHANGED } else { 0 };
    flags |= if confirmed.is_some() { CONFIRMED } else { 0 };
    flags |= if generations.closed { CLOSED } else { 0 };
    flags |= if generations.dead.is_some() { DEAD } else { 0 };
    flags |= if claim.is_some() { LOCKED } else { 0 };
    out.extend_from_slice(&[VERSION, flags]);
    if has_changed {
        varint::put(&mut out, generations.changed.as_millis());
    }
    for instant in [confirmed, generations.dead].into_iter().flatten() {
        varint::put(&mut out, instant.as_millis());
    }
    if let Some(claim) = claim {
        varint::put(&mut out, claim.fence);
        varint::put(&mut out, claim.until.as_millis());
    }
    envelope::write(envelope, &mut out);
    contents.write_to(&mut out);
    // A store in memory keeps it as it is. To give back what was reserved in vain takes longer than to copy.
    Bytes::copy_from_slice(&out)
}

/// Reads a payload; `None` if this version of the library cannot.
pub(crate) fn read(mut payload: Bytes) -> Option<Body> {
    let (mut rest, mut front) = (&payload[..], Front::default());
    front.take(&mut rest)?;
    let envelope = envelope::read(&mut rest)?;
    let before = payload.len() - rest.len();
    payload.advance(before);
    let contents = Contents::parse(Format::MessagePack, payload).ok()?;
    let generations = front.generations(envelope.generation);
    Some(Body { generations, claim: front.claim, envelope, contents })
}

/// Reads a payload into the state of a request, and answers the envelope in it; `None` if this version of the library
/// cannot: then the state is not to be used.
pub(crate) fn read_into(mut payload: Bytes, state: &mut State) -> Option<&mut Envelope> {
    let (mut rest, mut front) = (&payload[..], Front::default());
    front.take(&mut rest)?;
    let envelope = envelope::read_into(&mut rest, &mut state.envelope)?;
    state.generations = front.generations(envelope.generation);
    state.leasing.found = front.claim;
    let before = payload.len() - rest.len();
    payload.advance(before);
    state.contents.load(payload).ok()?;
    Some(envelope)
}

/// What stands before the envelope: mostly nothing.
#[derive(Default)]
struct Front {
    changed: Option<Timestamp>,
    confirmed: Option<Timestamp>,
    closed: bool,
    dead: Option<Timestamp>,
    claim: Option<Claim>,
}

impl Front {
    fn take(&mut self, rest: &mut &[u8]) -> Option<()> {
        let (&[version, flags], after) = rest.split_first_chunk::<2>()?;
        if version != VERSION || flags & !(CHANGED | CONFIRMED | CLOSED | DEAD | LOCKED) != 0 {
            return None;
        }
        *rest = after;
        for (flag, instant) in
            [(CHANGED, &mut self.changed), (CONFIRMED, &mut self.confirmed), (DEAD, &mut self.dead)]
        {
            if flags & flag != 0 {
                *instant = Some(Timestamp::from_millis(varint::take(rest)?));
            }
        }
        if flags & LOCKED != 0 {
            self.claim = Some(read_claim(rest)?);
        }
        self.closed = flags & CLOSED != 0;
        Some(())
    }

    fn generations(&self, current: u64) -> Generations {
        let Self { confirmed, closed, dead, .. } = *self;
        let settled = Generations::at(current);
        match self.changed {
            None => Generations { dead, ..settled },
            Some(changed) => Generations { changed, confirmed, closed, dead, ..settled },
        }
    }
}

fn read_claim(rest: &mut &[u8]) -> Option<Claim> {
    let fence = varint::take(rest)?;
    Some(Claim { fence, until: Timestamp::from_millis(varint::take(rest)?) })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::generation::Windows;
    use crate::id::Family;

    fn round_trip(generations: Generations) -> Generations {
        let mut envelope = Envelope::begin(Family::from_bytes([3; 16]), Timestamp::from_secs(1_000_000));
        envelope.generation = generations.current;
        let claim =
            (generations.current % 2 == 1).then_some(Claim { fence: 300, until: generations.changed });
        let payload = write(&generations, claim, &envelope, &Contents::empty(Format::MessagePack));
        let body = read(payload).expect("readable");
        assert_eq!((body.claim, body.envelope), (claim, envelope));
        body.generations
    }

    #[test]
    fn generations_survive_the_record() {
        let now = Timestamp::from_secs(1_000_001);
        let windows = Windows { grace: Duration::from_secs(5), mute: Duration::from_secs(5) };
        let mut generations = Generations::at(0);
        assert_eq!(round_trip(generations), generations);
        generations.supersede(now);
        assert_eq!(round_trip(generations), generations);
        generations = Generations::at(3);
        assert!(generations.rotate(3, now, windows));
        assert_eq!(round_trip(generations), generations);
        generations.confirm(now);
        assert_eq!(round_trip(generations), generations);
        generations.end(now);
        assert_eq!(round_trip(generations), generations);
    }

    #[test]
    fn a_damaged_payload_is_unreadable_and_no_panic() {
        let envelope = Envelope::begin(Family::from_bytes([3; 16]), Timestamp::from_secs(1_000_000));
        let claim = Some(Claim { fence: 300, until: Timestamp::from_secs(1_000_000) });
        let good = write(&Generations::at(0), claim, &envelope, &Contents::empty(Format::MessagePack));
        for cut in 0..good.len() {
            assert!(read(good.slice(..cut)).is_none(), "cut at {cut}");
        }
        assert!(read(Bytes::from_static(&[2, 0])).is_none());
        assert!(read(Bytes::from_static(&[1, 32])).is_none());
    }
}
