//! What every carrier must withstand.

mod attacks;
mod signed;
mod storageless;
mod vectors;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::base64url;
use crate::envelope::{Login, Origin};
use crate::error::{Error, ErrorKind};
use crate::id::{Family, Subject};
use crate::key::{Key, SigningKey, VerifyingKey};
use crate::random::{Random, SystemRandom};

/// Gives the same nonce every time, as a broken generator would.
#[derive(Debug)]
struct Repeating(u8);

impl Random for Repeating {
    fn secret(&self, out: &mut [u8]) -> Result<(), Error> {
        out.fill(self.0);
        Ok(())
    }

    fn nonce(&self, out: &mut [u8]) {
        out.fill(self.0);
    }
}

const COOKIE: &str = "__Host-session";

/// A key that differs in its first byte only; published here, hence one that the checks refuse.
fn key(first: u8) -> Key {
    let mut bytes: [u8; 32] = std::array::from_fn(|i| u8::try_from(i).unwrap());
    bytes[0] = first;
    Key::unchecked(&bytes)
}

fn ring() -> KeyRing {
    KeyRing::new(key(0)).accept(key(1)).announce(key(2)).build().unwrap()
}

fn shop() -> Binding {
    Binding::new("shop", COOKIE)
}

fn carriers() -> Vec<Carrier> {
    let algorithms = [Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512, Algorithm::EdDsa];
    let mut carriers = vec![Carrier::Sealed];
    carriers.extend(algorithms.map(Carrier::Signed));
    carriers
}

fn prepare(carrier: &Carrier, ring: &KeyRing, binding: &Binding) -> Prepared {
    carrier.prepare(ring, binding, lifetimes()).unwrap()
}

/// An envelope with nothing left out.
fn full() -> Envelope {
    let mut envelope =
        Envelope::begin(Family::from_bytes([7; 16]), Timestamp::from_millis(1_750_000_000_123));
    envelope.issued = Timestamp::from_millis(1_750_000_060_000);
    envelope.generation = 300;
    envelope.logins = 2;
    envelope.login = Some(Login {
        subject: Subject::new("alice").unwrap(),
        auth_time: Timestamp::from_millis(1_749_999_999_999),
        level: 1,
    });
    envelope.persist_for = Some(Duration::from_hours(720));
    envelope.fingerprint = Some(*b"12345678");
    let agent = Some("curl/8 \"quoted\"".into());
    envelope.origin = Some(Box::new(Origin { address: Some([203, 0, 113, 7].into()), agent }));
    envelope
}

/// Minting behind what is in a buffer already.
trait Mint {
    fn mint(
        &self,
        envelope: &Envelope,
        payload: &mut dyn FnMut(&mut Vec<u8>),
        random: &dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<(), Error>;
}

impl Mint for Prepared {
    fn mint(
        &self,
        envelope: &Envelope,
        payload: &mut dyn FnMut(&mut Vec<u8>),
        random: &dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        match self {
            Self::Sealed(carrier) => {
                base64url::encode_into(&carrier.seal(envelope, payload, random)?, out);
            }
            Self::Signed(carrier) => {
                let before = out.clone();
                *out = carrier.mint_after(envelope, payload, |len| {
                    let mut buffer = Vec::with_capacity(before.len() + len);
                    buffer.extend_from_slice(&before);
                    buffer
                })?;
            }
        }
        Ok(())
    }
}

/// The envelope as it comes back: signed tokens name whole seconds.
fn as_read(carrier: &Carrier, mut envelope: Envelope) -> Envelope {
    if !matches!(carrier, Carrier::Sealed) {
        envelope.created = Timestamp::from_secs(envelope.created.as_secs());
        envelope.issued = Timestamp::from_secs(envelope.issued.as_secs());
    }
    envelope
}

impl Payload {
    /// The bytes that were put in.
    fn bytes(&self) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.clone(),
            Self::Contents(contents) => {
                let mut out = Vec::new();
                contents.write_to(&mut out);
                out.into()
            }
        }
    }
}

fn mint(carrier: &Prepared, envelope: &Envelope, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    carrier.mint(envelope, &mut |out| out.extend_from_slice(payload), &SystemRandom, &mut out).unwrap();
    out
}

fn ticket(ring: &KeyRing, binding: &Binding, envelope: &Envelope) -> Vec<u8> {
    let mut out = Vec::new();
    Ticket::new(ring, binding).mint(envelope, &mut out);
    out
}

#[test]
fn what_was_minted_comes_back_in_every_carrier() {
    let payload = br#"{"user":"alice","cart":[1,2,{"a":null}]}"#;
    for carrier in carriers() {
        let prepared = prepare(&carrier, &ring(), &shop());
        for payload in [&payload[..], b"{}", b""] {
            let mut out = b"kept=".to_vec();
            prepared
                .mint(&full(), &mut |out| out.extend_from_slice(payload), &SystemRandom, &mut out)
                .unwrap();
            let token = out.strip_prefix(b"kept=").unwrap();
            let opened = prepared.open(token).unwrap();
            assert_eq!(opened.envelope, as_read(&carrier, full()), "{carrier:?}");
            assert_eq!(opened.payload.bytes(), payload);
            assert_eq!(opened.key, KeyState::Active);
        }
    }
    let opened = Ticket::new(&ring(), &shop()).open(&ticket(&ring(), &shop(), &full())).unwrap();
    let Envelope { family, generation, issued, .. } = full();
    assert_eq!(
        opened,
        OpenedTicket { family, generation, issued, key_id: opened.key_id, key: KeyState::Active }
    );
}

#[test]
fn cookies_have_their_promised_sizes() {
    let mut envelope = full();
    (envelope.persist_for, envelope.fingerprint, envelope.origin) = (None, None, None);
    envelope.login.as_mut().unwrap().subject = Subject::new("a-sixteen-byte-id").unwrap();
    envelope.issued = envelope.created.plus(Duration::from_hours(12));
    let sealed = mint(&prepare(&Carrier::Sealed, &ring(), &shop()), &envelope, b"");
    assert!(COOKIE.len() + sealed.len() <= 150, "{}", COOKIE.len() + sealed.len());

    let anonymous = Envelope::begin(Family::from_bytes([7; 16]), envelope.issued);
    assert!(mint(&prepare(&Carrier::Sealed, &ring(), &shop()), &anonymous, b"").len() <= 88);
    let hs256 = prepare(&Carrier::Signed(Algorithm::Hs256), &ring(), &shop());
    assert!(
        (200..=230).contains(&mint(&hs256, &anonymous, b"").len()),
        "{}",
        mint(&hs256, &anonymous, b"").len()
    );

    envelope.generation = 16383;
    assert_eq!(ticket(&ring(), &shop(), &envelope).len(), 63);
    envelope.generation = u64::MAX;
    let longest = ticket(&ring(), &shop(), &envelope);
    assert_eq!(Ticket::new(&ring(), &shop()).open(&longest).unwrap().generation, u64::MAX);
}

#[test]
fn room_is_exactly_what_a_browser_keeps() {
    for carrier in carriers() {
        let prepared = prepare(&carrier, &ring(), &shop());
        let room = prepared.room(&full(), COOKIE.len());
        let payload = |len: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(len - 8)).into_bytes();
        let token = mint(&prepared, &full(), &payload(room));
        assert!((4094..=4096).contains(&(COOKIE.len() + token.len())), "{carrier:?} {}", token.len());
        assert_eq!(prepared.open(&token).unwrap().payload.bytes().len(), room);
        let mut out = b"kept".to_vec();
        let mut write = |out: &mut Vec<u8>| out.extend_from_slice(&payload(room + 1));
        let error = prepared.mint(&full(), &mut write, &SystemRandom, &mut out).unwrap_err();
        assert_eq!((error.kind(), out.as_slice()), (ErrorKind::TooLarge, &b"kept"[..]));
        assert_eq!(prepared.room(&full(), 5000), 0);
    }
}

#[test]
fn the_state_of_the_key_that_made_a_token_is_told() {
    let states = [(0, KeyState::Active), (1, KeyState::Accepted), (2, KeyState::Announced)];
    for (first, state) in states {
        let elsewhere = KeyRing::new(key(first)).build().unwrap();
        for carrier in carriers() {
            let token = mint(&prepare(&carrier, &elsewhere, &shop()), &full(), b"{}");
            assert_eq!(prepare(&carrier, &ring(), &shop()).open(&token).unwrap().key, state, "{carrier:?}");
        }
        let token = ticket(&elsewhere, &shop(), &full());
        assert_eq!(Ticket::new(&ring(), &shop()).open(&token).unwrap().key, state);
    }
}

#[test]
fn a_repeated_nonce_tells_equal_sessions_apart_from_others_and_nothing_more() {
    let prepared = prepare(&Carrier::Sealed, &ring(), &shop());
    let sealed = |payload: &[u8]| {
        let mut out = Vec::new();
        prepared.mint(&full(), &mut |out| out.extend_from_slice(payload), &Repeating(9), &mut out).unwrap();
        base64url::decode(&out).unwrap()
    };
    assert_eq!(sealed(b"secret one"), sealed(b"secret one"));
    let (one, two) = (sealed(b"secret one"), sealed(b"secret two"));
    // Were it a plain stream cipher, the two would differ in the last three bytes alone.
    let body = 37;
    let equal = one[body..].iter().zip(&two[body..]).filter(|(a, b)| a == b).count();
    assert!(equal < 8, "{equal} of {} bytes are equal", one.len() - body);
}

proptest! {
    #[test]
    fn any_session_comes_back(
        envelope in envelope::tests::any_envelope(),
        text in "\\PC{0,40}",
    ) {
        let payload = serde_json::to_vec(&serde_json::json!({ "text": text })).unwrap();
        for carrier in carriers() {
            let prepared = prepare(&carrier, &ring(), &shop());
            let opened = prepared.open(&mint(&prepared, &envelope, &payload)).unwrap();
            prop_assert_eq!(&opened.envelope, &as_read(&carrier, envelope.clone()));
            prop_assert_eq!(&opened.payload.bytes(), &payload);
        }
    }
}

/// The vectors hold a session to be remembered, whose deadline must not be what they are about.
fn lifetimes() -> crate::lifetime::Lifetimes {
    let usual = crate::lifetime::Lifetime::default();
    crate::lifetime::Lifetimes { usual, remember_at_most: usual.idle }
}
