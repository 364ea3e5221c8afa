//! Requests of one session that go on side by side, step by step, on several nodes: beside a model of what may be
//! observed. For any store.

use axum::http::StatusCode;
use carryall::store::AnyStore;
use carryall::{Error, Session};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::interleave_model::{Deed, Key, REQUESTS, Request, Step, Told, Truth, Values, any_steps};
use super::lab::{Lab, Seen, Tab};
use super::nodes::{at, nodes};
use super::properties::cases;

type Order = (Deed, oneshot::Sender<Told>);

/// A request whose handler does as it is told.
struct Running {
    orders: mpsc::UnboundedSender<Order>,
    response: JoinHandle<Seen<()>>,
    model: Request,
}

impl Running {
    fn begin(tab: Tab, truth: &Truth) -> Self {
        let (orders, mut received) = mpsc::unbounded_channel::<Order>();
        let response = tokio::spawn(async move {
            tab.peek(move |session| async move {
                while let Some((deed, answer)) = received.recv().await {
                    let told = perform(&session, deed).await;
                    let failed = told.as_ref().err().is_some_and(|_| matches!(deed, Deed::Commit));
                    // The test is over if nobody listens.
                    _ = answer.send(told.as_ref().map(|value| *value).map_err(Error::kind));
                    if failed {
                        return told.map(drop);
                    }
                }
                Ok(())
            })
            .await
        });
        Self { orders, response, model: Request::of(truth) }
    }

    async fn order(&self, deed: Deed) -> Told {
        let (answer, told) = oneshot::channel();
        self.orders.send((deed, answer)).expect("the handler listens");
        told.await.expect("the handler answers")
    }
}

async fn perform(session: &Session, deed: Deed) -> Result<Option<i64>, Error> {
    let name = |key: Key| format!("k{key}");
    match deed {
        Deed::Get(key) => return session.get(&name(key)),
        Deed::Set(key, value) => session.set(&name(key), &value)?,
        Deed::Update(key) => _ = session.update(&name(key), |n: Option<i64>| n.unwrap_or(0) + 1)?,
        Deed::Remove(key) => _ = session.remove(&name(key))?,
        Deed::Clear => session.clear()?,
        Deed::Rollback => session.rollback(),
        Deed::Commit => session.commit().await?,
        Deed::Logout => session.logout()?,
        Deed::Finish => {}
    }
    Ok(None)
}

/// Holds random steps on stores that `make` makes against the model; panics with the fewest steps that differ.
pub fn holds_for<S: Into<AnyStore>>(usual: u32, make: impl AsyncFn() -> S) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let play = |steps: Vec<Step>| runtime.block_on(async { play(make().await, &steps).await });
    if let Err(error) = TestRunner::new(cases(usual)).run(&any_steps(), play) {
        panic!("{error}");
    }
}

/// Plays the steps on two nodes over this store; answers what differs from the model.
async fn play(store: impl Into<AnyStore>, steps: &[Step]) -> Result<(), TestCaseError> {
    let nodes = nodes(2, store);
    let mut tab = nodes[0].user("ada").await;
    tab.visit(|session| session.remove("value")).await.ok();
    let mut truth = Truth::default();
    let mut running: [Option<Running>; REQUESTS] = [const { None }; REQUESTS];
    let all = (0..REQUESTS).map(|request| (request, Deed::Finish));
    for (request, deed) in steps.iter().copied().chain(all) {
        if running[request].is_none() && matches!(deed, Deed::Finish) {
            continue;
        }
        let begun = || Running::begin(at(&nodes[request % 2], &tab), &truth);
        let now = running[request].get_or_insert_with(begun);
        let told = now.order(deed).await;
        let expected = now.model.perform(&mut truth, deed);
        if matches!(deed, Deed::Finish | Deed::Logout) {
            prop_assert_eq!(told, Ok(None));
            leave(running[request].take(), expected, &mut tab, &truth).await?;
        } else {
            prop_assert_eq!(told, expected, "{:?} of {}", deed, request);
            if matches!(deed, Deed::Commit) && expected.is_err() {
                leave(running[request].take(), expected, &mut tab, &truth).await?;
            }
        }
    }
    check(&nodes, &tab, &truth).await
}

/// The response leaves, and is what the model says.
async fn leave(
    running: Option<Running>,
    expected: Told,
    tab: &mut Tab,
    truth: &Truth,
) -> Result<(), TestCaseError> {
    let Some(Running { orders, response, .. }) = running else { return Ok(()) };
    drop(orders);
    let seen = response.await.expect("no panic");
    let status = if expected.is_ok() { StatusCode::OK } else { StatusCode::CONFLICT };
    prop_assert_eq!(seen.status, status);
    prop_assert!(seen.cookies().len() <= 1);
    if !truth.is_dead {
        tab.keep(&seen.headers);
    } else if seen.sets_cookie() {
        prop_assert!(seen.removes_cookie(), "after the end nothing but a removal leaves");
    }
    Ok(())
}

/// Every node shows what is true in the end.
async fn check(nodes: &[Lab], tab: &Tab, truth: &Truth) -> Result<(), TestCaseError> {
    for node in nodes {
        let mut tab = at(node, tab);
        let seen = tab.visit(|session| {
            let mut values = Values::new();
            for key in session.keys()? {
                values.insert(key[1..].parse().unwrap(), session.get(&key)?.unwrap());
            }
            Ok((session.subject().is_some(), values))
        });
        let (is_alive, values) = seen.await.ok();
        prop_assert_eq!(is_alive, !truth.is_dead);
        let expected = if truth.is_dead { Values::new() } else { truth.values.clone() };
        prop_assert_eq!(values, expected);
    }
    Ok(())
}
