//! Random entries against a simple model.

use super::*;

fn generations() -> impl Strategy<Value = Generations> {
    let instant = || (0..4_u64).prop_map(T);
    let parts = (
        0..3_u64,
        instant(),
        proptest::option::of(instant()),
        any::<bool>(),
        proptest::option::of(instant()),
    );
    parts.prop_map(|(current, changed, confirmed, closed, dead)| Generations {
        current,
        changed,
        confirmed,
        closed,
        dead,
    })
}

#[derive(Clone, Debug)]
enum Step {
    Revoke { scope: Scope, expires: u64 },
    Tell { family: Family, state: Generations, expires: u64 },
    Supersede { family: Family, presented: u64, expires: u64 },
    Trim,
    Wait { millis: u64 },
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        (0..2_u8).prop_map(|n| Scope::Family(family(n))),
        Just(Scope::Subject(ALICE)),
        Just(Scope::Subject(BOB)),
        Just(Scope::Tenant(TENANT)),
        Just(Scope::Key(KEY)),
        Just(Scope::Everyone),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (scope(), 0..30_u64).prop_map(|(scope, expires)| Step::Revoke { scope, expires }),
        1 => (0..2_u8, generations(), 0..30_u64).prop_map(|(n, state, expires)| Step::Tell {
            family: family(n), state, expires
        }),
        2 => (0..2_u8, 0..3_u64, 0..30_u64).prop_map(|(n, presented, expires)| Step::Supersede {
            family: family(n), presented, expires
        }),
        1 => Just(Step::Trim),
        3 => (0..12_u64).prop_map(|millis| Step::Wait { millis }),
    ]
}

/// Every entry that ever came, and a look at all of them for every question.
#[derive(Default)]
struct Model {
    not_before: Vec<(Scope, Timestamp, Timestamp)>,
    families: Vec<(Family, Generations, Timestamp)>,
}

impl Model {
    /// Among the entries that must still be known, is one that covers the session?
    fn covers(&self, facts: &Facts, now: Timestamp) -> bool {
        self.not_before.iter().any(|(scope, at, expires)| {
            let of_scope = match scope {
                Scope::Subject(subject) => facts.subject == Some(*subject),
                Scope::Tenant(tenant) => facts.tenant == Some(*tenant),
                Scope::Key(key) => facts.key == Some(*key),
                Scope::Everyone => true,
                Scope::Family(_) => false,
            };
            of_scope && now < *expires && facts.auth_time.unwrap_or(facts.created) <= *at
        })
    }

    fn family(&mut self, family: Family) -> Option<&mut (Family, Generations, Timestamp)> {
        self.families.iter_mut().find(|(known, _, _)| *known == family)
    }

    fn put(&mut self, family: Family, state: Generations, expires: Timestamp) {
        match self.family(family) {
            Some(known) => *known = (family, state, expires.max(known.2)),
            None => self.families.push((family, state, expires)),
        }
    }
}

proptest! {
    #[test]
    fn joining_states_gives_the_same_in_every_order(a in generations(), b in generations(), c in generations()) {
        prop_assert_eq!(joined(a, b), joined(b, a));
        prop_assert_eq!(joined(a, joined(b, c)), joined(joined(a, b), c));
        prop_assert_eq!(joined(a, a), a);
        prop_assert_eq!(joined(a, joined(a, b)), joined(a, b));
        prop_assert_eq!(joined(Generations::default(), a), a);
    }

    #[test]
    fn it_knows_what_a_list_of_all_entries_knows(steps in proptest::collection::vec(step(), 1..50)) {
        let (set, mut model, mut now) = (RevocationSet::default(), Model::default(), T(100));
        for step in steps {
            let after = |millis: u64| now.plus(Duration::from_millis(millis));
            match step {
                Step::Revoke { scope: Scope::Family(family), expires } => {
                    set.apply(&Entry::revoke(Scope::Family(family), now, after(expires)), now);
                    if expires > 0 {
                        let mut state = model.family(family).map_or(Generations::default(), |known| known.1);
                        state.end(now);
                        model.put(family, state, after(expires));
                    }
                }
                Step::Revoke { scope, expires } => {
                    set.apply(&Entry::revoke(scope, now, after(expires)), now);
                    model.not_before.push((scope, now, after(expires)));
                }
                Step::Tell { family, state, expires } => {
                    set.apply(&Entry::family(family, state, after(expires)), now);
                    if expires > 0 && (state != Generations::default() || model.family(family).is_some()) {
                        let known = model.family(family).map_or(Generations::default(), |known| known.1);
                        model.put(family, joined(known, state), after(expires));
                    }
                }
                Step::Supersede { family, presented, expires } => {
                    set.change(&family, now, after(expires), presented, |known| known.supersede(now));
                    let mut state = model.family(family).map_or(Generations::at(presented), |known| known.1);
                    state.supersede(now);
                    model.put(family, state, after(expires));
                }
                Step::Trim => { set.trim(now); }
                Step::Wait { millis } => now = after(millis),
            }
            // With a few entries everything that is expired goes at once, so that both sides forget it together.
            set.trim(now);
            model.families.retain(|(_, _, expires)| now < *expires);
            for n in 0..2 {
                let expected = model.family(family(n)).map(|known| known.1);
                prop_assert_eq!(set.generations(&family(n)), expected);
            }
            for back in 0..20 {
                let began = now.minus(Duration::from_millis(back));
                for subject in [None, Some(ALICE), Some(BOB)] {
                    for (tenant, key) in [(None, None), (Some(TENANT), None), (None, Some(KEY))] {
                        let auth_time = subject.map(|_| began);
                        let facts = Facts { subject, tenant, auth_time, created: began, key };
                        let must = model.covers(&facts, now);
                        // Longer memory of one group is allowed, forgetting is not.
                        prop_assert!(!must || set.is_revoked(&facts), "{:?} at {:?}", facts, now);
                        if set.is_revoked(&facts) {
                            prop_assert!(set.reaches(began));
                            prop_assert!(model.covers(&facts, T(0)), "nobody ever revoked {:?}", facts);
                        }
                    }
                }
            }
            for subject in [ALICE, BOB] {
                let auth_time = set.earliest_auth_time(&subject, now);
                let facts = Facts { subject: Some(subject), tenant: Some(TENANT), auth_time: Some(auth_time), created: T(0), key: Some(KEY) };
                prop_assert!(auth_time >= now && !set.is_revoked(&facts));
            }
        }
    }
}
