//! A model of requests of one session that go on side by side: what each may observe, and what is kept.

use std::collections::{BTreeMap, BTreeSet};

use carryall::ErrorKind;
use proptest::prelude::*;

pub type Key = u8;
pub type Values = BTreeMap<Key, i64>;

/// What one request does next.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
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
pub type Step = (usize, Deed);

pub const REQUESTS: usize = 4;

pub fn any_steps() -> impl Strategy<Value = Vec<Step>> {
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
pub struct Truth {
    pub values: Values,
    pub is_dead: bool,
}

/// What one request knows and wants.
#[derive(Clone, Debug, Default)]
pub struct Request {
    base: Values,
    view: Values,
    /// The values that it has read, as it read them.
    read: BTreeMap<Key, Option<i64>>,
    /// What of the view does not depend on the base.
    own: BTreeSet<Key>,
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

pub type Told = Result<Option<i64>, ErrorKind>;

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
    pub fn of(truth: &Truth) -> Self {
        if truth.is_dead {
            return Self { is_refused: true, ..Self::default() };
        }
        Self { base: truth.values.clone(), view: truth.values.clone(), ..Self::default() }
    }

    fn is_own(&self, key: Key) -> bool {
        self.own.contains(&key) || self.ops.iter().any(|op| matches!(op, Op::Clear))
    }

    /// Does it; answers what the handler is to be told.
    pub fn perform(&mut self, truth: &mut Truth, deed: Deed) -> Told {
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
            Op::Set(key, value, _) => _ = (self.view.insert(key, value), self.own.insert(key)),
            Op::Remove(key) if self.view.remove(&key).is_some() => _ = self.own.insert(key),
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
            // A removal holds over whatever others made of it, be it that there was nothing to remove at first.
            let is_own =
                self.is_own(key) || self.ops.iter().any(|op| matches!(op, Op::Remove(of) if *of == key));
            let is_touched = is_own || self.ops.iter().any(|op| op.touches(key));
            if is_touched && (is_own || self.read[&key] == before.get(&key).copied()) {
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
