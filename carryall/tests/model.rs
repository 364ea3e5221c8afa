//! Whatever requests do in whatever order, a browser sees what a simple model says, in every home.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use carryall::{Error, ErrorKind, Session};
use common::house::HOMES;
use common::lab::{Lab, Tab};
use common::properties::cases;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Deed {
    Set(u8, u8),
    Update(u8),
    Remove(u8),
    Clear,
    Flash(u8),
    Login(u8),
    Elevate(u8),
    Regenerate,
    Logout,
    Csrf,
    Commit,
    Rollback,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0..3_u8, 0..3_u8).prop_map(|(key, value)| Deed::Set(key, value)),
        2 => (0..3_u8).prop_map(Deed::Update),
        2 => (0..3_u8).prop_map(Deed::Remove),
        1 => Just(Deed::Clear),
        2 => (0..2_u8).prop_map(Deed::Flash),
        2 => (0..2_u8).prop_map(Deed::Login),
        1 => (1..3_u8).prop_map(Deed::Elevate),
        1 => Just(Deed::Regenerate),
        1 => Just(Deed::Logout),
        1 => Just(Deed::Csrf),
        2 => Just(Deed::Commit),
        1 => Just(Deed::Rollback),
    ]
}

/// What a session holds.
#[derive(Clone, Debug, Default, PartialEq)]
struct Facts {
    values: BTreeMap<u8, u8>,
    flash: BTreeSet<u8>,
    subject: Option<u8>,
    level: u8,
}

/// One request: what it sees, and what is left if it gives up.
struct Model {
    now: Facts,
    kept: Facts,
    aged: bool,
    kept_aged: bool,
}

impl Model {
    fn new(kept: Facts) -> Self {
        let mut model = Self { now: kept.clone(), kept, aged: false, kept_aged: false };
        model.age();
        model
    }

    fn age(&mut self) {
        if !self.aged {
            self.aged = true;
            self.now.flash.clear();
        }
    }

    fn end(&mut self) {
        (self.now, self.kept) = Default::default();
        (self.aged, self.kept_aged) = (true, true);
    }

    /// Does it; answers whether it makes sense.
    fn perform(&mut self, deed: &Deed) -> bool {
        match *deed {
            Deed::Set(key, value) => drop(self.now.values.insert(key, value)),
            Deed::Update(key) => *self.now.values.entry(key).or_default() += 1,
            Deed::Remove(key) => drop(self.now.values.remove(&key)),
            Deed::Clear => {
                self.now.values.clear();
                self.now.flash.clear();
            }
            Deed::Flash(key) => {
                self.age();
                self.now.flash.insert(key);
            }
            Deed::Login(subject) => {
                if self.now.subject.is_some_and(|current| current != subject) {
                    self.end();
                }
                (self.now.subject, self.now.level) = (Some(subject), 1);
            }
            Deed::Elevate(level) if self.now.subject.is_none() || level < self.now.level => return false,
            Deed::Elevate(level) => self.now.level = level,
            Deed::Regenerate | Deed::Csrf => {}
            Deed::Logout => self.end(),
            Deed::Commit => (self.kept, self.kept_aged) = (self.now.clone(), self.aged),
            Deed::Rollback => (self.now, self.aged) = (self.kept.clone(), self.kept_aged),
        }
        true
    }
}

async fn perform(session: &Session, deed: &Deed) -> Result<(), Error> {
    match *deed {
        Deed::Set(key, value) => session.set(&key.to_string(), &value),
        Deed::Update(key) => session.update(&key.to_string(), |n: Option<u8>| n.unwrap_or(0) + 1).map(drop),
        Deed::Remove(key) => session.remove(&key.to_string()).map(drop),
        Deed::Clear => session.clear(),
        Deed::Flash(key) => session.flash().set(&key.to_string(), &key),
        Deed::Login(subject) => session.login(subject.to_string()),
        Deed::Elevate(level) => session.elevate(level),
        Deed::Regenerate => session.regenerate(),
        Deed::Logout => session.logout(),
        Deed::Csrf => session.csrf().token().map(drop),
        Deed::Commit => session.commit().await,
        Deed::Rollback => {
            session.rollback();
            Ok(())
        }
    }
}

fn seen(session: &Session) -> Result<Facts, Error> {
    let mut facts = Facts { level: session.level(), ..Facts::default() };
    facts.subject = session.subject().map(|subject| subject.as_str().parse().unwrap());
    for key in session.keys()? {
        facts.values.insert(key.parse().unwrap(), session.get(&key)?.unwrap());
    }
    facts.flash = session.flash().keys()?.iter().map(|key| key.parse().unwrap()).collect();
    Ok(facts)
}

/// Plays all requests in one browser; answers what differs from the model.
async fn play(lab: &Lab, requests: Vec<(u64, Vec<Deed>)>) -> Result<(), TestCaseError> {
    let mut tab = lab.tab();
    let mut facts = Facts::default();
    for (pause, deeds) in requests {
        lab.wait(pause);
        let mut model = Model::new(facts);
        let expected: Vec<bool> = deeds.iter().map(|deed| model.perform(deed)).collect();
        let deeds = Arc::new(deeds);
        let seen_then = tab.stay(move |session| async move {
            let mut done = Vec::new();
            for deed in deeds.iter() {
                match perform(&session, deed).await {
                    Ok(()) => done.push(true),
                    Err(error) if error.kind() == ErrorKind::Misuse => done.push(false),
                    Err(error) => return Err(error),
                }
            }
            Ok(done)
        });
        let seen_then = seen_then.await;
        prop_assert_eq!(seen_then.status.as_u16(), 200);
        prop_assert!(seen_then.cookies().len() <= 1);
        prop_assert_eq!(seen_then.ok(), expected);
        facts = model.now;
        // A prefetch sees everything and uses nothing up.
        let mut look = Tab { ..tab.sending(&[("sec-purpose", "prefetch")]) };
        let shown = look.visit(seen).await;
        prop_assert_eq!(&shown.ok(), &facts);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn a_browser_sees_what_the_model_says(
        requests in prop::collection::vec((0..100_u64, prop::collection::vec(deed(), 0..7)), 1..7),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for home in HOMES {
            runtime.block_on(play(&Lab::new(home), requests.clone()))?;
        }
    }
}
