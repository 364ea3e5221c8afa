//! What concerns signed tokens alone: headers, claims, keys of others. Numbers such as A004 are those of the list
//! of attack cases.

use super::*;
use crate::carrier::claims::Claims;
use crate::format::Format;

fn hs256() -> Prepared {
    prepare(&Carrier::Signed(Algorithm::Hs256), &ring(), &shop())
}

fn signing_key() -> SigningKey {
    let keys = SigningKeys::derived(&ring(), &shop(), Algorithm::Hs256).unwrap();
    let (_, verifier) = keys.checked().unwrap()[0].clone();
    drop(keys);
    match std::sync::Arc::try_unwrap(verifier) {
        Ok(crate::key::Verifier::Signing(key)) => key,
        _ => panic!("derived keys sign"),
    }
}

/// A token with a right signature, whatever it says.
fn sign(header: &str, claims: &[u8]) -> Vec<u8> {
    let mut token =
        format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(claims)).into_bytes();
    let signature = signing_key().sign(&token).unwrap();
    token.push(b'.');
    base64url::encode_into(signature.as_ref(), &mut token);
    token
}

fn header() -> String {
    format!(r#"{{"alg":"HS256","kid":"{}","typ":"JWT"}}"#, signing_key().id())
}

/// Claims as they are minted for a session with everything.
fn minted() -> Vec<u8> {
    let mut out = Vec::new();
    Claims::new(&shop(), true, crate::lifetime::Lifetimes::default())
        .write(&full(), |out: &mut Vec<u8>| out.extend_from_slice(b"{\"a\":1}"), &mut out)
        .unwrap();
    out
}

fn claims() -> serde_json::Value {
    serde_json::from_slice(&minted()).unwrap()
}

/// The claims with one of them replaced by this JSON, or taken out.
fn with(name: &str, json: Option<&str>) -> Vec<u8> {
    let serde_json::Value::Object(all) = claims() else { panic!("claims are an object") };
    let mut members: Vec<String> = all
        .iter()
        .filter(|(known, _)| *known != name)
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    members.extend(json.map(|json| format!("\"{name}\":{json}")));
    format!("{{{}}}", members.join(",")).into_bytes()
}

#[test]
fn the_header_agrees_with_the_key_or_is_refused() {
    let kid = signing_key().id();
    let open = |header: &str| hs256().open(&sign(header, &with("-", None))).map(drop);
    assert_eq!(open(&header()), Ok(()));
    // Another spelling of the same header is read, not compared.
    assert_eq!(open(&format!(r#"{{ "typ":"jwt", "kid":"{kid}", "alg":"HS256" }}"#)), Ok(()));
    let malformed = [
        r#"{"alg":"none","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"hs256","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"HS256 ","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"HS256\u0000","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"HS384","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"EdDSA","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":null,"kid":"KID","typ":"JWT"}"#,
        r#"{"alg":["HS256"],"kid":"KID","typ":"JWT"}"#,
        r#"{"alg":256,"kid":"KID","typ":"JWT"}"#,
        r#"{"kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"HS256","alg":"HS256","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":"KID","kid":"KID","typ":"JWT"}"#,
        r#"{"alg":"HS256","typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":null,"typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":{"a":1},"typ":"JWT"}"#,
        r#"{"alg":"HS256","kid":"KID"}"#,
        r#"{"alg":"HS256","kid":"KID","typ":null}"#,
        r#"{"alg":"HS256","kid":"KID","typ":"at+jwt"}"#,
        r#"["HS256","KID","JWT"]"#,
        r#"{"alg":"HS256","kid":"KID","typ":"JWT"}{}"#,
        r#""HS256""#,
        "",
    ];
    for header in malformed {
        assert_eq!(open(&header.replace("KID", &kid.to_string())), Err(Refusal::Malformed), "{header}");
    }
    for member in
        ["crit", "zip", "b64", "jku", "jwk", "x5u", "x5c", "x5t", "cty", "enc", "epk", "p2c", "other"]
    {
        let header = header().replace("\"typ\"", &format!("\"{member}\":\"a\",\"typ\""));
        assert_eq!(open(&header), Err(Refusal::Malformed), "{header}");
    }
    let traversal =
        ["../../../../dev/null", "/etc/passwd", "C:\\\\windows", "%2e%2e%2f", "a\\u0000", "' OR 1=1 --", "*"];
    for kid in
        traversal.into_iter().chain(["$(id)", "\\r\\nSet-Cookie: a=b", "", "AAAAAAAAAAA", "AAAAAAAAAAB"])
    {
        let header = format!(r#"{{"alg":"HS256","kid":"{kid}","typ":"JWT"}}"#);
        assert_eq!(open(&header), Err(Refusal::UnknownKey), "{header}");
    }
    let long = format!(r#"{{"alg":"HS256","kid":"{}","typ":"JWT"}}"#, "A".repeat(300));
    assert_eq!(open(&long), Err(Refusal::Malformed));
}

#[test]
fn required_claims_are_required() {
    let open = |claims: &[u8]| hs256().open(&sign(&header(), claims)).map(drop);
    for name in ["aud", "sid", "iat", "exp"] {
        assert_eq!(open(&with(name, None)), Err(Refusal::Unreadable), "{name}");
    }
    for name in ["sub", "auth_time", "level"] {
        assert_eq!(open(&with(name, None)), Err(Refusal::Unreadable), "half a login, without {name}");
    }
    for name in ["gen", "created", "logins", "auth_ms", "persist", "fp", "origin", "session"] {
        assert_eq!(open(&with(name, None)), Ok(()), "{name}");
    }
}

#[test]
fn a018_a_claim_of_another_type_is_refused_and_not_taken_for_absent() {
    let open = |name, json| hs256().open(&sign(&header(), &with(name, Some(json)))).map(drop);
    let not_numbers = [
        "null",
        "\"1700000000\"",
        "[1]",
        "{}",
        "true",
        "1.5",
        "1.0",
        "1e9",
        "1e999",
        "-0",
        "-1",
        "18446744073709551616",
        "NaN",
    ];
    let numbers =
        ["gen", "iat", "exp", "nbf", "created", "logins", "auth_time", "auth_ms", "level", "persist"];
    for name in numbers {
        for json in not_numbers {
            assert_eq!(open(name, json), Err(Refusal::Unreadable), "{name} {json}");
        }
    }
    for name in ["aud", "sid", "sub", "fp"] {
        for json in ["null", "1", "[\"shop\"]", "{}", "true", "\"\\ud800\"", "\"\u{1}\""] {
            assert_eq!(open(name, json), Err(Refusal::Unreadable), "{name} {json}");
        }
    }
    for json in ["null", "1", "\"text\"", "[]", "true", "{\"a\":}", "{\"a\":1"] {
        assert_eq!(open("session", json), Err(Refusal::Unreadable), "session {json}");
    }
    for json in [
        "null",
        "[\"::1\",\"a\"]",
        "{\"ip\":null}",
        "{\"ip\":\"1.2.3\"}",
        "{\"ip\":\"1.2.3.4\",\"mac\":1}",
        "\"a\"",
    ] {
        assert_eq!(open("origin", json), Err(Refusal::Unreadable), "origin {json}");
    }
    let long = format!("{{\"ua\":\"{}\"}}", "a".repeat(201));
    assert_eq!(open("origin", &long), Err(Refusal::Unreadable));
    for (name, json) in
        [("gen", "9223372036854775808"), ("logins", "4294967295"), ("level", "255"), ("nbf", "1750000060")]
    {
        assert_eq!(open(name, json), Ok(()), "{name} {json}");
    }
}

#[test]
fn claims_out_of_bounds_are_refused() {
    let open = |name, json| hs256().open(&sign(&header(), &with(name, Some(json)))).map(drop);
    for (name, json) in [
        ("v", "1"),
        ("cookie", "\"__Host-session\""),
        ("iat", "253402300800"),
        ("iat", "18446744073709551615"),
        ("exp", "253402300800"),
        ("nbf", "1750000061"),
        ("auth_ms", "1000"),
        ("created", "1750009999"),
        ("created", "18446744073709551615"),
        ("auth_time", "1750009999"),
        ("logins", "4294967296"),
        ("level", "256"),
        ("persist", "4294967296"),
        ("sid", "\"BwcHBwcHBwcHBwcHBwcHBx\""),
        ("sid", "\"BwcHBwcHBwcHBwcHBwcHB\""),
        ("fp", "\"MTIzNDU2Nzg=\""),
        ("sub", "\"\""),
        ("iss", "\"me\""),
        ("jti", "\"1\""),
        ("other", "1"),
    ] {
        assert_eq!(open(name, json), Err(Refusal::Unreadable), "{name} {json}");
    }
}

#[test]
fn repeated_claims_and_other_documents_are_refused() {
    let open = |claims: &[u8]| hs256().open(&sign(&header(), claims)).map(drop);
    let serde_json::Value::Object(all) = claims() else { panic!("claims are an object") };
    for (name, value) in &all {
        let mut twice = with("-", None);
        twice.pop();
        twice.extend_from_slice(format!(",\"{name}\":{value}}}").as_bytes());
        assert_eq!(open(&twice), Err(Refusal::Unreadable), "{name}");
    }
    let in_order: Vec<_> = all.values().collect();
    let good = with("-", None);
    let utf16: Vec<u8> = good.iter().flat_map(|&byte| [byte, 0]).collect();
    for other in [
        &b""[..],
        b"{}",
        b"[]",
        b"null",
        &serde_json::to_vec(&in_order).unwrap(),
        &[b"\xef\xbb\xbf", &good[..]].concat(),
        &utf16,
        &[&good[..], b"{}"].concat(),
        &[&good[..good.len() - 1], b",\"session\":{\"\xff\":1}}"].concat(),
    ] {
        assert_eq!(open(other), Err(Refusal::Unreadable));
    }
    assert_eq!(open(&good), Ok(()));
}

#[test]
fn a024_only_this_application_as_a_single_string() {
    let open = |name, json| hs256().open(&sign(&header(), &with(name, Some(json)))).map(drop);
    for json in ["\"blog\"", "\"Shop\"", "\"\""] {
        assert_eq!(open("aud", json), Err(Refusal::Tampered), "{json}");
    }
    assert_eq!(open("aud", "[\"shop\",\"blog\"]"), Err(Refusal::Unreadable));
}

#[test]
fn a024_tokens_under_given_keys_name_their_cookie() {
    let secret: [u8; 32] = std::array::from_fn(|i| u8::try_from(i * i % 251).unwrap());
    let key = || SigningKey::hs256(&secret).unwrap();
    let given = prepare(&Carrier::SignedWith(SigningKeys::new(key())), &ring(), &shop());
    let token = mint(&given, &full(), b"{\"a\":1}");
    assert_eq!(given.open(&token).unwrap().payload.bytes(), &b"{\"a\":1}"[..]);
    let claims =
        String::from_utf8(base64url::decode(token.split(|&byte| byte == b'.').nth(1).unwrap()).unwrap());
    let claims = claims.unwrap();
    let cookie = "\"cookie\":\"__Host-session\",";
    assert!(claims.contains(cookie));
    let header = format!(r#"{{"alg":"HS256","kid":"{}","typ":"JWT"}}"#, key().id());
    let open = |claims: &str| {
        let mut token =
            format!("{}.{}", base64url::encode(header.as_bytes()), base64url::encode(claims.as_bytes()))
                .into_bytes();
        let signature = key().sign(&token).unwrap();
        token.push(b'.');
        base64url::encode_into(signature.as_ref(), &mut token);
        given.open(&token).map(drop)
    };
    assert_eq!(open(&claims), Ok(()));
    assert_eq!(open(&claims.replace(cookie, "")), Err(Refusal::Unreadable));
    for (other, refusal) in [
        ("\"cookie\":\"session\",", Refusal::Tampered),
        ("\"cookie\":null,", Refusal::Unreadable),
        ("\"cookie\":[\"__Host-session\"],", Refusal::Unreadable),
        ("\"cookie\":1,", Refusal::Unreadable),
        ("\"cookie\":\"__Host-session\",\"cookie\":\"__Host-session\",", Refusal::Unreadable),
    ] {
        assert_eq!(open(&claims.replace(cookie, other)), Err(refusal), "{other}");
    }
}

/// The same claims in a spelling that is none of ours, for the reader of any JSON.
fn otherwise_spelled(claims: &str) -> String {
    claims.replacen('{', "{ ", 1)
}

#[test]
fn our_own_spelling_is_read_as_strictly_as_any_other() {
    let open = |claims: &str| {
        let opened = hs256().open(&sign(&header(), claims.as_bytes()));
        opened.map(|opened| (opened.envelope, opened.payload.bytes(), opened.expires))
    };
    let minted = String::from_utf8(minted()).unwrap();
    assert!(open(&minted).is_ok());
    let changes = [
        ("\"gen\":300", "\"gen\":0300"),
        ("\"gen\":300", "\"gen\":00"),
        ("\"gen\":300", "\"gen\":0"),
        ("\"gen\":300", "\"gen\":"),
        ("\"gen\":300", "\"gen\": 300"),
        ("\"gen\":300", "\"gen\":18446744073709551615"),
        ("\"gen\":300", "\"gen\":18446744073709551616"),
        ("\"gen\":300", "\"gen\":300.0"),
        ("\"gen\":300", "\"gen\":300,\"gen\":300"),
        ("\"gen\":300,", ""),
        ("\"logins\":2", "\"logins\":4294967296"),
        ("\"level\":1", "\"level\":256"),
        ("\"iat\"", "\"iAt\""),
        ("\"sub\":\"alice\"", "\"sub\":\"al\\u0069ce\""),
        ("\"sub\":\"alice\"", "\"sub\":\"älice\""),
        ("\"sub\":\"alice\"", "\"sub\":\"al\nice\""),
        ("\"sub\":\"alice\"", "\"sub\":\"alice"),
        ("\"sub\":\"alice\"", "\"sub\":\"\""),
        ("\"sub\":\"alice\",", ""),
        ("{\"a\":1}", "{\"a\":}"),
        ("{\"a\":1}", "{\"a\":1"),
        ("{\"a\":1}", "{\"a\":1}}"),
        ("{\"a\":1}", "{\"a\":01}"),
        ("{\"a\":1}", "{\"a\":1,}"),
        ("{\"a\":1}", "{\"a\":[1 2]}"),
        ("{\"a\":1}", "{\"a\":\"\\x\"}"),
        ("{\"a\":1}", " { \"a\" : [ 1.5e-3 , { } , [ ] ] } "),
        ("{\"a\":1}", "{\"a\":1},\"session\":{\"a\":1}"),
        ("{\"a\":1}", "{\"a\":1},\"other\":{}"),
        ("{\"a\":1}", "{\"a\":1},\"nbf\":1"),
        ("{\"a\":1}", "null"),
        ("{\"a\":1}", "[{}]"),
        (",\"session\":{\"a\":1}", ""),
        (",\"session\":{\"a\":1}", ","),
        ("{\"ip\"", "{\"mac\":1,\"ip\""),
        ("{\"ip\"", " {\"ip\""),
    ];
    for (from, to) in changes {
        let edited = minted.replace(from, to);
        assert_ne!(edited, minted, "{from}");
        assert_eq!(open(&edited), open(&otherwise_spelled(&edited)), "{to}");
    }
    for length in 0..minted.len() {
        assert_eq!(open(&minted[..length]), Err(Refusal::Unreadable), "cut to {length}");
    }
}

#[test]
fn the_payload_is_the_bytes_that_were_given() {
    let payload = "{ \"b\" : 1.0,\"a\":[ {} ],\"text\":\"\\u00e9 é\" }".as_bytes();
    let token = mint(&hs256(), &full(), payload);
    assert_eq!(hs256().open(&token).unwrap().payload.bytes(), payload);
    for wrong in [&b"[]"[..], b"1", b"{}x", b"null", b" {}"] {
        let mut out = Vec::new();
        let error = hs256()
            .mint(&full(), &mut |out| out.extend_from_slice(wrong), &SystemRandom, &mut out)
            .unwrap_err();
        assert_eq!((error.kind(), out.len()), (ErrorKind::Encode, 0));
    }
}

#[test]
fn contents_are_seen_on_the_way_wherever_the_payload_stands() {
    let payload = r#"{"data":{"n":1,"\u00e9":[{"data":2}]},"segments":{"cart":[3,["a"]]}}"#;
    let ours = mint(&hs256(), &full(), payload.as_bytes());
    let claims = ours.split(|byte| *byte == b'.').nth(1).and_then(base64url::decode).unwrap();
    let more = String::from_utf8(claims).unwrap().replace(payload, &format!("{payload},\"nbf\":0"));
    let last = sign(&header(), more.as_bytes());
    for (token, is_seen) in [(ours, true), (last, false)] {
        let opened = hs256().open(&token).unwrap();
        assert_eq!(matches!(opened.payload, Payload::Contents(_)), is_seen);
        assert_eq!(opened.payload.bytes(), payload.as_bytes());
        let mut contents = match opened.payload {
            Payload::Bytes(bytes) => Contents::parse(Format::Json, bytes).unwrap(),
            Payload::Contents(contents) => *contents,
        };
        assert_eq!(contents.keys("").unwrap(), ["n", "é"]);
        assert_eq!(contents.get("", "é.0.data").unwrap(), Some(&b"2"[..]));
        assert_eq!(contents.body("cart").unwrap().0, 3);
        let mut out = Vec::new();
        contents.write_to(&mut out);
        assert_eq!(out, payload.as_bytes());
    }
    let repeated = more.replace("\"nbf\":0", "\"session\":{}");
    assert_eq!(hs256().open(&sign(&header(), repeated.as_bytes())).unwrap_err(), Refusal::Unreadable);
}

#[test]
fn the_token_names_its_deadline() {
    let mut envelope = Envelope::begin(Family::from_bytes([1; 16]), Timestamp::from_millis(1_000_000_001));
    let expires = |envelope: &Envelope| hs256().open(&mint(&hs256(), envelope, b"")).unwrap().expires;
    // Idle 30 min after issue; both instants are whole seconds in a token.
    assert_eq!(expires(&envelope), Some(Timestamp::from_secs(1_000_000 + 1800)));
    envelope.issued = Timestamp::from_secs(1_000_000 + 43_000);
    assert_eq!(expires(&envelope), Some(Timestamp::from_secs(1_000_000 + 43_200)), "absolute 12 h");
}

#[test]
fn who_has_the_public_key_verifies_and_cannot_mint() {
    let minting = prepare(&Carrier::Signed(Algorithm::EdDsa), &ring(), &shop());
    let jwks: serde_json::Value = serde_json::from_str(&ring().jwks("shop").unwrap()).unwrap();
    let public = jwks["keys"].as_array().unwrap().iter().map(|jwk| {
        let bytes = base64url::decode(jwk["x"].as_str().unwrap().as_bytes()).unwrap();
        VerifyingKey::ed25519(&bytes).unwrap()
    });
    let other_ring = KeyRing::random().unwrap();
    let reading = prepare(&Carrier::SignedWith(SigningKeys::verify_only(public)), &other_ring, &shop());
    let opened = reading.open(&mint(&minting, &full(), b"{}")).unwrap();
    let expected = as_read(&Carrier::Signed(Algorithm::EdDsa), full());
    assert_eq!((opened.envelope, opened.key), (expected, KeyState::Active));
    assert!(minting.mints() && !reading.mints());
    let mut out = Vec::new();
    let error = reading.mint(&full(), &mut |_| (), &SystemRandom, &mut out).unwrap_err();
    assert_eq!((error.kind(), out.len()), (ErrorKind::ReadOnly, 0));
}

#[test]
fn a003_keys_of_different_algorithms_stand_side_by_side() {
    let secret = |first: u8| std::array::from_fn::<u8, 64, _>(|i| u8::try_from(i * i % 251).unwrap() ^ first);
    let old = || SigningKey::hs512(&secret(1)).unwrap();
    let new = || SigningKey::ed25519_from_seed(&secret(2)[..32]).unwrap();
    let both = prepare(&Carrier::SignedWith(SigningKeys::new(new()).accept(old())), &ring(), &shop());
    let before = prepare(&Carrier::SignedWith(SigningKeys::new(old())), &ring(), &shop());
    let opened = both.open(&mint(&before, &full(), b"{}")).unwrap();
    assert_eq!(opened.key, KeyState::Accepted);
    let moved = mint(&both, &full(), b"{}");
    assert_eq!(both.open(&moved).unwrap().key, KeyState::Active);
    assert_eq!(before.open(&moved).unwrap_err(), Refusal::UnknownKey);
    // The id of one key with the algorithm of the other.
    let header = format!(r#"{{"alg":"HS512","kid":"{}","typ":"JWT"}}"#, new().id());
    assert_eq!(both.open(&sign(&header, b"{}")).unwrap_err(), Refusal::Malformed);
}
