//! The API for scripts, in every home: what it answers, whom it refuses, what nonsense does to it.

use axum::Router;
use axum::http::{Method, StatusCode};
use carryall::testing::{TestClient, TestResponse};
use carryall_demo::{Options, app};
use serde_json::{Value, json};

const HOMES: [&[&str]; 3] =
    [&["--carrier", "sealed"], &["--carrier", "signed"], &["--place", "store", "--store", "memory"]];

type Script = TestClient<Router>;

async fn script(options: &[&str]) -> Script {
    let words = std::iter::once("carryall-demo").chain(options.iter().copied());
    TestClient::new(app(&Options::read(words).expect("options")).await.expect("a demo"))
}

async fn send(script: &mut Script, method: &str, path: &str, body: &str) -> TestResponse {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    // What curl says of its data; the API does not mind.
    script.request(method, path).body("application/x-www-form-urlencoded", body.to_owned()).send().await
}

async fn ask(script: &mut Script, method: &str, path: &str, body: &str) -> (u16, Value) {
    let response = send(script, method, path, body).await;
    let json = if response.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(response.text()).expect("JSON")
    };
    (response.status.as_u16(), json)
}

#[tokio::test]
async fn values_are_set_read_and_deleted() {
    for home in HOMES {
        let script = &mut script(home).await;
        for value in [
            "1",
            "-1.5",
            "\"text\"",
            "null",
            "true",
            "[1,[2,{}]]",
            r#"{"a":{"b":[null]}}"#,
            "18446744073709551615",
        ] {
            assert_eq!(ask(script, "PUT", "/api/values/x", value).await, (204, Value::Null), "{value}");
            let expected: Value = serde_json::from_str(value).expect("JSON");
            assert_eq!(ask(script, "GET", "/api/values/x", "").await, (200, expected), "{value}");
        }
        assert_eq!(ask(script, "PUT", "/api/values/user.name", "\"Ada\"").await.0, 204);
        assert_eq!(ask(script, "GET", "/api/values/user", "").await, (200, json!({ "name": "Ada" })));
        assert_eq!(ask(script, "DELETE", "/api/values/x", "").await.0, 204);
        for method in ["GET", "DELETE"] {
            let (status, answer) = ask(script, method, "/api/values/x", "").await;
            assert_eq!((status, answer["error"].is_string()), (404, true), "{method}");
        }
    }
}

#[tokio::test]
async fn the_session_is_told_without_its_secrets() {
    for home in HOMES {
        let script = &mut script(home).await;
        let (status, nobody) = ask(script, "GET", "/api/session", "").await;
        assert_eq!((status, &nobody["id"], &nobody["values"]), (200, &Value::Null, &json!({})));
        assert!(script.cookies().is_empty(), "looking makes no session");
        ask(script, "PUT", "/api/values/x", "7").await;
        ask(script, "POST", "/api/login", r#"{"user": " ada "}"#).await;
        let (_, session) = ask(script, "GET", "/api/session", "").await;
        assert_eq!((&session["subject"], &session["values"]), (&json!("ada"), &json!({ "x": 7 })));
        assert_eq!((&session["level"], &session["generation"]), (&json!(1), &json!(1)));
        for time in ["now", "created", "seen", "auth_time", "expires"] {
            assert!(session[time].as_str().is_some_and(|time| time.ends_with('Z')), "{time}: {session}");
        }
        assert!(session["expires"].as_str() > session["now"].as_str());
        let cookie = script.cookie("__Host-session").expect("a cookie").to_owned();
        let id = session["id"].as_str().expect("a handle");
        assert!(!cookie.contains(id) && !session.to_string().contains(&cookie));
    }
}

#[tokio::test]
async fn signing_in_keeps_values_and_signing_out_leaves_nothing() {
    for home in HOMES {
        let script = &mut script(home).await;
        ask(script, "PUT", "/api/values/x", "7").await;
        let (status, session) = ask(script, "POST", "/api/login", r#"{"user":"ada","remember":3600}"#).await;
        assert_eq!((status, &session["values"]["x"], &session["persistent"]), (200, &json!(7), &json!(true)));
        let old = script.cookie("__Host-session").expect("a cookie").to_owned();
        assert_eq!(ask(script, "POST", "/api/logout", "").await.0, 204);
        assert_eq!(script.cookie("__Host-session"), None, "the cookie is removed");
        script.set_cookie("__Host-session", &old);
        let (_, after) = ask(script, "GET", "/api/session", "").await;
        assert_eq!((&after["subject"], &after["values"]), (&Value::Null, &json!({})), "nothing comes back");
        assert_eq!(ask(script, "POST", "/api/logout", "").await.0, 204, "nothing to do is no error");
    }
}

#[tokio::test]
async fn a_counter_answers_the_committed_number() {
    for home in HOMES {
        let script = &mut script(home).await;
        for value in 1..=3 {
            let (status, answer) = ask(script, "POST", "/api/counters/apples", "").await;
            assert_eq!((status, &answer["value"]), (200, &json!(value)));
        }
        assert_eq!(ask(script, "GET", "/api/values/apples", "").await, (200, json!(3)));
        ask(script, "PUT", "/api/values/apples", "\"many\"").await;
        assert_eq!(ask(script, "POST", "/api/counters/apples", "").await.0, 409);
        assert_eq!(ask(script, "GET", "/api/values/apples", "").await, (200, json!("many")));
    }
}

#[tokio::test]
async fn no_count_is_lost_among_many_scripts_with_one_kept_session() {
    let mut first = script(&["--place", "store"]).await;
    ask(&mut first, "POST", "/api/counters/apples", "").await;
    let scripts = (0..40).map(|_| {
        let mut script = first.clone();
        tokio::spawn(async move { ask(&mut script, "POST", "/api/counters/apples", "").await })
    });
    let mut numbers = Vec::new();
    for script in scripts.collect::<Vec<_>>() {
        let (status, answer) = script.await.expect("an answer");
        assert_eq!(status, 200);
        numbers.push(answer["value"].as_u64().expect("a number"));
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (2..=41).collect::<Vec<_>>(), "each number once");
}

#[tokio::test]
async fn scripts_are_welcome_and_other_sites_are_not() {
    const OWN: &str = "http://shop.example";
    let cases: [(&[(&str, &str)], bool); 9] = [
        (&[], true),
        (&[("sec-fetch-site", "same-origin"), ("origin", OWN)], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("origin", OWN)], true),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site"), ("origin", "http://other.shop.example")], false),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "null")], false),
        (&[("origin", OWN), ("origin", "https://evil.example")], false),
    ];
    for home in HOMES {
        for path in
            ["/api/counters/apples", "/api/login", "/api/logout", "/cart/add", "/sign-in", "/sign-out"]
        {
            for (headers, is_welcome) in cases {
                let script = &mut script(home).await;
                let mut request = script.request(Method::POST, path).header("host", "shop.example");
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let response =
                    request.body("application/x-www-form-urlencoded", "id=tote&user=ada").send().await;
                let is_refused = response.status == StatusCode::FORBIDDEN;
                assert_eq!(is_refused, !is_welcome, "{path} {headers:?}: {}", response.status);
                assert!(is_welcome || response.header_values("set-cookie").is_empty());
                assert!(is_welcome || !response.body.is_empty(), "a refusal says why");
            }
        }
    }
}

#[tokio::test]
async fn nonsense_is_the_senders_fault_and_changes_nothing() {
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let deeper = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let long = format!("\"{}\"", "x".repeat(60_000));
    let longer = format!("\"{}\"", "x".repeat(200_000));
    let key = format!("/api/values/{}", "k".repeat(300));
    for home in HOMES {
        let script = &mut script(home).await;
        ask(script, "PUT", "/api/values/x", "7").await;
        let before = ask(script, "GET", "/api/session", "").await.1["values"].clone();
        for (method, path, body) in [
            ("PUT", "/api/values/y", ""),
            ("PUT", "/api/values/y", "{"),
            ("PUT", "/api/values/y", "nonsense"),
            ("PUT", "/api/values/y", "1 2"),
            ("PUT", "/api/values/y", "NaN"),
            ("PUT", "/api/values/y", "1e999"),
            ("PUT", "/api/values/y", "\"\\ud800\""),
            ("PUT", "/api/values/y", &deep),
            ("PUT", "/api/values/y", &deeper),
            ("PUT", "/api/values/y", &longer),
            ("PUT", "/api/values/x.y", "1"),
            ("PUT", &key, "1"),
            ("PUT", "/api/values/%ff", "1"),
            ("PUT", "/api/values/", "1"),
            ("PATCH", "/api/values/x", "1"),
            ("POST", "/api/counters/x.y", ""),
            ("POST", "/api/login", ""),
            ("POST", "/api/login", "[]"),
            ("POST", "/api/login", "{}"),
            ("POST", "/api/login", r#"{"user":""}"#),
            ("POST", "/api/login", r#"{"user":" "}"#),
            ("POST", "/api/login", r#"{"user":7}"#),
            ("POST", "/api/login", r#"{"user":"a\u0000b"}"#),
            ("POST", "/api/login", r#"{"user":"ada","remember":-1}"#),
            ("GET", "/api/nothing", ""),
            ("DELETE", "/api/session", ""),
        ] {
            let (status, answer) = ask(script, method, path, body).await;
            let shown: String = body.chars().take(40).collect();
            assert!((400..500).contains(&status), "{home:?} {method} {path} {shown}: {status}");
            assert!(answer["error"].is_string(), "{method} {path} {shown}: {answer}");
        }
        let (status, _) = ask(script, "PUT", "/api/values/y", &long).await;
        assert_eq!(status, if home.contains(&"store") { 204 } else { 413 }, "a cookie has no room for it");
        ask(script, "DELETE", "/api/values/y", "").await;
        assert_eq!(ask(script, "GET", "/api/session", "").await.1["values"], before);
    }
}

#[tokio::test]
async fn no_page_fails_whatever_a_form_or_a_cookie_says() {
    for home in HOMES {
        let script = &mut script(home).await;
        for cookie in ["", "x", "....", "a b", "\"", "AAAA.BBBB.CCCC", &"A".repeat(4000)] {
            script.set_cookie("__Host-session", cookie);
            for (method, path, body) in [
                ("GET", "/", ""),
                ("GET", "/inspector", ""),
                ("GET", "/cart", ""),
                ("GET", "/profile", ""),
                ("GET", "/sign-in?next=//evil.example&next=cart", ""),
                ("GET", "/avatar.svg", ""),
                ("GET", "/nothing/here", ""),
                ("POST", "/", ""),
                ("POST", "/cart/add", ""),
                ("POST", "/cart/add", "id=rocket"),
                ("POST", "/cart/put", "id=tote&quantity=-1"),
                ("POST", "/cart/put", "id=tote&quantity=99999999999"),
                ("POST", "/cart/put", "id=tote&quantity=4294967295"),
                ("POST", "/cart/empty", "%"),
                ("POST", "/profile", ""),
                ("POST", "/profile", "csrf_token=x&name=&town=&colour=pine&scheme=dark"),
                ("POST", "/sign-in", "user=%00"),
                ("POST", "/sign-in", "user=a&user=b"),
                ("POST", "/sign-in", "user=ada&next=https://evil.example"),
                ("POST", "/sign-out", ""),
            ] {
                let response = send(script, method, path, body).await;
                assert!(
                    response.status.as_u16() < 500,
                    "{home:?} {method} {path} {body}: {}",
                    response.status
                );
                for place in response.header_values("location") {
                    assert!(
                        place.starts_with('/') && !place.starts_with("//"),
                        "{path} {body} leads to {place}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn the_stylesheet_and_the_health_check_have_no_session() {
    let script = &mut script(&[]).await;
    ask(script, "PUT", "/api/values/x", "7").await;
    for path in ["/assets/style.css", "/assets/icon.svg", "/healthz"] {
        let response = send(script, "GET", path, "").await;
        assert_eq!(response.status, StatusCode::OK);
        assert!(response.header_values("set-cookie").is_empty(), "{path}");
        assert!(
            !response.header_values("vary").iter().any(|vary| vary.eq_ignore_ascii_case("cookie")),
            "{path}"
        );
    }
}

#[tokio::test]
async fn plain_http_drops_the_prefix_with_the_attribute() {
    let script = &mut script(&["--plain-http"]).await;
    let response = send(script, "PUT", "/api/values/x", "7").await;
    let cookies = response.header_values("set-cookie");
    assert!(
        cookies.len() == 1 && cookies[0].starts_with("session=") && !cookies[0].contains("Secure"),
        "{cookies:?}"
    );
}

async fn login(script: &mut Script) -> (u16, Value) {
    ask(script, "POST", "/api/login", r#"{"user":"ada"}"#).await
}

/// The same demo for another script.
fn another(script: &Script) -> Script {
    let mut other = script.clone();
    other.delete_cookie("__Host-session");
    other
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_ids() {
    let scratch = carryall_testbed::scratch();
    let sqlite = format!("sqlite:{}", scratch.path().join("sessions.db").display());
    let files = format!("file:{}", scratch.path().join("sessions").display());
    for store in ["memory", &sqlite, &files] {
        let first = &mut script(&["--store", store]).await;
        let (second, bob) = (&mut another(first), &mut another(first));
        let (firsts, seconds) = (login(first).await.1, login(second).await.1);
        ask(bob, "POST", "/api/login", r#"{"user":"bob"}"#).await;
        let (status, listed) = ask(second, "GET", "/api/sessions", "").await;
        let ids = |listed: &Value| {
            let mut ids: Vec<_> =
                listed.as_array().expect("a list").iter().map(|one| one["id"].clone()).collect();
            ids.sort_by_key(Value::to_string);
            ids
        };
        let mut both = vec![firsts["id"].clone(), seconds["id"].clone()];
        both.sort_by_key(Value::to_string);
        assert_eq!((status, ids(&listed)), (200, both), "{store}");
        let current = listed.as_array().expect("a list").iter().find(|one| one["current"] == true);
        assert_eq!(current.expect("the current one")["id"], seconds["id"]);
        let path = |session: &Value| format!("/api/sessions/{}", session["id"].as_str().expect("an id"));
        assert_eq!(ask(bob, "DELETE", &path(&firsts), "").await.0, 404, "somebody else's");
        assert_eq!(ask(second, "DELETE", &path(&firsts), "").await.0, 204);
        assert_eq!(ask(second, "DELETE", &path(&firsts), "").await.0, 404, "it is gone");
        assert!(ask(first, "GET", "/api/session", "").await.1["subject"].is_null());
        assert_eq!(ask(second, "DELETE", &path(&seconds), "").await.0, 204, "one's own");
        assert_eq!(second.cookie("__Host-session"), None, "the cookie is removed");
        let (status, answer) = ask(second, "GET", "/api/sessions", "").await;
        assert_eq!((status, answer["error"].is_string()), (401, true));
    }
}

#[tokio::test]
async fn where_nobody_can_list_sessions_it_is_said() {
    for home in [["--carrier", "sealed"], ["--carrier", "signed"]] {
        let script = &mut script(&home).await;
        login(script).await;
        for (method, path) in [("GET", "/api/sessions"), ("DELETE", "/api/sessions/x")] {
            let (status, answer) = ask(script, method, path, "").await;
            assert_eq!(status, 404, "{home:?}");
            assert!(answer["error"].as_str().is_some_and(|text| text.contains("no list")), "{answer}");
        }
        let page = script.get("/devices").await;
        assert_eq!(page.status, 200, "{home:?}");
        assert!(page.text().contains("There is no list here.") && !page.text().contains("/devices/one"));
    }
}

#[tokio::test]
async fn one_device_too_many_signs_the_oldest_out_or_is_refused() {
    let first = &mut script(&["--store", "memory", "--devices", "1"]).await;
    let second = &mut another(first);
    assert_eq!((login(first).await.0, login(second).await.0), (200, 200));
    assert!(ask(first, "GET", "/api/session", "").await.1["subject"].is_null());
    let first = &mut script(&["--store", "memory", "--devices", "1", "--when-full", "new"]).await;
    let second = &mut another(first);
    assert_eq!(login(first).await.0, 200);
    let (status, answer) = login(second).await;
    assert_eq!(status, 409);
    assert!(answer["error"].as_str().is_some_and(|text| text.contains("1 sessions already")), "{answer}");
    assert_eq!(ask(first, "GET", "/api/session", "").await.1["subject"], "ada");
}
