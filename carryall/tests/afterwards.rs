//! What is left of a session when its response has left, when it was emptied, and when its own parts look at it.

mod common;

use std::future::Future;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use carryall::clock::Timestamp;
use carryall::event::Event;
use carryall::revocation::{Entry, RevocationLog, RevocationSet, Revocations};
use carryall::store::StoreError;
use carryall::{ErrorKind, Session, SessionHandle};
use common::house::{HOMES, Home};
use common::lab::{Lab, Tab};
use common::slow::{HOLDS, quiet, slow_lab};
use serde::{Serialize, Serializer};
use tower::ServiceExt;

type Kept = Arc<Mutex<Option<(SessionHandle, axum::http::request::Parts)>>>;

/// An application whose handler puts its handle away and answers.
fn leaving(lab: &Lab, kept: &Kept) -> Router {
    let kept = Arc::clone(kept);
    let handler = async move |request: Request<Body>| {
        let (parts, _) = request.into_parts();
        let handle = parts.extensions.get::<SessionHandle>().unwrap().clone();
        *kept.lock().unwrap() = Some((handle, parts));
        StatusCode::OK
    };
    Router::new().route("/", get(handler)).layer(lab.sessions.layer())
}

fn request_of(tab: &Tab) -> Request<Body> {
    let cookie = format!("__Host-session={}", tab.cookie.as_ref().unwrap());
    Request::get("/").header("cookie", cookie).body(Body::empty()).unwrap()
}

#[tokio::test]
async fn a_session_that_is_loaded_after_the_response_has_left_takes_no_writes() {
    for home in HOMES {
        let lab = Lab::new(home);
        let mut tab = lab.visitor().await;
        tab.visit(|session| session.flash().set("notice", "hello")).await.ok();
        let kept = Kept::default();
        let app = leaving(&lab, &kept);
        app.oneshot(request_of(&tab)).await.unwrap();
        lab.store.take();
        lab.events.take();
        let (handle, parts) = kept.lock().unwrap().take().unwrap();
        if let Ok(session) = handle.load(&parts).await {
            for refused in [session.set("value", &9), session.login("eve"), session.logout()] {
                assert_eq!(refused.unwrap_err().kind(), ErrorKind::Misuse, "{home:?}");
            }
            // Nothing is left to commit, whatever it answers.
            _ = session.commit().await;
        }
        drop((handle, parts));
        assert_eq!(lab.store.take().replace('L', ""), "", "{home:?}: nothing is written");
        let abandoned = |event: &Event| matches!(event, Event::Abandoned { .. });
        assert!(!lab.events.take().iter().any(abandoned), "{home:?}: nothing was changed");
        let found = tab.visit(|session| Ok((session.get("value")?, session.flash().get("notice")?)));
        assert_eq!(found.await.ok(), (Some(1), Some("hello".to_owned())), "{home:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_that_ends_after_the_response_has_left_writes_nothing() {
    for hold in HOLDS {
        let (lab, slow) = slow_lab();
        let mut tab = lab.visitor().await;
        tab.visit(|session| session.flash().set("notice", "hello")).await.ok();
        lab.events.take();
        slow.hold('L', hold);
        let (store, loads) = (slow.clone(), Arc::new(Mutex::new(None)));
        let kept = Arc::clone(&loads);
        let handler = async move |request: Request<Body>| {
            let (parts, _) = request.into_parts();
            let handle = parts.extensions.get::<SessionHandle>().unwrap().clone();
            *kept.lock().unwrap() = Some(tokio::spawn(async move {
                let session = handle.load(&parts).await?;
                session.set("value", &9)
            }));
            store.held(1).await;
            StatusCode::OK
        };
        let app = Router::new().route("/", get(handler)).layer(lab.sessions.layer());
        app.oneshot(request_of(&tab)).await.unwrap();
        slow.free();
        let loading = loads.lock().unwrap().take().unwrap();
        assert_eq!(loading.await.unwrap().unwrap_err().kind(), ErrorKind::Misuse, "{hold:?}");
        quiet().await;
        assert_eq!(slow.take().replace('L', ""), "CTC", "{hold:?}: what the visits before did");
        let abandoned = |event: &Event| matches!(event, Event::Abandoned { .. });
        assert!(!lab.events.take().iter().any(abandoned), "{hold:?}: nothing was changed");
        let found = tab.visit(|session| Ok((session.get("value")?, session.flash().get("notice")?)));
        assert_eq!(found.await.ok(), (Some(1), Some("hello".to_owned())), "{hold:?}");
    }
}

#[tokio::test]
async fn messages_of_this_request_outlive_the_end_of_an_emptied_session() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        tab.visit(|session| session.flash().set("notice", "hello")).await.ok();
        let seen = tab.stay(|session| async move {
            session.flash().now("own", &1)?;
            session.remove("value")?;
            session.commit().await?;
            let flash = session.flash();
            Ok((flash.get::<String>("notice")?, flash.get::<u8>("own")?))
        });
        let seen = seen.await;
        assert!(seen.removes_cookie(), "{home:?}");
        assert_eq!(seen.ok(), (Some("hello".to_owned()), Some(1)), "{home:?}");
    }
}

#[tokio::test]
async fn a_message_for_the_next_request_is_kept_though_a_commit_emptied_the_session() {
    for home in HOMES {
        let mut tab = Lab::new(home).visitor().await;
        let seen = tab.stay(|session| async move {
            session.remove("value")?;
            session.commit().await?;
            session.flash().set("notice", "all gone")
        });
        seen.await.ok();
        let found = tab.visit(|session| session.flash().get::<String>("notice")).await.ok();
        assert_eq!(found.as_deref(), Some("all gone"), "{home:?}");
    }
}

/// Runs it on a thread of its own; a deadlock fails the test instead of hanging it.
fn without_deadlock<R: Send + 'static>(work: impl Future<Output = R> + Send + 'static) -> R {
    let (done, waiting) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Nobody waits any more if the test has failed.
        _ = done.send(runtime.block_on(work));
    });
    waiting.recv_timeout(Duration::from_secs(20)).expect("it comes to an end")
}

/// A value that looks into its session while it is written.
struct Curious(Session);

impl Serialize for Curious {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.get("value").unwrap().unwrap_or(0) + 1)
    }
}

#[test]
fn a_value_may_read_its_session_while_it_is_written() {
    for home in HOMES {
        let found = without_deadlock(async move {
            let mut tab = Lab::new(home).visitor().await;
            tab.visit(|session| {
                session.set("own", &Curious(session.clone()))?;
                session.segment("shop")?.set("own", &Curious(session.clone()))?;
                session.flash().now("own", &Curious(session.clone()))?;
                session.flash().set("own", &Curious(session.clone()))
            })
            .await
            .ok();
            tab.visit(|session| Ok((session.get("own")?, session.segment("shop")?.get("own")?))).await.ok()
        });
        assert_eq!(found, (Some(2_u64), Some(2_u64)), "{home:?}");
    }
}

/// A log that tidies its set up whenever it is asked how fresh it is.
#[derive(Debug, Default)]
struct Tidy(Mutex<Option<RevocationSet>>);

impl RevocationLog for Tidy {
    fn attach(&self, set: &RevocationSet) {
        *self.0.lock().unwrap() = Some(set.clone());
    }

    async fn append(&self, entry: &Entry) -> Result<(), StoreError> {
        self.0.lock().unwrap().as_ref().unwrap().apply(entry, Timestamp::default());
        Ok(())
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        let set = self.0.lock().unwrap().clone();
        set.is_some_and(|set| {
            set.trim(now);
            true
        })
    }

    fn skew(&self) -> Duration {
        Duration::ZERO
    }
}

#[test]
fn a_revocation_log_may_use_its_set_while_it_is_asked_how_fresh_it_is() {
    for home in [Home::Sealed, Home::Store] {
        let subject = without_deadlock(async move {
            let lab = Lab::with(home, |builder| builder.revocations(Revocations::new(Tidy::default())));
            let mut tab = lab.user("ada").await;
            tab.visit(Session::regenerate).await.ok();
            tab.visit(|session| session.set("value", &2)).await.ok();
            lab.sessions.revoke_subject("bob").await.unwrap();
            let before = tab.clone();
            tab.visit(Session::logout).await.ok();
            before.peek(|session| async move { Ok(session.subject().is_some()) }).await.ok()
        });
        assert!(!subject, "{home:?}");
    }
}
