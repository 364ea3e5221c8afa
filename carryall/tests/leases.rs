//! Requests that have a session to themselves for a moment, on one node and on two.

mod common;

use std::time::Duration;

use axum::http::StatusCode;
use carryall::event::Event;
use carryall::{Error, ErrorKind, LeaseOptions, Session};
use common::house::{HOMES, Home};
use common::lab::{Lab, Seen, Tab};
use common::nodes::{at, nodes_in_memory};
use common::slow::{Hold, quiet, slow_lab, slow_lab_and_neighbour};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, yield_now};

const HOLD: u64 = 10;

fn at_once() -> LeaseOptions {
    LeaseOptions::default().wait(Duration::ZERO)
}

fn patient() -> LeaseOptions {
    LeaseOptions::default().wait(Duration::from_mins(1)).waiting(100)
}

async fn value_of(tab: &Tab) -> u64 {
    tab.peek(|session| async move { session.get("value") }).await.ok().unwrap_or(0)
}

/// Whether another request could have the lease now.
async fn is_free(tab: &Tab) -> bool {
    let seen = tab.peek(|session| async move { session.lock(at_once()).await.map(drop) }).await;
    match seen.answer {
        Some(Ok(())) => true,
        Some(Err(ErrorKind::Busy)) => false,
        other => panic!("{other:?}"),
    }
}

/// A request that has the lease, and then does this when it is told to.
struct Holder<R> {
    fence: u64,
    go_on: oneshot::Sender<()>,
    request: JoinHandle<Seen<R>>,
}

impl<R> Holder<R> {
    async fn goes_on(self) -> Seen<R> {
        self.go_on.send(()).ok();
        self.request.await.unwrap()
    }
}

async fn holder<R: Send + 'static>(
    tab: &Tab,
    deed: impl FnOnce(&Session) -> Result<R, Error> + Send + 'static,
) -> Holder<R> {
    let tab = tab.clone();
    let (has_it, fence) = oneshot::channel();
    let (go_on, may_go_on) = oneshot::channel();
    let request = tokio::spawn(async move {
        let work = |session: Session| async move {
            let lease = session.lock(at_once()).await?;
            has_it.send(lease.fence()).ok();
            may_go_on.await.ok();
            deed(&session)
        };
        tab.peek(work).await
    });
    Holder { fence: fence.await.expect("the lease is free"), go_on, request }
}

/// What no update can do: it looks, does something elsewhere, and sets.
async fn look_and_set(session: Session) -> Result<(), Error> {
    session.lock(patient()).await?;
    let seen: u64 = session.get("value")?.unwrap_or(0);
    for _ in 0..3 {
        yield_now().await;
    }
    session.set("value", &(seen + 1))
}

#[tokio::test]
async fn requests_that_lock_look_and_set_one_after_the_other_on_every_node() {
    let nodes = nodes_in_memory(2);
    let tab = nodes[0].user("ada").await;
    let requests: Vec<_> = (0..30)
        .map(|n| {
            let tab = at(&nodes[n % 2], &tab);
            tokio::spawn(async move { tab.peek(look_and_set).await.ok() })
        })
        .collect();
    for request in requests {
        request.await.unwrap();
    }
    assert_eq!(value_of(&tab).await, 31, "each has seen what the one before it had set");
    assert!(is_free(&tab).await);
}

#[tokio::test]
async fn plain_requests_wait_for_nobody_and_are_not_lost() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let holder = holder(&tab, |session| session.set("theirs", &1)).await;
    let mut plain = tab.clone();
    plain.visit(|session| session.update("value", |n: Option<u64>| n.unwrap_or(0) + 1)).await.ok();
    assert_eq!(value_of(&tab).await, 2, "it is written while another has the lease");
    assert!(!is_free(&tab).await, "a plain write leaves the lease as it is");
    holder.goes_on().await.ok();
    let both = |session: Session| async move { Ok((session.get("value")?, session.get("theirs")?)) };
    assert_eq!(tab.peek(both).await.ok(), (Some(2), Some(1)));
    assert!(is_free(&tab).await);
}

#[tokio::test]
async fn a_lease_costs_one_write_to_take_and_none_to_let_go_with_a_change() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    holder(&tab, |session| session.set("value", &2)).await.goes_on().await.ok();
    assert_eq!(lab.store.take(), "LCC");
    holder(&tab, |_| Ok(())).await.goes_on().await.ok();
    assert_eq!(lab.store.take(), "LCC", "a change or none, letting go is one write");
}

#[tokio::test(start_paused = true)]
async fn whoever_does_not_get_it_in_time_is_told_that_the_session_is_busy() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let holder = holder(&tab, |session| session.set("value", &2)).await;
    let refused =
        tab.peek(|session| async move { session.lock(LeaseOptions::default()).await.map(drop) }).await;
    assert_eq!((refused.error(), refused.status), (ErrorKind::Busy, StatusCode::TOO_MANY_REQUESTS));
    holder.goes_on().await.ok();
    assert_eq!(value_of(&tab).await, 2);
}

#[tokio::test(start_paused = true)]
async fn who_was_refused_goes_on_without_the_lease_and_keeps_its_changes() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let holder = holder(&tab, |_| Ok(())).await;
    let goes_on = |session: Session| async move {
        session.set("before", &1)?;
        assert_eq!(session.lock(at_once()).await.unwrap_err().kind(), ErrorKind::Busy);
        Ok(())
    };
    tab.peek(goes_on).await.ok();
    holder.goes_on().await.ok();
    assert_eq!(tab.peek(|session| async move { session.get("before") }).await.ok(), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_takes_nobody() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let first = holder(&tab, |_| Ok(())).await;
    let line = |tab: &Tab| {
        let tab = tab.clone();
        let options = LeaseOptions::default().waiting(1);
        tokio::spawn(async move {
            tab.peek(move |session| async move { session.lock(options).await.map(drop) }).await
        })
    };
    let waiting = [line(&tab), line(&tab)];
    for _ in 0..20 {
        yield_now().await;
    }
    let refused = line(&tab).await.unwrap();
    assert_eq!(refused.error(), ErrorKind::Busy);
    assert!(waiting.iter().all(|request| !request.is_finished()));
    first.goes_on().await.ok();
    for request in waiting {
        request.await.unwrap().ok();
    }
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_panics_or_whose_client_hangs_up_lets_go() {
    for panics in [true, false] {
        let lab = Lab::new(Home::Store);
        let tab = lab.user("ada").await;
        let holder = holder(&tab, move |session| {
            session.set("value", &2)?;
            assert!(!panics, "the handler breaks down");
            Ok(())
        });
        let holder = holder.await;
        if panics {
            holder.go_on.send(()).unwrap();
            assert!(holder.request.await.unwrap_err().is_panic());
        } else {
            holder.request.abort();
            assert!(holder.request.await.unwrap_err().is_cancelled());
        }
        quiet().await;
        assert!(is_free(&tab).await, "panics: {panics}");
        assert_eq!(value_of(&tab).await, 1, "panics: {panics}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_taken_while_its_client_hangs_up_is_let_go_of() {
    for hold in [Hold::Before, Hold::After] {
        let (lab, slow) = slow_lab();
        let tab = lab.user("ada").await;
        slow.hold('C', hold);
        let request = tokio::spawn({
            let tab = tab.clone();
            async move { tab.peek(|session| async move { session.lock(at_once()).await.map(drop) }).await }
        });
        slow.held(1).await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        slow.free();
        quiet().await;
        assert!(is_free(&tab).await, "{hold:?}");
    }
}

#[tokio::test]
async fn a_lease_whose_holder_has_died_runs_out() {
    let nodes = nodes_in_memory(2);
    let tab = nodes[0].user("ada").await;
    let dead = holder(&tab, |_| Ok(())).await;
    // The process is gone: nothing of it runs any more.
    std::mem::forget(dead);
    let other = at(&nodes[1], &tab);
    nodes[0].wait(HOLD - 1);
    assert!(!is_free(&other).await);
    nodes[0].wait(1);
    assert!(is_free(&other).await);
}

#[tokio::test]
async fn a_holder_that_was_overtaken_commits_nothing_and_is_told() {
    let nodes = nodes_in_memory(2);
    let tab = nodes[0].user("ada").await;
    let slow = holder(&tab, |session| session.set("value", &"slow")).await;
    nodes[0].wait(HOLD);
    let fast = holder(&at(&nodes[1], &tab), |session| session.set("value", &"fast")).await;
    assert!(fast.fence > slow.fence, "a later lease has a higher fence");
    let refused = slow.goes_on().await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "blind as its write was");
    fast.goes_on().await.ok();
    let seen = tab.peek(|session| async move { session.get::<String>("value") }).await.ok();
    assert_eq!(seen.as_deref(), Some("fast"));
    assert!(is_free(&tab).await);
}

#[tokio::test]
async fn a_holder_whose_time_is_over_commits_if_nobody_has_taken_the_lease() {
    let nodes = nodes_in_memory(2);
    let tab = nodes[0].user("ada").await;
    let slow = holder(&tab, |session| session.set("value", &7)).await;
    nodes[0].wait(HOLD);
    at(&nodes[1], &tab).visit(|session| session.set("else", &1)).await.ok();
    slow.goes_on().await.ok();
    assert_eq!(value_of(&tab).await, 7);
}

#[tokio::test]
async fn an_overtaken_handler_that_commits_by_itself_can_go_on_with_what_is_there() {
    let nodes = nodes_in_memory(2);
    let tab = nodes[0].user("ada").await;
    let (clock, other) = (nodes[0].clock.clone(), at(&nodes[1], &tab));
    let overtaken = |session: Session| async move {
        session.lock(at_once()).await?;
        clock.advance(Duration::from_secs(HOLD));
        holder(&other, |session| session.set("value", &5)).await.goes_on().await.ok();
        session.set("value", &6)?;
        assert_eq!(session.commit().await.unwrap_err().kind(), ErrorKind::Conflict);
        session.lock(at_once()).await?;
        session.update("value", |n: Option<u64>| n.unwrap_or(0) * 10)
    };
    tab.peek(overtaken).await.ok();
    assert_eq!(value_of(&tab).await, 50);
    assert!(is_free(&tab).await);
}

#[tokio::test]
async fn the_session_is_fresh_once_it_is_locked() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let mut other = tab.clone();
    let seen = tab.peek(|session| async move {
        assert_eq!(session.get::<u64>("value")?, Some(1));
        other.visit(|session| session.set("value", &2)).await.ok();
        session.lock(at_once()).await?;
        let refused = session.set("value", &10).unwrap_err().kind();
        assert_eq!(refused, ErrorKind::Conflict, "what was read before the lock is not what is there");
        let found: u64 = session.get("value")?.unwrap_or(0);
        session.set("value", &(found + 10))
    });
    seen.await.ok();
    assert_eq!(value_of(&tab).await, 12);
}

#[tokio::test]
async fn changes_made_before_are_committed_with_the_lease() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let seen = tab.peek(|session| async move {
        session.set("value", &2)?;
        session.lock(at_once()).await?;
        session.rollback();
        session.get::<u64>("value")
    });
    assert_eq!(seen.await.ok(), Some(2));
    assert_eq!(lab.store.take(), "LCC");
}

#[tokio::test]
async fn a_lease_that_is_released_early_is_free_while_the_handler_goes_on() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let other = tab.clone();
    let seen = tab.peek(|session| async move {
        let lease = session.lock(at_once()).await?;
        session.set("value", &2)?;
        assert!(!is_free(&other).await);
        lease.release().await?;
        assert!(is_free(&other).await);
        assert_eq!(value_of(&other).await, 2);
        session.set("else", &3)
    });
    seen.await.ok();
    assert_eq!(tab.peek(|session| async move { session.get("else") }).await.ok(), Some(3));
}

#[tokio::test]
async fn locking_again_holds_it_longer_under_the_same_fence() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let (other, clock) = (tab.clone(), lab.clock.clone());
    let seen = tab.peek(|session| async move {
        let first = session.lock(at_once()).await?;
        clock.advance(Duration::from_secs(HOLD - 1));
        let again = session.lock(at_once()).await?;
        assert_eq!(first.fence(), again.fence());
        assert!(again.until() > first.until());
        clock.advance(Duration::from_secs(HOLD - 1));
        assert!(!is_free(&other).await);
        Ok(())
    });
    seen.await.ok();
    assert!(is_free(&tab).await);
}

#[tokio::test]
async fn a_session_that_does_not_exist_yet_is_nobody_elses_and_costs_nothing_to_lock() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.tab();
    let seen = tab.stay(|session| async move {
        let lease = session.lock(at_once()).await?;
        assert_eq!(lease.fence(), 0);
        session.get::<u64>("value")
    });
    let seen = seen.await;
    assert!(!seen.sets_cookie());
    assert_eq!((seen.ok(), lab.store.take().as_str()), (None, ""), "looking at it begins no session");
    let begun = tab.stay(|session| async move {
        session.lock(at_once()).await?;
        session.set("value", &4)
    });
    begun.await.ok();
    assert_eq!((value_of(&tab).await, is_free(&tab).await), (4, true));
}

#[tokio::test]
async fn a_session_that_ends_takes_its_lease_along() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let holder = holder(&tab, |session| session.set("value", &2)).await;
    tab.clone().visit(Session::logout).await.ok();
    assert_eq!(holder.goes_on().await.status, StatusCode::CONFLICT);
    let signed_in = tab.peek(|session| async move { Ok(session.subject().is_some()) }).await.ok();
    assert!(!signed_in, "a holder does not bring a session back");
}

#[tokio::test]
async fn a_holder_may_sign_in_and_out() {
    let lab = Lab::new(Home::Store);
    let mut tab = lab.visitor().await;
    let deed = |session: Session| async move {
        session.lock(at_once()).await?;
        session.login("ada")
    };
    tab.stay(deed).await.ok();
    assert!(is_free(&tab).await);
    let deed = |session: Session| async move {
        session.lock(at_once()).await?;
        session.logout()
    };
    assert!(tab.stay(deed).await.removes_cookie());
}

#[tokio::test]
async fn what_cannot_be_locked_is_said_to_the_programmer() {
    for home in HOMES {
        let lab = Lab::new(home);
        let tab = lab.user("ada").await;
        let too_long = LeaseOptions::default().hold(LeaseOptions::LONGEST + Duration::from_millis(1));
        for options in [too_long, LeaseOptions::default().hold(Duration::ZERO)] {
            let seen = tab.peek(move |session| async move { session.lock(options).await.map(drop) }).await;
            assert_eq!(seen.error(), ErrorKind::Misuse);
        }
        let seen = tab.peek(|session| async move { session.lock(at_once()).await.map(drop) }).await;
        assert_eq!(seen.answer.unwrap().is_ok(), home == Home::Store, "{home:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_told_and_leaves_no_lease_behind() {
    let (lab, slow, neighbour) = slow_lab_and_neighbour();
    let tab = lab.user("ada").await;
    slow.hold('C', Hold::Before);
    let request = tokio::spawn({
        let tab = tab.clone();
        async move { tab.peek(|session| async move { session.lock(at_once()).await.map(drop) }).await }
    });
    slow.held(1).await;
    slow.fail();
    let seen = request.await.unwrap();
    assert_eq!((seen.error(), seen.status), (ErrorKind::Outage, StatusCode::SERVICE_UNAVAILABLE));
    assert!(lab.events.take().iter().any(|event| matches!(event, Event::Outage { .. })));
    slow.free();
    assert!(is_free(&at(&neighbour, &tab)).await);
}

#[tokio::test]
async fn a_session_that_was_ended_meanwhile_cannot_be_locked() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let mut other = tab.clone();
    let late = |session: Session| async move {
        other.visit(Session::logout).await.ok();
        session.lock(at_once()).await.map(drop)
    };
    assert_eq!(tab.peek(late).await.error(), ErrorKind::Superseded);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_when_the_session_ends() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let holder = holder(&tab, Session::logout).await;
    let waiting = tokio::spawn({
        let tab = tab.clone();
        async move { tab.peek(|session| async move { session.lock(patient()).await.map(drop) }).await }
    });
    for _ in 0..20 {
        yield_now().await;
    }
    assert!(!waiting.is_finished());
    assert!(holder.goes_on().await.removes_cookie());
    assert_eq!(waiting.await.unwrap().error(), ErrorKind::Superseded);
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_commit_fails_lets_go() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let holder = holder(&tab, |session| {
        let seen: u64 = session.get("value")?.unwrap_or(0);
        session.set("value", &(seen + 1))
    });
    let holder = holder.await;
    let mut plain = tab.clone();
    // Before the holder looks, but after its lock: its own view is older.
    plain.visit(|session| session.set("value", &5)).await.ok();
    assert_eq!(holder.goes_on().await.status, StatusCode::CONFLICT);
    quiet().await;
    assert!(is_free(&tab).await);
    assert_eq!(value_of(&tab).await, 5);
}

#[tokio::test(start_paused = true)]
async fn the_next_of_the_same_node_is_woken_and_need_not_look_in_vain() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let holder = holder(&tab, |_| Ok(())).await;
    let waiting = tokio::spawn({
        let tab = tab.clone();
        async move { tab.peek(|session| async move { session.lock(patient()).await.map(drop) }).await }
    });
    // By then its pauses are the longest, and this is in the middle of one.
    tokio::time::sleep(Duration::from_millis(1_040)).await;
    let before = tokio::time::Instant::now();
    holder.goes_on().await.ok();
    waiting.await.unwrap().ok();
    assert_eq!(before, tokio::time::Instant::now(), "no pause was slept to its end");
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_longer_than_its_request_is_told_so_and_has_no_lease() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let holder = holder(&tab, |_| Ok(())).await;
    let (sender, waiting) = oneshot::channel();
    let leaves = tab.peek(|session| async move {
        let left = tokio::spawn(async move { session.lock(patient()).await.map(|lease| lease.fence()) });
        sender.send(left).ok();
        for _ in 0..20 {
            yield_now().await;
        }
        Ok(())
    });
    leaves.await.ok();
    let left = waiting.await.unwrap();
    let told = left.await.unwrap();
    assert_eq!(told.unwrap_err().kind(), ErrorKind::Misuse);
    holder.goes_on().await.ok();
}

#[tokio::test(start_paused = true)]
async fn whoever_has_the_lease_can_hold_it_longer_while_others_wait() {
    let lab = Lab::new(Home::Store);
    let tab = lab.user("ada").await;
    let (other, clock) = (tab.clone(), lab.clock.clone());
    let seen = tab.peek(|session| async move {
        session.lock(at_once()).await?;
        let waiting = tokio::spawn({
            let other = other.clone();
            async move { other.peek(|session| async move { session.lock(patient()).await.map(drop) }).await }
        });
        tokio::time::sleep(Duration::from_millis(500)).await;
        clock.advance(Duration::from_secs(HOLD - 1));
        session.lock(at_once()).await?;
        clock.advance(Duration::from_secs(HOLD - 1));
        tokio::time::sleep(Duration::from_millis(500)).await;
        assert!(!waiting.is_finished());
        session.set("value", &2)?;
        Ok(waiting)
    });
    seen.await.ok().await.unwrap().ok();
    assert_eq!(value_of(&tab).await, 2);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_taken_without_an_answer_is_let_go_of() {
    let (lab, slow, neighbour) = slow_lab_and_neighbour();
    let tab = lab.user("ada").await;
    slow.hold('C', Hold::After);
    let request = tokio::spawn({
        let tab = tab.clone();
        async move { tab.peek(|session| async move { session.lock(at_once()).await.map(drop) }).await }
    });
    slow.held(1).await;
    slow.fail();
    assert_eq!(request.await.unwrap().error(), ErrorKind::Outage);
    slow.free();
    quiet().await;
    assert!(is_free(&at(&neighbour, &tab)).await);
}

#[tokio::test(start_paused = true)]
async fn changes_that_were_committed_with_a_release_without_an_answer_are_not_called_given_up() {
    let (lab, slow) = slow_lab();
    let tab = lab.user("ada").await;
    let store = slow.clone();
    let seen = tab.peek(|session| async move {
        let lease = session.lock(at_once()).await?;
        session.set("value", &2)?;
        store.hold('C', Hold::After);
        let failing = tokio::spawn({
            let store = store.clone();
            async move {
                store.held(1).await;
                store.fail();
            }
        });
        assert_eq!(lease.release().await.unwrap_err().kind(), ErrorKind::Outage);
        failing.await.unwrap();
        store.free();
        let again = session.commit().await.unwrap_err();
        assert!(again.to_string().contains("did not answer"), "{again}");
        session.get::<u64>("value")
    });
    assert_eq!(seen.await.ok(), Some(2));
}

#[tokio::test(start_paused = true)]
async fn a_holder_that_could_not_hold_it_longer_still_has_it() {
    let (lab, slow, neighbour) = slow_lab_and_neighbour();
    let tab = lab.user("ada").await;
    for hold in [Hold::Before, Hold::After] {
        let (store, other) = (slow.clone(), at(&neighbour, &tab));
        let seen = tab.peek(move |session| async move {
            session.lock(at_once()).await?;
            store.hold('C', hold);
            let failing = tokio::spawn({
                let store = store.clone();
                async move {
                    store.held(1).await;
                    store.fail();
                }
            });
            assert_eq!(session.lock(at_once()).await.unwrap_err().kind(), ErrorKind::Outage);
            failing.await.unwrap();
            store.free();
            quiet().await;
            assert!(!is_free(&other).await, "{hold:?}");
            session.set("value", &7)
        });
        seen.await.ok();
        assert_eq!(value_of(&tab).await, 7, "{hold:?}");
        assert!(is_free(&at(&neighbour, &tab)).await, "{hold:?}");
    }
}
