//! Requests of one session that go on side by side, step by step, on several nodes: beside a model of what may be
//! observed. For any store.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use carryall::store::AnyStore;
use carryall::{Error, ErrorKind, Session};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::lab::{Lab, Seen, Tab};
use super::nodes::{at, nodes};
use super::properties::cases;

type Key = u8;
type Values = BTreeMap<Key, i64>;

/// What one request does next.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Get(Key),
    Set(Key, i64),
    Update(Key),
    Remove(Key),
    Clear,
    Rollback,
    Commit,
    /// Ends the session and the request.
    Logout,
    /// Lets the response leave.
    Finish,
}

/// One step: which of the requests (it begins with its first step), and what it does.
type Step = (usize, Deed);

const REQUESTS: usize = 4;

fn any_steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0..3_u8;
    let deed = prop_oneof![
        4 => key().prop_map(Deed::Get),
        6 => (key(), 0..4_i64).prop_map(|(key, value)| Deed::Set(key, value)),
        4 => key().prop_map(Deed::Update),
        1 => key().prop_map(Deed::Remove),
        1 => Just(Deed::Clear),
        1 => Just(Deed::Rollback),
        5 => Just(Deed::Commit),
        5 => Just(Deed::Finish),
    ];
    let deed = prop_oneof![60 => deed, 1 => Just(Deed::Logout)];
    prop::collection::vec((0..REQUESTS, deed), 1..50)
}

/// The record as everybody may see it.
#[derive(Clone, Debug, Default)]
struct Truth {
    values: Values,
    is_dead: bool,
}

/// What one request knows and wants.
#[derive(Clone, Debug, Default)]
struct Request {
    base: Values,
    view: Values,
    /// The values that it has read, as it read them.
    read: BTreeMap<Key, Option<i64>>,
    /// What of the view does not depend on the base.
    own: BTreeMap<Key, bool>,
    ops: Vec<Op>,
    /// It came when there was no session any more.
    is_refused: bool,
}

/// What a set depends on.
#[derive(Clone, Copy, Debug)]
enum Guard {
    Blind,
    Is(Option<i64>),
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Set(Key, i64, Guard),
    Update(Key),
    Remove(Key),
    Clear,
}

type Told = Result<Option<i64>, ErrorKind>;

impl Op {
    /// Does it to the values; a guard is about what they were `before` all ops of the commit.
    fn apply(self, before: &Values, values: &mut Values) -> Result<(), ErrorKind> {
        match self {
            Self::Set(key, _, Guard::Is(guard)) if before.get(&key).copied() != guard => {
                return Err(ErrorKind::Conflict);
            }
            Self::Set(key, value, _) => _ = values.insert(key, value),
            Self::Update(key) => *values.entry(key).or_default() += 1,
            Self::Remove(key) => _ = values.remove(&key),
            Self::Clear => values.clear(),
        }
        Ok(())
    }
}

impl Request {
    fn of(truth: &Truth) -> Self {
        if truth.is_dead {
            return Self { is_refused: true, ..Self::default() };
        }
        Self { base: truth.values.clone(), view: truth.values.clone(), ..Self::default() }
    }

    fn is_own(&self, key: Key) -> bool {
        self.own.contains_key(&key) || self.ops.iter().any(|op| matches!(op, Op::Clear))
    }

    fn perform(&mut self, truth: &mut Truth, deed: Deed) -> Told {
        let op = match deed {
            Deed::Get(key) => {
                if !self.is_own(key) && !self.is_refused {
                    self.read.insert(key, self.base.get(&key).copied());
                }
                return Ok(self.view.get(&key).copied());
            }
            Deed::Commit | Deed::Finish => return self.commit(truth).map(|()| None),
            Deed::Rollback => {
                self.view = self.base.clone();
                self.ops.clear();
                self.own.clear();
                return Ok(None);
            }
            Deed::Logout if self.is_refused => return Ok(None),
            Deed::Logout => {
                truth.is_dead = true;
                return Ok(None);
            }
            _ if self.is_refused => return Err(ErrorKind::Superseded),
            Deed::Set(key, value) => {
                let (read, stored) = (self.read.get(&key), self.base.get(&key).copied());
                if read.is_some_and(|read| *read != stored) {
                    return Err(ErrorKind::Conflict);
                }
                Op::Set(key, value, read.map_or(Guard::Blind, |_| Guard::Is(stored)))
            }
            Deed::Update(key) => Op::Update(key),
            Deed::Remove(key) => Op::Remove(key),
            Deed::Clear => Op::Clear,
        };
        match op {
            Op::Set(key, value, _) => _ = (self.view.insert(key, value), self.own.insert(key, true)),
            Op::Remove(key) if self.view.remove(&key).is_some() => _ = self.own.insert(key, true),
            Op::Update(key) => {
                *self.view.entry(key).or_default() += 1;
            }
            Op::Remove(_) => {}
            Op::Clear => self.view.clear(),
        }
        self.ops.push(op);
        Ok(None)
    }

    fn commit(&mut self, truth: &mut Truth) -> Result<(), ErrorKind> {
        if self.view == self.base {
            return Ok(());
        }
        if truth.is_dead {
            return Err(ErrorKind::Superseded);
        }
        let before = std::mem::take(&mut truth.values);
        let mut after = before.clone();
        for op in &self.ops {
            if let Err(kind) = op.apply(&before, &mut after) {
                truth.values = before;
                return Err(kind);
            }
        }
        let known: Vec<Key> = self.read.keys().copied().collect();
        for key in known {
            let is_touched = self.is_own(key) || self.ops.iter().any(|op| op.touches(key));
            if is_touched && (self.is_own(key) || self.read[&key] == before.get(&key).copied()) {
                self.read.insert(key, after.get(&key).copied());
            }
        }
        truth.values = after;
        *self = Self {
            read: std::mem::take(&mut self.read),
            base: truth.values.clone(),
            view: truth.values.clone(),
            ..Self::default()
        };
        Ok(())
    }
}

impl Op {
    fn touches(self, key: Key) -> bool {
        matches!(self, Self::Update(of) | Self::Set(of, ..) | Self::Remove(of) if of == key)
    }
}

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
