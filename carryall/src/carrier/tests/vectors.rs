//! Tokens of every released format version, kept for ever: the library opens them and still makes the same bytes.

use super::*;

const V1: &str = include_str!("../../../tests/vectors/tokens-v1.json");

fn tokens() -> std::collections::BTreeMap<String, String> {
    let mut file: serde_json::Value = serde_json::from_str(V1).unwrap();
    serde_json::from_value(file["tokens"].take()).unwrap()
}

#[test]
fn version_1_is_opened_and_made_the_same() {
    let mut tokens = tokens();
    let ring = KeyRing::new(key(0)).build().unwrap();
    for carrier in carriers() {
        let token = tokens.remove(&format!("{carrier:?}")).unwrap();
        let prepared = prepare(&carrier, &ring, &shop());
        let opened = prepared.open(token.as_bytes()).unwrap();
        assert_eq!(
            (opened.envelope, &opened.payload.bytes()[..]),
            (as_read(&carrier, full()), &b"{\"a\":1}"[..]),
            "{carrier:?}"
        );
        let mut again = Vec::new();
        let mut payload = |out: &mut Vec<u8>| out.extend_from_slice(b"{\"a\":1}");
        prepared.mint(&full(), &mut payload, &Repeating(9), &mut again).unwrap();
        assert_eq!(String::from_utf8(again).unwrap(), token, "{carrier:?}");
    }
    let token = tokens.remove("Ticket").unwrap();
    let opened = Ticket::new(&ring, &shop()).open(token.as_bytes()).unwrap();
    assert_eq!((opened.family, opened.generation), (full().family, full().generation));
    assert_eq!(String::from_utf8(ticket(&ring, &shop(), &full())).unwrap(), token);
    assert!(tokens.is_empty(), "every vector is used");
}
