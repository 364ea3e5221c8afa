//! A store that is down, hangs, fights back or answers nonsense.

mod common;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use carryall::axum::{Rejection, SessionOrAnonymous};
use carryall::clock::Clock as _;
use carryall::event::{Event, Refusal};
use carryall::store::{Commit, Draft, Store as _};
use carryall::testing::TestClient;
use carryall::{Error, ErrorKind, Session};
use common::house::{Home, House};
use common::lab::{Lab, Seen, Tab};

fn assert_unavailable<R>(seen: &Seen<R>) {
    assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(seen.header("cache-control"), Some("no-store"));
    assert!(!seen.sets_cookie(), "the cookie stays as it is");
}

async fn read(tab: &mut Tab) -> Seen<Option<u64>> {
    tab.visit(|session| session.get::<u64>("value")).await
}

#[tokio::test]
async fn a_load_that_fails_is_503_and_the_session_is_back_with_the_store() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    lab.store.set_down(true);
    let seen = read(&mut tab).await;
    assert_unavailable(&seen);
    assert!(seen.answer.is_none(), "the handler never ran with an empty session");
    assert_eq!(lab.events.take(), [Event::Outage { during: "load" }]);
    lab.store.set_down(false);
    assert_eq!(read(&mut tab).await.ok(), Some(1), "no restart needed");
}

#[tokio::test]
async fn visitors_without_a_cookie_and_with_a_forged_one_need_no_store() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    lab.store.set_down(true);
    let forged = House::tamper(tab.cookie.as_deref().unwrap());
    for cookie in [None, Some(forged), Some("garbage".into())] {
        assert_eq!(read(&mut Tab { cookie, ..tab.clone() }).await.ok(), None);
    }
    assert_eq!(lab.store.take(), "");
}

#[tokio::test]
async fn a_commit_that_fails_is_503_without_a_cookie_and_without_the_handlers_answer() {
    let changes = [
        (|session: &Session| session.set("value", &2)) as fn(&Session) -> Result<(), Error>,
        |session| session.login("ada"),
        |session| session.login("bob"),
        |session| session.set("value", &2).and_then(|()| session.regenerate()),
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let lab = Lab::new(Home::Store);
        let tabs = [lab.tab(), lab.visitor().await, lab.user("ada").await];
        for (who, mut tab) in tabs.into_iter().enumerate() {
            lab.store.set_failing("C");
            let mut before = tab.clone();
            let seen = tab.visit(change).await;
            assert_eq!(seen.status, StatusCode::SERVICE_UNAVAILABLE, "{n}");
            assert_eq!(seen.header("cache-control"), Some("no-store"));
            assert!(seen.cookies().is_empty() || seen.removes_cookie(), "{n}: no new cookie");
            lab.store.set_failing("");
            // Signing in as somebody else ends the session whether or not the next one can begin.
            let kept = before.cookie.as_ref().filter(|_| (n, who) != (2, 2)).map(|_| 1);
            assert_eq!(read(&mut before).await.ok(), kept, "{n} {who}");
        }
    }
}

#[tokio::test]
async fn a_handler_hears_of_the_outage_and_may_go_on_without_its_changes() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    let store = lab.store.clone();
    let seen = tab.stay(|session| async move {
        store.set_down(true);
        session.set("value", &2)?;
        let failed = session.commit().await.unwrap_err();
        store.set_down(false);
        Ok(failed.kind())
    });
    let seen = seen.await;
    assert!(!seen.sets_cookie());
    assert_eq!(seen.ok(), ErrorKind::Outage);
    assert_eq!(read(&mut tab).await.ok(), Some(1), "it was told, so nothing is written behind its back");
}

#[tokio::test]
async fn a_touch_that_fails_does_not_fail_the_read() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    lab.wait(100);
    lab.store.set_failing("T");
    assert_eq!(read(&mut tab).await.ok(), Some(1));
    assert_eq!(lab.store.take(), "LT");
    assert_eq!(lab.events.take(), [Event::Outage { during: "touch" }]);
    lab.store.set_failing("");
    assert_eq!(read(&mut tab).await.ok(), Some(1));
    assert_eq!(lab.store.take(), "LT", "tried again at the next use");
}

#[tokio::test]
async fn going_on_anonymously_is_explicit_private_and_writes_nothing() {
    let lab = Lab::new(Home::Store);
    let page = |SessionOrAnonymous(session): SessionOrAnonymous| async move {
        let refused = session.set("value", &9).err().map(|error| error.kind());
        format!("{:?} {:?} {refused:?}", session.subject().is_some(), session.get::<u64>("value").unwrap())
    };
    let swallowing = |session: Result<Session, Rejection>| async move { session.is_ok().to_string() };
    let app = Router::new().route("/", get(page)).route("/own", get(swallowing)).layer(lab.sessions.layer());
    let mut client = TestClient::new(app);
    let mut tab = lab.user("ada").await;
    client.set_cookie("__Host-session", tab.cookie.as_deref().unwrap());
    lab.store.set_down(true);
    let response = client.get("/").await;
    assert_eq!(response.text(), "false None Some(Outage)");
    assert_eq!(
        (response.status, &response.headers["cache-control"]),
        (StatusCode::OK, &"no-store".parse().unwrap())
    );
    assert!(!response.headers.contains_key("set-cookie"));
    let response = client.get("/own").await;
    assert_eq!(response.text(), "false");
    assert_eq!(
        response.headers["cache-control"], "no-store",
        "whoever handles the outage, nobody stores the page"
    );
    lab.store.set_down(false);
    assert_eq!(read(&mut tab).await.ok(), Some(1));
}

#[tokio::test]
async fn the_application_can_say_it_nicely_and_tell_outages_from_races() {
    let lab = Lab::new(Home::Store);
    let page = |error: &Error, status: StatusCode| -> Response {
        format!("{:?} {}", error.kind(), status.as_u16()).into_response()
    };
    let layer = lab.sessions.layer().on_failure(page);
    let app = Router::new()
        .route(
            "/",
            get(|session: Session| async move {
                session.update("value", |n: Option<u64>| n.unwrap_or(0) + 1).map(|_| "done")
            }),
        )
        .layer(layer);
    let mut client = TestClient::new(app);
    let mut tab = lab.user("ada").await;
    client.set_cookie("__Host-session", tab.cookie.as_deref().unwrap());
    assert_eq!(client.get("/").await.text(), "done");
    lab.store.set_failing("C");
    let response = client.get("/").await;
    assert_eq!((response.status, response.text()), (StatusCode::SERVICE_UNAVAILABLE, "Outage 503"));
    lab.store.set_failing("");
    tab.visit(Session::logout).await.ok();
    let response = client.get("/").await;
    assert_eq!(response.status, StatusCode::CONFLICT, "an error of the handler itself is its own answer");
}

#[tokio::test]
async fn misuse_is_500_and_no_outage() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    let seen = tab.visit(|session| session.login("")).await;
    assert_eq!((seen.error(), seen.status), (ErrorKind::Misuse, StatusCode::INTERNAL_SERVER_ERROR));
    assert_eq!(lab.events.take(), []);
}

#[tokio::test]
async fn a_record_that_is_nonsense_is_no_session_and_is_not_overwritten() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.user("ada").await;
    let (key, now) = (lab.store.keys()[0], lab.clock.now());
    let record = lab.store.inner.load(&key, now).await.unwrap().unwrap();
    for payload in [&b"garbage"[..], b"", &[9; 100], &record.payload[..record.payload.len() - 1]] {
        let version = lab.store.inner.load(&key, now).await.unwrap().unwrap().version;
        let draft = Draft { header: record.header, payload: Bytes::copy_from_slice(payload) };
        let written = lab.store.inner.commit(&key, Some(version), draft, now).await.unwrap();
        assert!(matches!(written, Commit::Committed(_)));
        lab.events.take();
        assert_eq!(read(&mut tab.clone()).await.ok(), None);
        let told = lab.events.take();
        assert!(matches!(told[..], [Event::Refused { reason: Refusal::Unreadable, .. }]), "{told:?}");
        let mut other = tab.clone();
        other.visit(|session| session.set("value", &3)).await.ok();
        assert_ne!(other.cookie, tab.cookie, "a session of its own");
        let kept = lab.store.inner.load(&key, now).await.unwrap().unwrap();
        assert_eq!(kept.payload, payload, "a newer node may be able to read it");
    }
    assert!(tab.cookie.take().is_some());
}
