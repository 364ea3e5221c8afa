use std::net::SocketAddr;

use http::Request;

use super::*;
use crate::policy::PeerAddr;

const CHROME_WINDOWS: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const CHROME_WINDOWS_NEWER: &str = "Mozilla/5.0 (Windows NT 11.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.7.1 Safari/537.36";
const FIREFOX_LINUX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// Stands in for the key's MAC: different inputs give different outputs, as far as these tests can tell.
fn mac(parts: &[&[u8]]) -> [u8; 16] {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in parts.iter().copied().flatten() {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    u128::from(state).rotate_left(64).to_be_bytes()
}

fn fingerprint(policy: &FingerprintPolicy, peer: &str, headers: &[(&str, &str)]) -> Option<[u8; 8]> {
    let peer = SocketAddr::new(peer.parse().unwrap(), 1);
    let mut request = Request::get("/").extension(PeerAddr(peer));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    policy.of(&request.body(()).unwrap(), &ClientPolicy::default(), &mac)
}

fn by_agent(policy: &FingerprintPolicy, agent: &str) -> Option<[u8; 8]> {
    fingerprint(policy, "192.0.2.1", &[("user-agent", agent)])
}

fn by_address(address: &str) -> Option<[u8; 8]> {
    fingerprint(&FingerprintPolicy::default().address_prefix(), address, &[])
}

#[test]
fn nothing_is_remembered_by_default_and_a_mismatch_is_only_reported() {
    assert_eq!(by_agent(&FingerprintPolicy::default(), "x"), None);
    assert_eq!(FingerprintPolicy::default().on_mismatch, OnMismatch::Report);
}

#[test]
fn a_browser_update_keeps_the_agent_family_but_not_the_exact_agent() {
    let family = FingerprintPolicy::default().agent_family();
    assert_eq!(by_agent(&family, CHROME_WINDOWS), by_agent(&family, CHROME_WINDOWS_NEWER));
    let exact = FingerprintPolicy::default().exact_agent();
    assert_ne!(by_agent(&exact, CHROME_WINDOWS), by_agent(&exact, CHROME_WINDOWS_NEWER));
    assert_eq!(by_agent(&exact, CHROME_WINDOWS), by_agent(&exact, CHROME_WINDOWS));
}

#[test]
fn another_browser_or_platform_is_a_mismatch() {
    let family = FingerprintPolicy::default().agent_family();
    assert_ne!(by_agent(&family, CHROME_WINDOWS), by_agent(&family, FIREFOX_LINUX));
    let chrome_linux = CHROME_WINDOWS.replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64");
    assert_ne!(by_agent(&family, CHROME_WINDOWS), by_agent(&family, &chrome_linux));
    assert_ne!(by_agent(&family, "curl/8.0"), by_agent(&family, "python-requests/2.0"));
}

#[test]
fn agents_are_named_by_browser_and_platform() {
    for (agent, browser, platform) in [
        (CHROME_WINDOWS, "chrome", "windows"),
        (FIREFOX_LINUX, "firefox", "linux"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "safari", "macos"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140 Mobile Safari/604.1",
            "chrome",
            "ios",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) SamsungBrowser/28.0 Chrome/130 Mobile Safari/537.36",
            "samsung",
            "android",
        ),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140 Safari/537.36 Edg/140.0", "edge", "windows"),
        ("Mozilla/5.0 (X11; CrOS x86_64) Chrome/140 Safari/537.36", "chrome", "chromeos"),
        ("curl/8.5.0", "curl", ""),
        ("", "", ""),
    ] {
        assert_eq!(family(agent.as_bytes()), (browser.as_bytes(), platform.as_bytes()), "{agent}");
    }
}

#[test]
fn an_address_may_move_within_its_network() {
    assert_eq!(by_address("192.0.2.1"), by_address("192.0.2.254"));
    assert_eq!(by_address("192.0.2.1"), by_address("::ffff:192.0.2.9"));
    assert_ne!(by_address("192.0.2.1"), by_address("192.0.3.1"));
    assert_eq!(by_address("2001:db8:0:1::1"), by_address("2001:db8:0:1:ffff::9"));
    assert_ne!(by_address("2001:db8:0:1::1"), by_address("2001:db8:0:2::1"));
}

#[test]
fn a_missing_source_is_a_stable_value() {
    let policy = FingerprintPolicy::default().agent_family().exact_agent().address_prefix().header("x-ja4");
    let request = Request::get("/").body(()).unwrap();
    let first = policy.of(&request, &ClientPolicy::default(), &mac);
    assert!(first.is_some());
    assert_eq!(first, policy.of(&request, &ClientPolicy::default(), &mac));
    assert_ne!(first, fingerprint(&policy, "192.0.2.1", &[("x-ja4", "t13d")]));
}

#[test]
fn headers_are_named_in_any_letter_case_and_told_apart() {
    let value = [("x-ja4", "t13d"), ("x-other", "t13d")];
    let of = |policy: FingerprintPolicy| fingerprint(&policy, "192.0.2.1", &value);
    let lower = FingerprintPolicy::default().header("x-ja4");
    assert_eq!(FingerprintPolicy::default().header("X-JA4"), lower);
    assert_ne!(of(lower.clone()), of(FingerprintPolicy::default().header("x-other")));
    assert_ne!(of(lower.clone()), fingerprint(&lower, "192.0.2.1", &[("x-ja4", "other")]));
    assert!(lower.check().is_ok());
    assert!(FingerprintPolicy::default().header("x ja4").check().is_err());
}

#[test]
fn the_order_and_repetition_of_sources_do_not_matter() {
    let one = FingerprintPolicy::default().agent_family().header("x-b").header("x-a").address_prefix();
    let other = FingerprintPolicy::default()
        .address_prefix()
        .header("x-a")
        .agent_family()
        .header("x-b")
        .agent_family();
    assert_eq!(one, other);
}

#[test]
fn values_do_not_flow_into_each_other() {
    let policy = FingerprintPolicy::default().header("x-a").header("x-b");
    let one = fingerprint(&policy, "192.0.2.1", &[("x-a", "12"), ("x-b", "3")]);
    let other = fingerprint(&policy, "192.0.2.1", &[("x-a", "1"), ("x-b", "23")]);
    assert_ne!(one, other);
}
