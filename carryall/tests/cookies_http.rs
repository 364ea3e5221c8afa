//! Cookies and responses at the edge: header lines, layers, other people's headers, caches.

mod common;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use axum::routing::get;
use carryall::event::{Event, Refusal};
use carryall::policy::ClearSiteData;
use carryall::testing::TestClient;
use carryall::{CookiePolicy, Error, KeyRing, Session, SessionHandle, Sessions};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};
use tower::ServiceExt;

async fn count(session: Session) -> Result<String, Error> {
    session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1).map(|n| n.to_string())
}

async fn send(app: &Router, uri: &str, lines: &[&[u8]]) -> Response<Body> {
    let mut request = Request::get(uri).body(Body::empty()).unwrap();
    for line in lines {
        request.headers_mut().append("cookie", HeaderValue::from_bytes(line).unwrap());
    }
    app.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
}

/// What `count` counts for these cookie lines.
async fn counted(app: &Router, lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.as_bytes()).collect();
    let response = send(app, "/", &lines).await;
    let body = axum::body::to_bytes(response.into_body(), 100).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

fn counter(lab: &Lab) -> Router {
    Router::new().route("/", get(count)).layer(lab.sessions.layer())
}

#[tokio::test]
async fn the_cookie_is_found_in_any_line_among_any_others() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.tab();
        tab.visit(|session| session.set("n", &41)).await.ok();
        let ours = format!("__Host-session={}", tab.cookie.unwrap());
        let app = counter(&lab);
        // A record goes on counting; a cookie that is sent again starts again.
        let expected = if home == Home::Store { ["42", "43", "44"] } else { ["42"; 3] };
        let both = format!("{ours}; {ours}");
        let garbled = format!("__Host-session=garbage; {ours}; session=x; __host-session=y");
        let in_a_later_line = format!("b=2; {ours}");
        assert_eq!(counted(&app, &["a=1", &in_a_later_line, "c"]).await, expected[0], "{home:?}");
        assert_eq!(counted(&app, &[&both, &ours]).await, expected[1], "{home:?}: one cookie, thrice");
        assert_eq!(counted(&app, &[&garbled]).await, expected[2], "{home:?}: only what is authentic counts");
        for nobody in [&*format!("session{}", &ours[14..]), &format!("__Host-session=\"{}\"", &ours[15..])] {
            assert_eq!(counted(&app, &[nobody]).await, "1", "{home:?}: {nobody}");
        }
    }
}

#[tokio::test]
async fn cookies_of_two_sessions_are_nobody_and_both_stay() {
    for home in HOMES {
        let lab = Lab::new(home);
        let (ours, theirs) =
            (lab.user("ada").await.cookie.unwrap(), lab.user("mallory").await.cookie.unwrap());
        for (first, second) in [(&ours, &theirs), (&theirs, &ours)] {
            let line = format!("{first}; __Host-session={second}");
            let mut tab = Tab { cookie: Some(line), ..lab.tab() };
            lab.events.take();
            let seen = tab.visit(|session| Ok(session.exists())).await;
            assert!(!seen.sets_cookie(), "{home:?}");
            assert!(!seen.ok(), "{home:?}: no choice is made");
            let refused = Event::Refused { reason: Refusal::Ambiguous, handle: None };
            assert_eq!(lab.events.take(), [refused], "{home:?}");
        }
    }
}

#[tokio::test]
async fn an_untouched_session_costs_nothing_and_leaves_the_response_alone() {
    for home in HOMES {
        let lab = Lab::new(home);
        let tab = lab.user("ada").await;
        lab.wait(100);
        for cookie in [tab.cookie.clone(), None, Some("garbage".into())] {
            let tab = Tab { cookie, ..tab.clone() };
            let response = tab.send(Method::GET, "/", Body::empty(), None).await;
            assert!(
                ["set-cookie", "vary", "cache-control"]
                    .iter()
                    .all(|name| !response.headers().contains_key(*name))
            );
        }
        assert_eq!(lab.store.take(), "", "{home:?}");
        assert_eq!(lab.events.take(), [], "{home:?}: not even the garbage was looked at");
    }
}

#[tokio::test]
async fn excluded_paths_have_no_session() {
    let lab = Lab::new(Home::Store);
    let app = Router::new()
        .fallback(|session: Option<Session>| async move { session.is_some().to_string() })
        .layer(lab.sessions.layer().exclude("/assets/*").exclude("/health"));
    let mut client = TestClient::new(app);
    for (path, has_session) in [
        ("/", "true"),
        ("/health", "false"),
        ("/health/", "true"),
        ("/healthy", "true"),
        ("/assets", "false"),
        ("/assets/logo.svg", "false"),
        ("/assetsx", "true"),
    ] {
        assert_eq!(client.get(path).await.text(), has_session, "{path}");
    }
}

#[tokio::test]
async fn a_layer_inside_another_of_the_same_sessions_changes_nothing() {
    for home in HOMES {
        let lab = Lab::new(home);
        let app = Router::new()
            .route("/", get(count).layer(lab.sessions.layer()))
            .layer(from_fn(|session: Session, request: axum::extract::Request, next: Next| async move {
                session.update("outer", |n: Option<u64>| n.unwrap_or(0) + 1)?;
                Ok::<_, Error>(next.run(request).await)
            }))
            .layer(lab.sessions.layer());
        let mut client = TestClient::new(app);
        for n in ["1", "2"] {
            let response = client.get("/").await;
            assert_eq!(response.text(), n, "{home:?}");
            assert!(response.header_values("set-cookie").len() <= 1);
        }
        let mut tab = Tab { cookie: client.cookie("__Host-session").map(str::to_owned), ..lab.tab() };
        assert_eq!(tab.visit(|session| session.get::<u64>("outer")).await.ok(), Some(2), "{home:?}");
    }
}

fn named(name: &'static str) -> Sessions {
    let builder = Sessions::builder(KeyRing::random().unwrap()).single_node();
    builder.cookie(CookiePolicy::default().name(name)).build().unwrap()
}

#[tokio::test]
async fn two_kinds_of_sessions_live_in_one_application() {
    let (shop, admin) = (named("__Host-shop"), named("__Host-admin"));
    let app = Router::new()
        .route("/admin", get(count).layer(admin.layer()))
        .route("/", get(count))
        .layer(from_fn(|handle: SessionHandle, request: axum::extract::Request, next: Next| async move {
            let session = handle.load(&request).await?;
            session.set("seen", &true)?;
            Ok::<_, Error>(next.run(request).await)
        }))
        .layer(shop.layer());
    let mut client = TestClient::new(app);
    let response = client.get("/admin").await;
    assert_eq!((response.text(), response.header_values("set-cookie").len()), ("1", 2));
    assert_eq!(client.get("/").await.text(), "1");
    assert_eq!(client.get("/admin").await.text(), "2");
    client.delete_cookie("__Host-shop");
    assert_eq!(client.get("/admin").await.text(), "3", "each has a cookie of its own");
}

#[tokio::test]
async fn cookies_and_headers_of_the_handler_leave_as_they_came() {
    for home in HOMES {
        let lab = Lab::new(home);
        let theirs: [&[u8]; 3] =
            [b"a=1; Path=/; HttpOnly", b"b=\"\xff\"; Max-Age=5", b"a=1; Path=/; HttpOnly"];
        let handler = move |session: Session| async move {
            session.set("n", &1)?;
            let mut response = StatusCode::CREATED.into_response();
            for line in theirs {
                response.headers_mut().append("set-cookie", HeaderValue::from_bytes(line).unwrap());
            }
            response.headers_mut().append("vary", HeaderValue::from_static("Accept-Encoding"));
            response.headers_mut().append("x-own", HeaderValue::from_static(" spaced "));
            Ok::<_, Error>(response)
        };
        let app = Router::new().route("/", get(handler)).layer(lab.sessions.layer());
        let response = send(&app, "/", &[]).await;
        let lines: Vec<_> =
            response.headers().get_all("set-cookie").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(lines[..3], theirs, "{home:?}");
        assert!(lines[3].starts_with(b"__Host-session=") && lines.len() == 4);
        let vary: Vec<_> = response.headers().get_all("vary").iter().collect();
        assert_eq!(vary, ["Accept-Encoding", "Cookie"]);
        assert_eq!(
            (response.status(), &response.headers()["x-own"]),
            (StatusCode::CREATED, &HeaderValue::from_static(" spaced "))
        );
    }
}

/// An application whose handler permits every cache everything.
fn cacheable(lab: &Lab) -> Router {
    let publish = |mut response: Response<Body>| async move {
        for (name, value) in [
            ("cache-control", "public, s-maxage=31536000, max-age=60"),
            ("expires", "Thu, 01 Jan 2099 00:00:00 GMT"),
            ("cdn-cache-control", "max-age=600"),
            ("surrogate-control", "max-age=600"),
        ] {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    };
    Router::new()
        .route("/untouched", get(|| async {}))
        .route("/read", get(|session: Session| async move { session.get::<u64>("n").map(|_| ()) }))
        .route("/write", get(|session: Session| async move { session.set("n", &1) }))
        .route("/logout", get(|session: Session| async move { session.logout() }))
        .layer(axum::middleware::map_response(publish))
        .layer(lab.sessions.layer())
}

#[tokio::test]
async fn no_shared_cache_keeps_what_depends_on_a_session() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut client = TestClient::new(cacheable(&lab));
        let response = client.get("/untouched").await;
        assert_eq!(response.headers["cache-control"], "public, s-maxage=31536000, max-age=60");
        assert!(!response.headers.contains_key("vary") && response.headers.contains_key("surrogate-control"));
        let response = client.get("/read").await;
        assert_eq!(response.headers["cache-control"], "private, max-age=60", "{home:?}");
        for path in ["/write", "/logout"] {
            let response = client.get(path).await;
            assert_eq!(response.headers["cache-control"], "no-store", "{home:?} {path}");
            assert!(!response.headers.contains_key("expires"), "{home:?} {path}");
            assert_eq!(response.headers["vary"], "Cookie");
            assert!(!response.headers.contains_key("cdn-cache-control"), "{home:?} {path}");
        }
    }
}

#[tokio::test]
async fn clear_site_data_goes_out_with_a_logout_and_with_nothing_else() {
    for home in HOMES {
        let lab = Lab::new(home);
        let layer = lab.sessions.layer().clear_site_data(ClearSiteData::default());
        let mut tab = lab.user("ada").await;
        tab.app = common::lab::app(layer);
        let clears = "clear-site-data";
        assert_eq!(tab.visit(|session| session.set("value", &2)).await.header(clears), None);
        let mut again = tab.clone();
        let seen = tab.visit(Session::logout).await;
        assert_eq!(seen.header(clears), Some(r#""cookies", "storage""#), "{home:?}");
        for tab in [&mut tab, &mut again] {
            assert_eq!(tab.visit(Session::logout).await.header(clears), None, "{home:?}: once");
        }
        tab.visit(|session| session.set("value", &1)).await.ok();
        let seen = tab.visit(Session::clear).await;
        assert!(seen.removes_cookie());
        assert_eq!(seen.header(clears), None, "{home:?}: an emptied session is no logout");
    }
}
