use http::Request;

use super::*;
use crate::policy::csrf::CsrfDecision::{NeedsToken, Pass, Refuse};
use crate::policy::csrf::CsrfRefusal::{CrossSite, WrongOrigin};

const UNSAFE: [&str; 7] = ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "CONNECT", "get"];

fn decide(policy: &CsrfPolicy, method: &str, headers: &[(&str, &str)]) -> CsrfDecision {
    let mut request = Request::builder().method(method).uri("/account");
    if !headers.iter().any(|(name, _)| *name == "host") {
        request = request.header("host", "app.example.com");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    policy.decide(&request.body(()).unwrap(), true)
}

fn post(policy: &CsrfPolicy, headers: &[(&str, &str)]) -> CsrfDecision {
    decide(policy, "POST", headers)
}

fn owned() -> CsrfPolicy {
    CsrfPolicy::default().origin("https://app.example.com")
}

#[test]
fn safe_methods_pass_wherever_they_come_from() {
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        let headers = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        assert_eq!(decide(&owned(), method, &headers), Pass, "{method}");
    }
}

#[test]
fn unsafe_methods_of_other_sites_are_refused() {
    for method in UNSAFE {
        let headers = [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
        assert_eq!(decide(&owned(), method, &headers), Refuse(CrossSite), "{method}");
        assert_eq!(decide(&owned(), method, &headers[1..]), Refuse(WrongOrigin), "{method}");
    }
}

#[test]
fn a_sibling_subdomain_is_another_site() {
    let headers = [("sec-fetch-site", "same-site"), ("origin", "https://evil.example.com")];
    assert_eq!(post(&owned(), &headers), Refuse(CrossSite));
    assert_eq!(post(&CsrfPolicy::default(), &headers), Refuse(CrossSite));
}

#[test]
fn only_the_exact_words_of_fetch_metadata_pass() {
    for good in ["same-origin", "none"] {
        let headers = [("sec-fetch-site", good), ("origin", "https://evil.example")];
        assert_eq!(post(&owned(), &headers), Pass, "{good}");
    }
    for bad in ["bogus", "", "Same-Origin", "SAME-ORIGIN", "None", "same-origin, none", "same-origin;x"] {
        assert_eq!(post(&owned(), &[("sec-fetch-site", bad)]), Refuse(CrossSite), "{bad:?}");
    }
    let twice = [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")];
    assert_eq!(post(&owned(), &twice), Refuse(CrossSite));
}

#[test]
fn the_own_origin_does_not_excuse_what_the_browser_calls_cross_site() {
    let headers = [("sec-fetch-site", "cross-site"), ("origin", "https://app.example.com")];
    assert_eq!(post(&owned(), &headers), Refuse(CrossSite));
}

#[test]
fn null_repeated_and_empty_origins_are_refused() {
    for policy in [owned(), CsrfPolicy::default()] {
        assert_eq!(post(&policy, &[("origin", "null")]), Refuse(WrongOrigin));
        assert_eq!(post(&policy, &[("origin", "")]), Refuse(WrongOrigin));
        let own = ("origin", "https://app.example.com");
        assert_eq!(post(&policy, &[own, own]), Refuse(WrongOrigin));
        assert_eq!(post(&policy, &[("origin", "null"), ("host", "null")]), Refuse(WrongOrigin));
    }
}

const LOOKALIKES: [&str; 11] = [
    "https://app.example.com:8443",
    "https://app.example.com.evil.com",
    "https://evil.com/app.example.com",
    "https://app.example.com@evil.com",
    "https://evil.com@app.example.com",
    "https://APP.example.com",
    "https://app.example.com.",
    "https://app.example.com/",
    "https://xn--pp-rka.example.com",
    "https://example.com",
    "app.example.com",
];

#[test]
fn only_the_exact_own_origin_passes() {
    assert_eq!(post(&owned(), &[("origin", "https://app.example.com")]), Pass);
    for bad in LOOKALIKES.into_iter().chain(["http://app.example.com", "https://app.example.com:443"]) {
        assert_eq!(post(&owned(), &[("origin", bad)]), Refuse(WrongOrigin), "{bad}");
    }
}

#[test]
fn the_own_origin_is_not_taken_from_host_once_configured() {
    let headers = [("origin", "https://evil.example"), ("host", "evil.example")];
    assert_eq!(post(&owned(), &headers), Refuse(WrongOrigin));
}

#[test]
fn without_an_own_origin_the_host_decides_and_the_scheme_does_not() {
    let policy = CsrfPolicy::default();
    for good in ["https://app.example.com", "http://app.example.com"] {
        assert_eq!(post(&policy, &[("origin", good)]), Pass, "{good}");
    }
    for bad in LOOKALIKES {
        assert_eq!(post(&policy, &[("origin", bad)]), Refuse(WrongOrigin), "{bad}");
    }
    let two_hosts = [("origin", "https://a.example"), ("host", "a.example"), ("host", "a.example")];
    assert_eq!(post(&policy, &two_hosts), Refuse(WrongOrigin));
}

#[test]
fn trusted_origins_pass_even_when_called_cross_site() {
    let policy = owned().trust("https://pay.example");
    let pay = ("origin", "https://pay.example");
    assert_eq!(post(&policy, &[("sec-fetch-site", "cross-site"), pay]), Pass);
    assert_eq!(post(&policy, &[pay]), Pass);
    assert_eq!(post(&policy, &[("sec-fetch-site", "cross-site"), pay, pay]), Refuse(CrossSite));
    let near = ("origin", "http://pay.example");
    assert_eq!(post(&policy, &[("sec-fetch-site", "cross-site"), near]), Refuse(CrossSite));
}

#[test]
fn web_sockets_of_other_sites_are_refused_although_they_begin_with_get() {
    let upgrade = [("upgrade", "websocket"), ("connection", "upgrade")];
    let with = |origin| [&upgrade[..], &[("origin", origin)]].concat();
    assert_eq!(decide(&owned(), "GET", &with("https://evil.example")), Refuse(WrongOrigin));
    assert_eq!(decide(&owned(), "GET", &with("https://app.example.com")), Pass);
    let site = [&upgrade[..], &[("sec-fetch-site", "cross-site")]].concat();
    assert_eq!(decide(&owned(), "GET", &site), Refuse(CrossSite));
    assert_eq!(decide(&owned().strict(), "GET", &upgrade), NeedsToken);
}

#[test]
fn event_streams_of_other_sites_are_refused_and_our_own_need_no_token() {
    let accept = ("accept", "text/event-stream");
    assert_eq!(decide(&owned(), "GET", &[accept, ("sec-fetch-site", "cross-site")]), Refuse(CrossSite));
    assert_eq!(decide(&owned(), "GET", &[accept, ("origin", "https://evil.example")]), Refuse(WrongOrigin));
    assert_eq!(decide(&owned(), "GET", &[accept, ("sec-fetch-site", "same-origin")]), Pass);
    assert_eq!(decide(&owned().strict(), "GET", &[accept]), Pass);
}

#[test]
fn content_types_prove_nothing() {
    for content_type in ["text/plain", "multipart/form-data; boundary=x", "application/json"] {
        let headers = [("content-type", content_type), ("sec-fetch-site", "cross-site")];
        assert_eq!(post(&owned(), &headers), Refuse(CrossSite), "{content_type}");
    }
}

#[test]
fn a_request_that_says_nothing_passes_unless_strictness_meets_a_session_cookie() {
    let request = Request::post("/account").body(()).unwrap();
    for (policy, has_cookie, expected) in [
        (owned(), true, Pass),
        (owned(), false, Pass),
        (owned().strict(), true, NeedsToken),
        (owned().strict(), false, Pass),
    ] {
        assert_eq!(policy.decide(&request, has_cookie), expected);
    }
}

#[test]
fn a_bypass_exempts_its_paths_alone() {
    let policy = owned().bypass("/hooks/*");
    let decide = |path: &str| {
        let request = Request::post(path).header("sec-fetch-site", "cross-site").body(()).unwrap();
        policy.decide(&request, true)
    };
    assert_eq!(decide("/hooks/stripe"), Pass);
    assert_eq!(decide("/hooks/stripe?next=/../account"), Pass);
    assert_eq!(decide("/hooks/../account"), Refuse(CrossSite));
    assert_eq!(decide("/account"), Refuse(CrossSite));
    assert_eq!(decide("/account?/hooks/x"), Refuse(CrossSite));
}

#[test]
fn configuration_that_cannot_match_or_exempts_everything_is_refused() {
    assert!(owned().trust("https://pay.example").bypass("/hooks/*").check().is_ok());
    assert!(CsrfPolicy::default().origin("app.example.com").check().is_err());
    assert!(CsrfPolicy::default().trust("https://pay.example/").check().is_err());
    assert!(CsrfPolicy::default().bypass("/*").check().is_err());
    assert!(CsrfPolicy::default().token_header("X CSRF").check().is_err());
    assert!(CsrfPolicy::default().token_field("").check().is_err());
}
