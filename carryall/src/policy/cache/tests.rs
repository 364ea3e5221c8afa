use http::header::SET_COOKIE;
use proptest::prelude::*;

use super::*;

fn applied(privacy: Privacy, lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().unwrap());
    }
    privacy.apply(&mut headers);
    headers
}

fn all<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect()
}

fn cache_control(privacy: Privacy, said: &str) -> String {
    let headers = applied(privacy, &[("cache-control", said)]);
    all(&headers, "cache-control").join(" | ")
}

#[test]
fn what_happened_to_the_session_decides() {
    assert_eq!(Privacy::of(false, false, false), Privacy::Untouched);
    assert_eq!(Privacy::of(true, false, false), Privacy::Accessed);
    for (accessed, cookie_set, outage) in
        [(false, true, false), (true, true, false), (false, false, true), (true, false, true)]
    {
        assert_eq!(Privacy::of(accessed, cookie_set, outage), Privacy::Unrepeatable);
    }
}

#[test]
fn a_response_that_has_nothing_to_do_with_the_session_is_left_alone() {
    let lines =
        [("cache-control", "public, s-maxage=600"), ("cdn-cache-control", "max-age=9"), ("vary", "Accept")];
    let headers = applied(Privacy::Untouched, &lines);
    assert_eq!(headers.len(), 3);
    assert_eq!(all(&headers, "cache-control"), ["public, s-maxage=600"]);
    assert!(applied(Privacy::Untouched, &[]).is_empty());
}

#[test]
fn a_plain_response_of_a_session_is_private_and_varies_by_cookie() {
    let headers = applied(Privacy::Accessed, &[("content-type", "text/html")]);
    assert_eq!(all(&headers, "cache-control"), ["private"]);
    assert_eq!(all(&headers, "vary"), ["Cookie"]);
    assert_eq!(all(&headers, "content-type"), ["text/html"]);
}

#[test]
fn a_response_with_the_cookie_is_never_stored_whatever_the_handler_said() {
    for said in
        ["public, s-maxage=31536000", "max-age=60", "private", "no-cache=\"Set-Cookie\"", "public, no-store"]
    {
        assert_eq!(cache_control(Privacy::Unrepeatable, said), "no-store", "{said}");
    }
    let headers = applied(
        Privacy::Unrepeatable,
        &[
            ("cache-control", "public"),
            ("cache-control", "s-maxage=9"),
            ("expires", "Thu, 01 Jan 2032 00:00:00 GMT"),
        ],
    );
    assert_eq!(all(&headers, "cache-control"), ["no-store"]);
    assert_eq!(all(&headers, "vary"), ["Cookie"]);
    assert!(!headers.contains_key("expires"));
    let headers = applied(Privacy::Unrepeatable, &[]);
    assert_eq!(all(&headers, "cache-control"), ["no-store"]);
}

#[test]
fn expires_alone_is_a_permission_that_goes_too() {
    let headers = applied(Privacy::Unrepeatable, &[("expires", "Thu, 01 Jan 2032 00:00:00 GMT")]);
    assert!(!headers.contains_key("expires"));
}

#[test]
fn a_handlers_stricter_word_stays_as_it_is() {
    for said in [
        "private",
        "no-store",
        "private, max-age=60",
        "Private,no-cache",
        "no-store, must-revalidate",
        "max-age=0, NO-STORE",
    ] {
        assert_eq!(cache_control(Privacy::Accessed, said), said);
    }
    let headers = applied(Privacy::Accessed, &[("cache-control", "max-age=0"), ("cache-control", "private")]);
    assert_eq!(all(&headers, "cache-control"), ["max-age=0", "private"]);
}

#[test]
fn a_handlers_weaker_word_loses_what_permits_sharing_and_nothing_else() {
    for (said, expected) in [
        ("public", "private"),
        ("public, max-age=3600", "private, max-age=3600"),
        ("max-age=60, S-MaxAge=600, immutable", "private, max-age=60, immutable"),
        ("private, s-maxage=600", "private"),
        ("public, private", "private"),
        ("no-cache", "private, no-cache"),
        ("s-maxage = 60", "private"),
        ("no-store, public", "private, no-store"),
        ("private=\"Set-Cookie\", max-age=1", "private, private=\"Set-Cookie\", max-age=1"),
        ("no-cache=\"a, private, b\", public", "private, no-cache=\"a, private, b\""),
        ("x=\"no-store", "private, x=\"no-store"),
        (r#"x="\", private, ", public"#, r#"private, x="\", private, ""#),
        ("", "private"),
    ] {
        assert_eq!(cache_control(Privacy::Accessed, said), expected, "{said}");
    }
}

#[test]
fn no_header_for_one_shared_cache_survives() {
    for privacy in [Privacy::Accessed, Privacy::Unrepeatable] {
        for name in &PERMISSIONS {
            let headers =
                applied(privacy, &[(name.as_str().to_owned().leak(), "max-age=600"), ("etag", "\"x\"")]);
            assert!(!headers.contains_key(name), "{name}");
            assert!(headers.contains_key("etag"));
        }
    }
}

#[test]
fn vary_names_cookie_once_and_keeps_what_is_there() {
    for (said, expected) in [
        (&["Accept-Encoding"][..], &["Accept-Encoding", "Cookie"][..]),
        (&["Cookie"], &["Cookie"]),
        (&["accept, cookie ,origin"], &["accept, cookie ,origin"]),
        (&["*"], &["*"]),
        (&["Origin", "*"], &["Origin", "*"]),
        (&["Cookie2"], &["Cookie2", "Cookie"]),
        (&["X-Cookie", "Y"], &["X-Cookie", "Y", "Cookie"]),
    ] {
        let lines: Vec<_> = said.iter().map(|value| ("vary", *value)).collect();
        assert_eq!(all(&applied(Privacy::Accessed, &lines), "vary"), expected);
        assert_eq!(all(&applied(Privacy::Unrepeatable, &lines), "vary"), expected);
    }
}

proptest! {
    #[test]
    fn no_cache_control_a_handler_can_write_lets_a_shared_cache_in(said in "[ -~]{0,80}") {
        let value = cache_control(Privacy::Accessed, &said);
        let plain = |name: &str| directives(value.as_bytes()).any(|directive| is(directive, name.as_bytes()));
        prop_assert!(plain("private") || plain("no-store"));
        prop_assert!(!directives(value.as_bytes()).any(permits_sharing));
    }

    #[test]
    fn everything_else_stays_byte_for_byte_and_in_order(
        cookies in prop::collection::vec("[!-~]{1,40}", 0..5), other in "[!-~]{1,40}",
    ) {
        let mut lines: Vec<_> = cookies.iter().map(|value| ("set-cookie", value.as_str())).collect();
        lines.push(("etag", &other));
        for privacy in [Privacy::Accessed, Privacy::Unrepeatable] {
            let headers = applied(privacy, &lines);
            let kept: Vec<_> = headers.get_all(SET_COOKIE).iter().map(HeaderValue::as_bytes).collect();
            prop_assert_eq!(kept, cookies.iter().map(String::as_bytes).collect::<Vec<_>>());
            prop_assert_eq!(headers["etag"].as_bytes(), other.as_bytes());
        }
    }
}
