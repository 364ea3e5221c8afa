use std::net::SocketAddr;

use http::{HeaderValue, Request};
use proptest::prelude::*;

use super::*;
use crate::policy::PeerAddr;

fn address(policy: &ClientPolicy, peer: &str, header: &str, lines: &[&[u8]]) -> Option<String> {
    let peer = SocketAddr::new(peer.parse().unwrap(), 50_000);
    let mut request = Request::get("/").extension(PeerAddr(peer)).body(()).unwrap();
    for line in lines {
        let name = http::HeaderName::try_from(header).unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(line).unwrap());
    }
    policy.address(&request).map(|address| address.to_string())
}

fn behind_proxies() -> ClientPolicy {
    ClientPolicy::default().trust_proxy("10.0.0.0/8").trust_proxy("2001:db8::1")
}

fn x_forwarded_for(lines: &[&str]) -> Option<String> {
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    address(&behind_proxies(), "10.0.0.1", "x-forwarded-for", &lines)
}

fn forwarded(lines: &[&str]) -> Option<String> {
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    let policy = behind_proxies().proxy_header(ProxyHeader::Forwarded);
    address(&policy, "10.0.0.1", "forwarded", &lines)
}

#[test]
fn without_trusted_proxies_the_connection_decides() {
    let policy = ClientPolicy::default();
    let claim: [&[u8]; 1] = [b"1.2.3.4"];
    assert_eq!(address(&policy, "192.0.2.9", "x-forwarded-for", &claim).as_deref(), Some("192.0.2.9"));
    assert_eq!(
        address(&behind_proxies(), "192.0.2.9", "x-forwarded-for", &claim).as_deref(),
        Some("192.0.2.9")
    );
    assert_eq!(policy.address(&Request::get("/").body(()).unwrap()), None);
}

#[test]
fn mapped_ipv4_is_ipv4_for_peers_proxies_and_clients() {
    assert_eq!(address(&ClientPolicy::default(), "::ffff:192.0.2.9", "x", &[]).as_deref(), Some("192.0.2.9"));
    let line: [&[u8]; 1] = [b"::ffff:192.0.2.7"];
    assert_eq!(
        address(&behind_proxies(), "::ffff:10.0.0.1", "x-forwarded-for", &line).as_deref(),
        Some("192.0.2.7")
    );
    let mapped = ClientPolicy::default().trust_proxy("::ffff:10.0.0.1");
    assert_eq!(address(&mapped, "10.0.0.1", "x-forwarded-for", &line).as_deref(), Some("192.0.2.7"));
}

#[test]
fn the_list_is_read_from_the_right_past_trusted_proxies_only() {
    for (lines, expected) in [
        (&["192.0.2.7"][..], "192.0.2.7"),
        (&["1.2.3.4, 192.0.2.7"], "192.0.2.7"),
        (&["1.2.3.4, 192.0.2.7, 10.1.1.1"], "192.0.2.7"),
        (&["1.2.3.4", "192.0.2.7", "10.1.1.1, 10.2.2.2"], "192.0.2.7"),
        (&["10.0.0.5, 192.0.2.7,2001:db8::1"], "192.0.2.7"),
        (&["\"1.2.3.4, 192.0.2.7"], "192.0.2.7"),
        (&["garbage, 192.0.2.7"], "192.0.2.7"),
        (&["192.0.2.7:4711"], "192.0.2.7"),
        (&["[2001:db8::7]:4711"], "2001:db8::7"),
        (&["[2001:db8::7]"], "2001:db8::7"),
        (&["2001:db8::7"], "2001:db8::7"),
        (&["192.0.2.7, "], "192.0.2.7"),
        // Proxies all the way: the first of them is the client.
        (&["10.9.9.9, 10.1.1.1"], "10.9.9.9"),
        (&[], "10.0.0.1"),
        (&[" , "], "10.0.0.1"),
    ] {
        assert_eq!(x_forwarded_for(lines).as_deref(), Some(expected), "{lines:?}");
    }
}

#[test]
fn a_proxy_that_does_not_say_whom_it_speaks_for_leaves_the_client_unknown() {
    for line in
        ["unknown", "192.0.2.7, _hidden", "1.2.3.4, 192.0.2", "[::1", "[::1]x", "fe80::1%eth0", "1.2.3.4:5:6"]
    {
        assert_eq!(x_forwarded_for(&[line]), None, "{line}");
    }
}

#[test]
fn forwarded_elements_are_read_by_their_for_parameter() {
    for (lines, expected) in [
        (&["for=192.0.2.7"][..], "192.0.2.7"),
        (&["for=1.2.3.4, FOR=192.0.2.7;proto=https;by=10.0.0.1"], "192.0.2.7"),
        (&["proto=https; for=\"[2001:db8::7]:4711\""], "2001:db8::7"),
        (&["for=\"192.0.2.7:80\""], "192.0.2.7"),
        (&["for=1.2.3.4", "for=192.0.2.7, for=10.1.1.1"], "192.0.2.7"),
        // An unclosed quote of the client swallows nothing.
        (&["for=\"1.2.3.4, for=192.0.2.7"], "192.0.2.7"),
    ] {
        assert_eq!(forwarded(lines).as_deref(), Some(expected), "{lines:?}");
    }
    for line in
        ["for=unknown", "for=_x", "by=10.0.0.1", "for=1.2.3.4;for=192.0.2.7", "for=", "for=\"192.0.2.7", "x"]
    {
        assert_eq!(forwarded(&[line]), None, "{line}");
    }
}

#[test]
fn the_header_that_was_not_chosen_is_not_believed() {
    let line: [&[u8]; 1] = [b"for=1.2.3.4"];
    assert_eq!(address(&behind_proxies(), "10.0.0.1", "forwarded", &line).as_deref(), Some("10.0.0.1"));
}

#[test]
fn a_proxy_must_be_an_address_or_a_network_and_not_everybody() {
    assert!(behind_proxies().check().is_ok());
    for bad in ["", "10.0.0.0/33", "proxy.example", "0.0.0.0/0", "::/0"] {
        assert!(behind_proxies().trust_proxy(bad).check().is_err(), "{bad}");
    }
}

#[test]
fn nothing_is_recorded_unless_asked_for() {
    let peer = PeerAddr(SocketAddr::from(([192, 0, 2, 7], 1)));
    let request = Request::get("/").extension(peer).header("user-agent", "curl/8").body(()).unwrap();
    assert_eq!(ClientPolicy::default().origin(&request), None);
    let address = ClientPolicy::default().record_address(true).origin(&request).unwrap();
    assert_eq!((address.address, address.agent), (Some(peer.0.ip()), None));
    let agent = ClientPolicy::default().record_agent(true).origin(&request).unwrap();
    assert_eq!((agent.address, agent.agent.as_deref()), (None, Some("curl/8")));
    let silent = Request::get("/").body(()).unwrap();
    assert_eq!(ClientPolicy::default().record_address(true).record_agent(true).origin(&silent), None);
}

#[test]
fn the_agent_is_cut_between_characters_and_freed_of_control_characters() {
    assert_eq!(agent(b"a\tb\x1b[31m").as_deref(), Some("ab[31m"));
    assert_eq!(agent(b"\t"), None);
    assert_eq!(agent(b"").as_deref(), None);
    let cut = agent(format!("{}é", "a".repeat(199)).as_bytes()).unwrap();
    assert_eq!(cut.len(), 199);
    assert_eq!(agent("é".repeat(500).as_bytes()).unwrap().len(), 200);
    assert_eq!(agent(b"\xff\xfe").as_deref(), Some("\u{fffd}\u{fffd}"));
}

proptest! {
    #[test]
    fn arbitrary_headers_never_panic(line in prop::collection::vec(0x20..=0xff_u8, 0..200), which: bool) {
        let line: Vec<u8> = line.into_iter().filter(|byte| *byte != 0x7f).collect();
        let header = if which { ProxyHeader::Forwarded } else { ProxyHeader::XForwardedFor };
        let name = if which { "forwarded" } else { "x-forwarded-for" };
        let policy = behind_proxies().proxy_header(header);
        address(&policy, "10.0.0.1", name, &[&line]);
        prop_assert!(agent(&line).is_none_or(|agent| agent.len() <= LONGEST_AGENT));
    }

    #[test]
    fn nothing_left_of_a_proxys_word_changes_the_address(claim in "[ -~]{0,80}") {
        let client = Some("192.0.2.7".to_owned());
        prop_assert_eq!(&x_forwarded_for(&[&format!("{claim}, 192.0.2.7, 10.1.1.1")]), &client);
        prop_assert_eq!(&forwarded(&[&format!("{claim}, for=192.0.2.7")]), &client);
    }
}
