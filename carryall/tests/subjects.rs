//! The sessions of a user: listed, counted, and ended one by one.

mod common;

use std::time::Duration;

use axum::http::StatusCode;
use carryall::clock::Clock as _;
use carryall::event::{End, Event, Refusal};
use carryall::id::Handle;
use carryall::revocation::Revocations;
use carryall::store::{AnyStore, Encrypted, MemoryStore, WhenFull};
use carryall::{ClientPolicy, ErrorKind, KeyRing, Listed, Session, Sessions};
use common::fickle::{Fate, Fickle};
use common::house::Home;
use common::lab::{Lab, Tab};
use common::nodes::{at, nodes, nodes_in_memory, repeats};
use common::shared_log::{Line, SharedLog};
use tokio::sync::oneshot;

/// A node whose store finds the sessions of a user.
fn lab() -> Lab {
    Lab::with(Home::Store, |builder| builder.store(MemoryStore::new()))
}

async fn handle_of(tab: &mut Tab) -> Handle {
    tab.visit(|session| Ok(session.meta().unwrap().handle)).await.ok()
}

async fn subject_of(tab: &mut Tab) -> Option<String> {
    tab.visit(|session| Ok(session.subject().map(|subject| subject.as_str().to_owned()))).await.ok()
}

fn handles(listed: &[Listed]) -> Vec<Handle> {
    listed.iter().map(|session| session.handle.clone()).collect()
}

/// The list as this browser's page would show it.
async fn list_from(lab: &Lab, tab: &mut Tab) -> Vec<Listed> {
    let sessions = lab.sessions.clone();
    tab.stay(|session| async move { sessions.list_from(&session).await }).await.ok()
}

#[tokio::test]
async fn a_list_tells_of_each_session_of_the_user_and_marks_the_one_it_is_asked_from() {
    let client = ClientPolicy::default().trust_proxy("127.0.0.1").record_agent(true);
    let lab = Lab::with(Home::Store, |builder| builder.store(MemoryStore::new()).client(client));
    let begin = lab.clock.now();
    let mut phone = lab.tab().sending(&[("user-agent", "Phone 5f3a")]);
    phone.visit(|session| session.login("ada")).await.ok();
    lab.wait(10);
    let mut laptop = lab.user("ada").await;
    laptop.visit(|session| session.elevate(2)).await.ok();
    lab.user("bob").await;
    lab.visitor().await;
    lab.wait(100);
    let listed = list_from(&lab, &mut laptop).await;
    assert_eq!(
        handles(&listed),
        [handle_of(&mut phone).await, handle_of(&mut laptop).await],
        "the oldest first"
    );
    let (first, second) = (&listed[0], &listed[1]);
    assert_eq!((first.is_current, second.is_current), (false, true));
    assert_eq!((first.created, second.created), (begin, begin.plus(Duration::from_secs(10))));
    assert_eq!((first.seen, first.expires), (begin, begin.plus(Duration::from_mins(30))));
    assert_eq!((first.level, second.level, first.is_persistent), (1, 2, false));
    assert_eq!((first.agent.as_deref(), second.agent.as_deref()), (Some("Phone 5f3a"), None));
    assert!(lab.sessions.list("ada").await.unwrap().iter().all(|session| !session.is_current));
    let after = &lab.sessions.list("ada").await.unwrap()[1];
    assert_eq!(
        after.seen,
        begin.plus(Duration::from_secs(110)),
        "a use moves it, without a change of the record"
    );
    assert_eq!(lab.sessions.count("ada").await.unwrap(), 2);
}

#[tokio::test]
async fn only_sessions_that_are_good_are_listed() {
    let lab = lab();
    let (mut out, mut stays, mut other) =
        (lab.user("ada").await, lab.user("ada").await, lab.user("ada").await);
    out.visit(Session::logout).await.ok();
    other.visit(|session| session.login("bob")).await.ok();
    assert_eq!(handles(&lab.sessions.list("ada").await.unwrap()), [handle_of(&mut stays).await]);
    assert_eq!(handles(&lab.sessions.list("bob").await.unwrap()), [handle_of(&mut other).await]);
    lab.wait(29 * 60);
    stays.visit(|session| session.get::<u64>("value")).await.ok();
    lab.wait(2 * 60);
    assert_eq!(lab.sessions.list("bob").await.unwrap(), [], "it has expired");
    assert_eq!(lab.sessions.count("ada").await.unwrap(), 1, "it was used");
    lab.sessions.revoke_subject("ada").await.unwrap();
    assert_eq!(lab.sessions.list("ada").await.unwrap(), [], "it was revoked");
    stays.visit(|session| session.login("ada")).await.ok();
    assert_eq!(handles(&lab.sessions.list("ada").await.unwrap()), [handle_of(&mut stays).await]);
}

#[tokio::test]
async fn a_revoked_session_is_refused_on_every_node_and_told_once() {
    let nodes = nodes_in_memory(2);
    let (mut lost, mut kept) = (nodes[0].user("ada").await, nodes[0].user("ada").await);
    let handle = handle_of(&mut lost).await;
    assert!(nodes[0].sessions.revoke_one("ada", handle.as_str()).await.unwrap());
    let ended = Event::Ended { handle: handle.clone(), end: End::Revoked };
    assert_eq!(nodes[0].events.take(), [ended]);
    for node in &nodes {
        let seen = at(node, &lost).visit(|session| session.get::<u64>("value")).await;
        assert_eq!(seen.ok(), None);
        let refused = node.events.take();
        assert!(matches!(&refused[..], [Event::Refused { reason: Refusal::Revoked, .. }]), "{refused:?}");
        assert_eq!(subject_of(&mut at(node, &kept)).await.as_deref(), Some("ada"));
    }
    assert!(!nodes[0].sessions.revoke_one("ada", handle.as_str()).await.unwrap(), "there is none any more");
    assert_eq!(handles(&nodes[1].sessions.list("ada").await.unwrap()), [handle_of(&mut kept).await]);
}

#[tokio::test]
async fn nobody_ends_a_session_of_another_user_by_its_name() {
    let lab = lab();
    let (mut ada, mut bob) = (lab.user("ada").await, lab.user("bob").await);
    let handle = handle_of(&mut bob).await;
    for (subject, handle) in
        [("ada", handle.as_str()), ("ada", ""), ("ada", "nonsense"), ("eve", handle.as_str())]
    {
        assert!(!lab.sessions.revoke_one(subject, handle).await.unwrap(), "{subject} {handle}");
    }
    assert_eq!(subject_of(&mut bob).await.as_deref(), Some("bob"));
    assert_eq!(subject_of(&mut ada).await.as_deref(), Some("ada"));
    assert_eq!(lab.events.take(), []);
}

#[tokio::test]
async fn all_other_sessions_can_be_ended_and_this_one_goes_on() {
    let nodes = nodes_in_memory(2);
    let mut here = nodes[0].user("ada").await;
    let mut others = Vec::new();
    for n in 0..5 {
        others.push(nodes[n % 2].user("ada").await);
    }
    let mut bob = nodes[0].user("bob").await;
    let sessions = nodes[0].sessions.clone();
    let ended = here.stay(|session| async move {
        session.set("value", &2)?;
        sessions.revoke_others(&session).await
    });
    assert_eq!(ended.await.ok(), 5);
    let told = nodes[0].events.take();
    assert_eq!(
        told.iter().filter(|event| matches!(event, Event::Ended { end: End::Revoked, .. })).count(),
        5
    );
    for (n, other) in others.iter().enumerate() {
        assert_eq!(subject_of(&mut at(&nodes[n % 2], other)).await, None);
        assert_eq!(subject_of(&mut at(&nodes[1 - n % 2], other)).await, None);
    }
    assert_eq!(here.visit(|session| session.get::<u64>("value")).await.ok(), Some(2));
    assert_eq!(subject_of(&mut bob).await.as_deref(), Some("bob"));
    assert_eq!(nodes[1].sessions.count("ada").await.unwrap(), 1);
}

#[tokio::test]
async fn an_application_without_revocations_signs_a_user_out_everywhere_by_the_list() {
    let ring = KeyRing::random().unwrap();
    let sessions = Sessions::builder(ring).store(MemoryStore::new()).build().unwrap();
    let app = common::lab::app(sessions.layer());
    let tab = || Tab { app: app.clone(), cookie: None, headers: Vec::new(), status: StatusCode::OK };
    let (mut first, mut second, mut bob) = (tab(), tab(), tab());
    first.visit(|session| session.login("ada")).await.ok();
    second.visit(|session| session.login("ada")).await.ok();
    bob.visit(|session| session.login("bob")).await.ok();
    sessions.revoke_subject("ada").await.unwrap();
    assert_eq!((subject_of(&mut first).await, subject_of(&mut second).await), (None, None));
    assert_eq!(subject_of(&mut bob).await.as_deref(), Some("bob"));
    first.visit(|session| session.login("ada")).await.ok();
    assert_eq!(subject_of(&mut first).await.as_deref(), Some("ada"), "it is not born dead");
}

#[tokio::test]
async fn listing_where_nobody_can_list_is_a_mistake_that_says_why() {
    let undeclared = AnyStore::of(MemoryStore::new());
    for (lab, why) in [
        (Lab::new(Home::Sealed), "sessions in cookies"),
        (Lab::new(Home::Signed), "sessions in cookies"),
        (Lab::with(Home::Store, |builder| builder.store(undeclared)), "lists_subjects()"),
    ] {
        let mut tab = lab.user("ada").await;
        let sessions = lab.sessions.clone();
        let seen = tab.stay(|session| async move { sessions.list_from(&session).await.map(drop) }).await;
        assert_eq!(seen.error(), ErrorKind::Misuse, "{why}");
        for error in [
            lab.sessions.list("ada").await.unwrap_err(),
            lab.sessions.count("ada").await.unwrap_err(),
            lab.sessions.revoke_one("ada", "name").await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Misuse);
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}

#[tokio::test]
async fn an_anonymous_visitor_has_no_list() {
    let lab = lab();
    for mut tab in [lab.tab(), lab.visitor().await] {
        let sessions = lab.sessions.clone();
        let seen = tab.stay(|session| async move {
            assert_eq!(sessions.revoke_others(&session).await.unwrap_err().kind(), ErrorKind::Misuse);
            sessions.list_from(&session).await
        });
        assert_eq!(seen.await.error(), ErrorKind::Misuse);
    }
}

#[tokio::test]
async fn sessions_in_an_encrypted_store_are_listed_and_ended() {
    let ring = KeyRing::random().unwrap();
    let store = Encrypted::new(MemoryStore::new(), &ring).unwrap();
    let nodes = nodes(2, store);
    let mut first = nodes[0].user("ada").await;
    nodes[0].wait(1);
    let mut second = nodes[1].user("ada").await;
    let listed = list_from(&nodes[0], &mut at(&nodes[0], &second)).await;
    assert_eq!(handles(&listed), [handle_of(&mut first).await, handle_of(&mut second).await]);
    assert!(nodes[1].sessions.revoke_one("ada", listed[0].handle.as_str()).await.unwrap());
    assert_eq!(subject_of(&mut first).await, None);
}

#[tokio::test]
async fn a_stream_hears_that_its_session_was_revoked() {
    let lab = lab();
    let (mut watched, mut other) = (lab.user("ada").await, lab.user("ada").await);
    let (ready, is_ready) = oneshot::channel();
    let deed = move |session: &Session| {
        let session = session.clone();
        Ok(tokio::spawn(async move {
            let _ = ready.send(());
            session.ended().await;
        }))
    };
    let stream = watched.visit(deed).await.ok();
    is_ready.await.unwrap();
    lab.sessions.revoke_one("ada", handle_of(&mut other).await.as_str()).await.unwrap();
    assert!(!stream.is_finished(), "it was another one");
    lab.sessions.revoke_one("ada", handle_of(&mut watched).await.as_str()).await.unwrap();
    stream.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revoked_session_stays_dead_whoever_writes_to_it() {
    for _ in 0..repeats() {
        let nodes = nodes_in_memory(2);
        let mut victim = nodes[0].user("ada").await;
        let handle = handle_of(&mut victim).await;
        let mut writers = Vec::new();
        for n in 0..8 {
            let mut tab = at(&nodes[n % 2], &victim);
            let deed = move |session: Session| async move {
                tokio::task::yield_now().await;
                session.set(&format!("key-{n}"), &n)
            };
            writers.push(tokio::spawn(async move {
                let seen = tab.stay(deed).await;
                (tab, seen.status)
            }));
        }
        tokio::task::yield_now().await;
        assert!(nodes[1].sessions.revoke_one("ada", handle.as_str()).await.unwrap());
        for writer in writers {
            let (tab, status) = writer.await.unwrap();
            assert!(matches!(status, StatusCode::OK | StatusCode::CONFLICT), "{status}");
            for node in &nodes {
                assert_eq!(subject_of(&mut at(node, &tab)).await, None, "it is back");
            }
        }
        assert_eq!(nodes[0].sessions.count("ada").await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_session_whose_end_the_store_did_not_take_can_be_ended_again() {
    let store = Fickle::default();
    let ring = KeyRing::random().unwrap();
    let node = || {
        let any = AnyStore::of(store.clone()).lists_subjects();
        Lab::with_keys(Home::Store, ring.clone(), |builder| builder.store(any))
    };
    let (here, there) = (node(), node());
    let mut tab = here.user("ada").await;
    let handle = handle_of(&mut tab).await;
    // The list works, the removal does not, and none of those that are tried in the background for a while.
    let mut fates = vec![(0, 0, Fate::FailsBefore); 100];
    fates[0] = (0, 0, Fate::Works);
    store.set(&fates);
    let failed = here.sessions.revoke_one("ada", handle.as_str()).await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::Outage);
    store.set(&[]);
    let mut other = at(&there, &tab);
    assert_eq!(subject_of(&mut other).await.as_deref(), Some("ada"), "this node has not heard of it");
    assert!(here.sessions.revoke_one("ada", handle.as_str()).await.unwrap(), "there is something to end");
    assert_eq!(subject_of(&mut other).await, None);
    assert!(!here.sessions.revoke_one("ada", handle.as_str()).await.unwrap());
}

#[tokio::test]
async fn a_session_under_a_key_that_has_left_stands_in_nobodys_way_and_ends_with_the_others() {
    let (old, inner) = (KeyRing::random().unwrap(), MemoryStore::new());
    let before = nodes(1, Encrypted::new(inner.clone(), &old).unwrap());
    before[0].user("ada").await;
    let ring = KeyRing::random().unwrap();
    let store = Encrypted::new(inner.clone(), &ring).unwrap();
    let lab = Lab::with_keys(Home::Store, ring, |builder| {
        builder.store(store).sessions_per_user(5, WhenFull::Refuse)
    });
    lab.sessions.revoke_subject("bob").await.unwrap();
    let mut tab = lab.user("ada").await;
    assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"), "signing in goes on");
    assert_eq!(list_from(&lab, &mut tab).await.len(), 1);
    let sessions = lab.sessions.clone();
    tab.stay(|session| async move { sessions.revoke_others(&session).await }).await.ok();
    assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"));
    assert_eq!(inner.len(), 1, "what nobody can read is gone");
}

#[tokio::test]
async fn a_node_that_cannot_prove_what_is_revoked_ends_nobody_for_all_the_others() {
    let log = SharedLog::default();
    let lab = Lab::with(Home::Store, |builder| {
        let builder = builder.store(MemoryStore::new()).clock(log.clock.clone());
        builder.revocations(Revocations::new(log.clone())).sessions_per_user(5, WhenFull::Refuse)
    });
    let mut tab = lab.user("ada").await;
    lab.sessions.revoke_subject("bob").await.unwrap();
    log.set(Line::Lost);
    lab.tab().visit(|session| session.login("ada")).await;
    log.set(Line::Up);
    assert_eq!(subject_of(&mut tab).await.as_deref(), Some("ada"));
}
