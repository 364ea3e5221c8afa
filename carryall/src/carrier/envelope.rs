//! The byte layout of an [`Envelope`], inside sealed cookies and records.
//!
//! ```text
//! flags       1 byte    bit 0 login, 1 persist_for, 2 fingerprint, 3 origin; the others are zero
//! family      16 bytes
//! generation  varint
//! created     varint    milliseconds since 1970
//! issued      zigzag    milliseconds since created
//! logins      varint
//! login       level 1 byte ‖ auth_time zigzag since created ‖ subject length 1 byte ‖ subject UTF-8
//! persist_for varint    whole seconds
//! fingerprint 8 bytes
//! origin      bits 1 byte (0 IPv4, 1 IPv6, 2 agent) ‖ address 4 or 16 bytes ‖ agent length 1 byte ‖ agent UTF-8
//! ```
//!
//! A varint is LEB128 in its shortest form; zigzag is a varint of a signed number. A value has one encoding only.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::envelope::{Envelope, Login, Origin};
use crate::id::{Family, Subject};
use crate::varint;

const LOGIN: u8 = 1;
const PERSIST: u8 = 1 << 1;
const FINGERPRINT: u8 = 1 << 2;
const ORIGIN: u8 = 1 << 3;
const KNOWN: u8 = LOGIN | PERSIST | FINGERPRINT | ORIGIN;

const IPV4: u8 = 1;
const IPV6: u8 = 1 << 1;
const AGENT: u8 = 1 << 2;

/// The end of the year 9999: no session is later, and sums of instants stay far from overflow.
pub(super) const LATEST: Timestamp = Timestamp::from_millis(253_402_300_799_999);

/// How far an envelope's other instants may lie past `issued`. Two clocks differ by at most five minutes, and a
/// login right after a revocation is stamped up to twice that ahead.
const AHEAD: Duration = Duration::from_mins(15);

/// The longest user agent that is kept, in bytes.
pub(super) const AGENT_LEN: usize = 200;

/// Appends the envelope.
pub(crate) fn write(envelope: &Envelope, out: &mut Vec<u8>) {
    let bit = |bit, present| if present { bit } else { 0 };
    out.push(
        bit(LOGIN, envelope.login.is_some())
            | bit(PERSIST, envelope.persist_for.is_some())
            | bit(FINGERPRINT, envelope.fingerprint.is_some())
            | bit(ORIGIN, envelope.origin.is_some()),
    );
    out.extend_from_slice(envelope.family.as_bytes());
    varint::put(out, envelope.generation);
    varint::put(out, bounded(envelope.created));
    put_since(out, envelope.issued, envelope.created);
    varint::put(out, envelope.logins.into());
    if let Some(login) = &envelope.login {
        out.push(login.level);
        put_since(out, login.auth_time, envelope.created);
        put_text(out, login.subject.as_str());
    }
    if let Some(persist) = envelope.persist_for {
        varint::put(out, persist_secs(persist).into());
    }
    if let Some(fingerprint) = &envelope.fingerprint {
        out.extend_from_slice(fingerprint);
    }
    if let Some(origin) = &envelope.origin {
        write_origin(origin, out);
    }
}

fn write_origin(origin: &Origin, out: &mut Vec<u8>) {
    let agent = if origin.agent.is_some() { AGENT } else { 0 };
    match origin.address {
        None => out.push(agent),
        Some(IpAddr::V4(address)) => {
            out.push(agent | IPV4);
            out.extend_from_slice(&address.octets());
        }
        Some(IpAddr::V6(address)) => {
            out.push(agent | IPV6);
            out.extend_from_slice(&address.octets());
        }
    }
    if let Some(agent) = &origin.agent {
        put_text(out, cut(agent));
    }
}

/// Takes an envelope off the front of `input`; `None` for anything that [`write`] would not have written.
pub(crate) fn read(input: &mut &[u8]) -> Option<Envelope> {
    let mut envelope = None;
    read_into(input, &mut envelope)?;
    envelope
}

/// The same for whoever has a place for it. What is left there is of no use if the answer is `None`.
pub(crate) fn read_into<'a>(input: &mut &[u8], place: &'a mut Option<Envelope>) -> Option<&'a mut Envelope> {
    let [flags] = take(input)?;
    if flags & !KNOWN != 0 {
        return None;
    }
    let family = Family::from_bytes(take(input)?);
    let generation = varint::take(input)?;
    let created = Timestamp::from_millis(varint::take(input)?);
    if created > LATEST {
        return None;
    }
    let issued = take_since(input, created)?;
    let logins = u32::try_from(varint::take(input)?).ok()?;
    let envelope = place.insert(Envelope::begin(Family::from_bytes([0; Family::LEN]), created));
    envelope.family = family;
    envelope.generation = generation;
    envelope.issued = issued;
    envelope.logins = logins;
    // Filled in where it stays: mostly there is nothing, and to move nothing takes as long as to move it all.
    if flags & LOGIN != 0 {
        envelope.login = Some(read_login(input, created)?);
    }
    if flags & PERSIST != 0 {
        let secs = u32::try_from(varint::take(input)?).ok()?;
        envelope.persist_for = Some(Duration::from_secs(secs.into()));
    }
    if flags & FINGERPRINT != 0 {
        envelope.fingerprint = Some(take(input)?);
    }
    if flags & ORIGIN != 0 {
        envelope.origin = Some(Box::new(read_origin(input)?));
    }
    is_plausible(envelope).then_some(envelope)
}

fn read_login(input: &mut &[u8], created: Timestamp) -> Option<Login> {
    let [level] = take(input)?;
    let auth_time = take_since(input, created)?;
    let subject = Subject::new(take_text(input, Subject::MAX_LEN)?).ok()?;
    Some(Login { subject, auth_time, level })
}

fn read_origin(input: &mut &[u8]) -> Option<Origin> {
    let [bits] = take(input)?;
    let address = match bits & !AGENT {
        0 => None,
        IPV4 => Some(IpAddr::from(take::<4>(input)?)),
        IPV6 => Some(IpAddr::from(take::<16>(input)?)),
        _ => return None,
    };
    let agent = if bits & AGENT != 0 { Some(take_text(input, AGENT_LEN)?.into()) } else { None };
    Some(Origin { address, agent })
}

/// How many bytes [`write`] appends.
pub(crate) fn len(envelope: &Envelope) -> usize {
    let since = |instant| varint::len(zigzag(bounded(instant), bounded(envelope.created)));
    let login = envelope.login.as_ref();
    let origin = envelope.origin.as_ref().map_or(0, |origin| {
        let address = origin.address.map_or(0, |address| if address.is_ipv4() { 4 } else { 16 });
        1 + address + origin.agent.as_ref().map_or(0, |agent| 1 + cut(agent).len())
    });
    1 + Family::LEN
        + varint::len(envelope.generation)
        + varint::len(bounded(envelope.created))
        + since(envelope.issued)
        + varint::len(envelope.logins.into())
        + login.map_or(0, |login| 1 + since(login.auth_time) + 1 + login.subject.as_str().len())
        + envelope.persist_for.map_or(0, |persist| varint::len(persist_secs(persist).into()))
        + envelope.fingerprint.map_or(0, |fingerprint| fingerprint.len())
        + origin
}

/// Whether the instants of an envelope can have come about together.
pub(super) fn is_plausible(envelope: &Envelope) -> bool {
    let bound = envelope.issued.plus(AHEAD);
    envelope.issued <= LATEST
        && envelope.created <= bound
        && envelope.login.as_ref().is_none_or(|login| login.auth_time <= bound)
}

/// Whole seconds, as a cookie's `Max-Age` has them.
pub(super) fn persist_secs(persist: Duration) -> u32 {
    u32::try_from(persist.as_secs()).unwrap_or(u32::MAX)
}

/// At most [`AGENT_LEN`] bytes of a user agent, cut between characters.
pub(super) fn cut(agent: &str) -> &str {
    &agent[..agent.floor_char_boundary(AGENT_LEN)]
}

/// The milliseconds of an instant, inside what can be read again.
pub(super) fn bounded(instant: Timestamp) -> u64 {
    instant.min(LATEST).as_millis()
}

/// The difference as an unsigned number: small for small differences of either sign.
fn zigzag(instant: u64, base: u64) -> u64 {
    if instant >= base { (instant - base) << 1 } else { ((base - instant) << 1) - 1 }
}

fn put_since(out: &mut Vec<u8>, instant: Timestamp, base: Timestamp) {
    varint::put(out, zigzag(bounded(instant), bounded(base)));
}

fn take_since(input: &mut &[u8], base: Timestamp) -> Option<Timestamp> {
    let coded = varint::take(input)?;
    let distance = (coded >> 1) + (coded & 1);
    let millis = match coded & 1 {
        0 => base.as_millis().checked_add(distance),
        _ => base.as_millis().checked_sub(distance),
    };
    millis.map(Timestamp::from_millis).filter(|&instant| instant <= LATEST)
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (head, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*head)
}

/// Every text here has at most 255 bytes, so one byte says how many.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let len = u8::try_from(text.len()).unwrap_or(u8::MAX);
    out.push(len);
    out.extend_from_slice(&text.as_bytes()[..usize::from(len)]);
}

fn take_text<'a>(input: &mut &'a [u8], most: usize) -> Option<&'a str> {
    let [len] = take(input)?;
    let (text, rest) = input.split_at_checked(len.into()).filter(|(text, _)| text.len() <= most)?;
    *input = rest;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn any_login()(subject in "\\PC{1,60}", auth_time in 0_u64..1 << 42, level: u8) -> Login {
            Login { subject: Subject::new(subject).unwrap(), auth_time: Timestamp::from_millis(auth_time), level }
        }
    }

    prop_compose! {
        fn any_origin()(
            address in of(prop_oneof![any::<[u8; 4]>().prop_map(IpAddr::from), any::<[u8; 16]>().prop_map(IpAddr::from)]),
            agent in of("\\PC{0,50}"),
        ) -> Box<Origin> {
            Box::new(Origin { address, agent: agent.map(Into::into) })
        }
    }

    prop_compose! {
        /// Any envelope that a session can have; `persist_for` in whole seconds.
        pub(crate) fn any_envelope()(
            family: [u8; 16],
            generation: u64,
            created in 0_u64..1 << 42,
            issued in (1_u64 << 42)..1 << 43,
            logins: u32,
            login in of(any_login()),
            persist in of(any::<u32>()),
            fingerprint: Option<[u8; 8]>,
            origin in of(any_origin()),
        ) -> Envelope {
            Envelope {
                family: Family::from_bytes(family),
                generation,
                created: Timestamp::from_millis(created),
                issued: Timestamp::from_millis(issued),
                logins,
                login,
                persist_for: persist.map(|secs| Duration::from_secs(secs.into())),
                fingerprint,
                origin,
            }
        }
    }

    fn written(envelope: &Envelope) -> Vec<u8> {
        let mut out = Vec::new();
        write(envelope, &mut out);
        out
    }

    fn sample() -> Envelope {
        let mut envelope =
            Envelope::begin(Family::from_bytes([7; 16]), Timestamp::from_millis(1_750_000_000_123));
        envelope.issued = Timestamp::from_millis(1_750_000_060_000);
        envelope
    }

    #[test]
    fn layout_stays_as_released() {
        let mut envelope = sample();
        envelope.generation = 300;
        envelope.logins = 2;
        envelope.login = Some(Login {
            subject: Subject::new("alice").unwrap(),
            auth_time: Timestamp::from_millis(1_749_999_999_999),
            level: 1,
        });
        envelope.persist_for = Some(Duration::from_hours(720));
        envelope.fingerprint = Some(*b"12345678");
        let agent = Some("curl/8".into());
        envelope.origin = Some(Box::new(Origin { address: Some([203, 0, 113, 7].into()), agent }));
        let hex = written(&envelope).iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        assert_eq!(
            hex,
            concat!(
                "0f",
                "07070707070707070707070707070707",
                "ac02",
                "fbb883a1f732",
                "caa707",
                "02",
                "01f70105616c696365",
                "809a9e01",
                "3132333435363738",
                "05cb007107066375726c2f38",
            )
        );
    }

    #[test]
    fn what_write_never_writes_is_not_read() {
        let plain = written(&sample());
        let refused = |bytes: &[u8], why: &str| assert_eq!(read(&mut &bytes[..]), None, "{why}");
        for length in 0..plain.len() {
            refused(&plain[..length], "cut off");
        }
        for flag in 4..8 {
            let mut bytes = plain.clone();
            bytes[0] |= 1 << flag;
            refused(&bytes, "an unknown flag");
        }
        let head = [&[0][..], &[7; 16]].concat();
        let with = |tail: &[u8]| [&head[..], tail].concat();
        refused(&with(&[0x80, 0, 0, 0, 0]), "a long varint");
        refused(&with(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0]), "created after the year 9999");
        refused(&with(&[0, 0, 1, 0]), "issued before 1970");
        refused(&with(&[0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x10]), "more logins than 32 bits");
        let mut origin = sample();
        origin.origin = Some(Box::default());
        let mut bytes = written(&origin);
        *bytes.last_mut().unwrap() = IPV4 | IPV6;
        bytes.extend_from_slice(&[0; 20]);
        refused(&bytes, "two addresses");
    }

    #[test]
    fn instants_that_contradict_each_other_are_not_read() {
        let late = sample().issued.plus(AHEAD);
        let login = |auth_time| Some(Login { subject: Subject::new("a").unwrap(), auth_time, level: 1 });
        let at_bound = Envelope { created: late, login: login(late), ..sample() };
        assert_eq!(read(&mut written(&at_bound).as_slice()).as_ref(), Some(&at_bound));
        let past = late.plus(Duration::from_millis(1));
        for contradiction in
            [Envelope { created: past, ..sample() }, Envelope { login: login(past), ..sample() }]
        {
            assert_eq!(read(&mut written(&contradiction).as_slice()), None);
        }
    }

    #[test]
    fn extreme_values_are_brought_into_bounds_rather_than_lost() {
        let mut envelope = sample();
        envelope.issued = Timestamp::from_millis(u64::MAX);
        envelope.persist_for = Some(Duration::MAX);
        envelope.origin = Some(Box::new(Origin { address: None, agent: Some("é".repeat(300).into()) }));
        let bytes = written(&envelope);
        assert_eq!(bytes.len(), len(&envelope));
        let back = read(&mut bytes.as_slice()).unwrap();
        assert_eq!(back.issued, LATEST);
        assert_eq!(back.persist_for, Some(Duration::from_secs(u32::MAX.into())));
        assert_eq!(back.origin.unwrap().agent.unwrap().len(), AGENT_LEN);
    }

    proptest! {
        #[test]
        fn every_envelope_comes_back_and_leaves_the_rest(envelope in any_envelope(), rest: Vec<u8>) {
            let mut bytes = written(&envelope);
            prop_assert_eq!(bytes.len(), len(&envelope));
            bytes.extend_from_slice(&rest);
            let mut input = bytes.as_slice();
            prop_assert_eq!(read(&mut input), Some(envelope));
            prop_assert_eq!(input, rest.as_slice());
        }

        #[test]
        fn whatever_is_read_is_what_would_be_written(flags in 0_u8..16, tail in prop::collection::vec(any::<u8>(), 16..80)) {
            let bytes = [&[flags][..], &tail].concat();
            let mut input = bytes.as_slice();
            if let Some(envelope) = read(&mut input) {
                prop_assert_eq!(written(&envelope), &bytes[..bytes.len() - input.len()]);
            }
        }
    }
}
