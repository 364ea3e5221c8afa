//! Tokens made and decided by psr7-sessions/storageless, run against the JWS layer and our rules for dates.
//!
//! Its tokens have no `kid` and other claims than ours, so the key is given and the claims are read here; what is
//! put to the test is the splitting, the header, the signature, and what counts as a date.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::*;
use crate::carrier::json;
use crate::carrier::jws::{Compact, Header};
use crate::key::Verifier;

const RECORDED: &str = include_str!("../../../tests/vectors/storageless.json");

#[derive(Deserialize)]
struct Recorded {
    now_unix: u64,
    keys: BTreeMap<String, String>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    key: String,
    token: String,
    accepted: bool,
}

/// Where the two decide otherwise, what we do, and why. The same list stands in docs/storageless-differences.md.
const DIFFERENCES: [(&str, bool, &str); 15] = [
    ("blake2b-valid", false, "BLAKE2B is no registered JWS algorithm"),
    ("es256-valid", false, "one elliptic-curve algorithm is enough: EdDSA"),
    ("rs256-valid", false, "RSA signatures take most of a cookie"),
    ("missing-nbf", true, "RFC 7519 makes nbf optional; iat bounds the same instant"),
    ("string-dates", false, "a NumericDate is a number (RFC 7519 section 2)"),
    ("header-kid", false, "a kid that names no key of the ring is an unknown key"),
    ("header-no-typ", false, "the type is explicit (RFC 8725 section 3.11)"),
    ("header-other-typ", false, "a token of another type is not a session"),
    (
        "header-crit",
        false,
        "a critical extension that is not understood must be refused (RFC 7515 section 4.1.11)",
    ),
    ("duplicate-claim", false, "repeated claims have no one meaning (RFC 7519 section 4)"),
    ("session-data-null", false, "a session is an object; another type is refused, not emptied"),
    ("session-data-string", false, "as before"),
    ("session-data-int", false, "as before"),
    ("session-data-true", false, "as before"),
    ("deep-json", true, "only the reader of a value looks inside it, and refuses depth over 64 there"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Theirs<'a> {
    #[serde(rename = "iat")]
    _iat: u64,
    #[serde(default, deserialize_with = "json::present")]
    nbf: Option<u64>,
    exp: u64,
    #[serde(borrow, default, deserialize_with = "json::present", rename = "session-data")]
    data: Option<&'a RawValue>,
}

/// Whether we accept a token under this key, or under none if we have no such algorithm.
fn accepts(token: &[u8], key: Option<&Verifier>, now: u64) -> bool {
    let Some(compact) = Compact::split(token) else { return false };
    let Some(header) = Header::read(compact.header) else { return false };
    let is_session = header.typ.is_some_and(|typ| typ.eq_ignore_ascii_case("JWT"));
    let Some(key) =
        key.filter(|key| is_session && header.kid.is_none() && header.alg == key.algorithm().name())
    else {
        return false;
    };
    let Ok((mut claims, last)) =
        compact.verify(key.algorithm(), |signed, signature| key.verify(signed, signature))
    else {
        return false;
    };
    claims.extend(last);
    let Some(theirs) = json::object::<Theirs<'_>>(&claims) else { return false };
    let in_time = theirs.nbf.is_none_or(|nbf| nbf <= now) && now < theirs.exp;
    in_time && theirs.data.is_none_or(|data| data.get().starts_with('{'))
}

fn verifier(name: &str, bytes: &[u8]) -> Option<Verifier> {
    match name {
        "hs256_a" | "hs256_short" => SigningKey::hs256(bytes).ok().map(Verifier::Signing),
        "hs384_a" => SigningKey::hs384(bytes).ok().map(Verifier::Signing),
        _ => VerifyingKey::ed25519(bytes).ok().map(Verifier::Public),
    }
}

#[test]
fn recorded_decisions_are_ours_but_for_the_listed_differences() {
    let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
    let keys: BTreeMap<_, _> = recorded
        .keys
        .iter()
        .filter_map(|(name, text)| Some((name, verifier(name, &BASE64_STANDARD.decode(text).unwrap())?)))
        .collect();
    // The key of 128 bits is the only one that is refused.
    assert_eq!(keys.len(), recorded.keys.len() - 1);
    let mut differing = Vec::new();
    for Vector { id, key, token, accepted } in &recorded.vectors {
        let ours = accepts(token.as_bytes(), keys.get(key), recorded.now_unix);
        match DIFFERENCES.iter().find(|(known, ..)| known == id) {
            Some((_, expected, why)) => {
                assert_eq!(ours, *expected, "{id}: {why}");
                assert_ne!(ours, *accepted, "{id} is no difference");
                differing.push(id);
            }
            None => assert_eq!(ours, *accepted, "{id}"),
        }
    }
    assert_eq!(differing.len(), DIFFERENCES.len(), "every difference is shown by a vector");
}
