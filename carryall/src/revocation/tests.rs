use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;

use super::families::joined;
use super::*;
use crate::clock::Timestamp;
use crate::generation::Generations;
use crate::id::Family;
use crate::store::{StoreError, StoreErrorKind, SubjectHash};

const T: fn(u64) -> Timestamp = Timestamp::from_millis;
const ALICE: SubjectHash = SubjectHash([1; 16]);
const BOB: SubjectHash = SubjectHash([2; 16]);
const TENANT: TenantHash = TenantHash([3; 16]);
const KEY: [u8; 8] = [4; 8];
const LATER: Timestamp = Timestamp::from_secs(1000);

fn family(n: u8) -> Family {
    Family::from_bytes([n; Family::LEN])
}

fn login(subject: SubjectHash, auth_time: u64) -> Facts {
    Facts { subject: Some(subject), auth_time: Some(T(auth_time)), ..Facts::default() }
}

fn revoked(scope: Scope, at: u64) -> RevocationSet {
    let set = RevocationSet::default();
    set.apply(&Entry::revoke(scope, T(at), LATER), T(at));
    set
}

#[test]
fn a_revocation_covers_the_sessions_of_its_scope_that_began_until_then() {
    let at = |began| login(ALICE, began);
    let anonymous = |created| Facts { created: T(created), ..Facts::default() };
    let table = [
        (Scope::Subject(ALICE), at(99), true),
        (Scope::Subject(ALICE), at(100), true),
        (Scope::Subject(ALICE), at(101), false),
        (Scope::Subject(ALICE), login(BOB, 99), false),
        (Scope::Subject(ALICE), anonymous(99), false),
        (Scope::Everyone, at(100), true),
        (Scope::Everyone, at(101), false),
        (Scope::Everyone, anonymous(100), true),
        (Scope::Everyone, anonymous(101), false),
        (Scope::Tenant(TENANT), at(100), false),
        (Scope::Tenant(TENANT), Facts { tenant: Some(TENANT), ..at(100) }, true),
        (Scope::Tenant(TENANT), Facts { tenant: Some(TENANT), ..at(101) }, false),
        (Scope::Tenant(TENANT), Facts { tenant: Some(TenantHash([9; 16])), ..at(100) }, false),
        (Scope::Key(KEY), at(100), false),
        (Scope::Key(KEY), Facts { key: Some(KEY), ..at(100) }, true),
        (Scope::Key(KEY), Facts { key: Some(KEY), ..at(101) }, false),
        (Scope::Key(KEY), Facts { key: Some(KEY), ..anonymous(100) }, true),
        (Scope::Key(KEY), Facts { key: Some([9; 8]), ..at(100) }, false),
        (Scope::Family(family(1)), at(1), false),
    ];
    for (scope, facts, expected) in table {
        assert_eq!(revoked(scope, 100).is_revoked(&facts), expected, "{scope:?} {facts:?}");
    }
}

#[test]
fn what_counts_is_the_login_and_not_when_the_session_was_created() {
    let set = revoked(Scope::Everyone, 100);
    let signed_in_since = Facts { created: T(50), ..login(ALICE, 101) };
    assert!(!set.is_revoked(&signed_in_since));
    let signed_in_before = Facts { created: T(101), ..login(ALICE, 50) };
    assert!(set.is_revoked(&signed_in_before));
}

#[test]
fn the_later_of_two_revocations_counts_in_either_order() {
    for order in [[100, 200], [200, 100]] {
        let set = RevocationSet::default();
        for at in order {
            set.apply(&Entry::revoke(Scope::Subject(ALICE), T(at), LATER), T(0));
        }
        assert!(set.is_revoked(&login(ALICE, 200)) && !set.is_revoked(&login(ALICE, 201)));
    }
}

#[test]
fn no_login_is_born_dead() {
    for scope in [Scope::Subject(ALICE), Scope::Everyone, Scope::Key(KEY), Scope::Tenant(TENANT)] {
        let set = revoked(scope, 100);
        assert_eq!(set.earliest_auth_time(&ALICE, T(100)), T(101), "{scope:?}");
        assert_eq!(set.earliest_auth_time(&ALICE, T(60)), T(101), "a clock that is behind: {scope:?}");
        assert_eq!(set.earliest_auth_time(&ALICE, T(101)), T(101));
    }
    let set = revoked(Scope::Subject(BOB), 100);
    assert_eq!(set.earliest_auth_time(&ALICE, T(60)), T(60));
    assert_eq!(RevocationSet::default().earliest_auth_time(&ALICE, T(0)), T(0));
}

#[test]
fn only_sessions_from_before_a_revocation_are_looked_up() {
    let set = RevocationSet::default();
    assert!(!set.reaches(T(0)));
    set.apply(&Entry::revoke(Scope::Subject(ALICE), T(0), LATER), T(0));
    assert!(set.reaches(T(0)) && !set.reaches(T(1)));
    set.apply(&Entry::revoke(Scope::Subject(BOB), T(70), LATER), T(70));
    assert!(set.reaches(T(70)) && !set.reaches(T(71)));
}

#[test]
fn a_family_starts_from_the_generation_that_was_presented() {
    let set = RevocationSet::default();
    assert_eq!(set.generations(&family(1)), None);
    set.change(&family(1), T(1), LATER, 7, |known| known.supersede(T(1)));
    assert_eq!(set.generations(&family(1)).map(|known| known.current), Some(8));
    set.change(&family(1), T(2), LATER, 3, |known| known.supersede(T(2)));
    assert_eq!(set.generations(&family(1)).map(|known| known.current), Some(9));
    assert_eq!(set.generations(&family(2)), None);
}

#[test]
fn a_family_that_was_only_looked_at_is_not_remembered() {
    let set = RevocationSet::default();
    assert_eq!(set.change(&family(1), T(1), LATER, 7, |known| known.current), 7);
    assert_eq!(set.generations(&family(1)), None);
}

#[test]
fn a_revoked_family_is_dead_and_its_changes_are_kept() {
    let set = RevocationSet::default();
    set.change(&family(1), T(1), LATER, 7, |known| known.supersede(T(1)));
    for scope in [family(1), family(2)] {
        set.apply(&Entry::revoke(Scope::Family(scope), T(5), LATER), T(5));
        set.apply(&Entry::revoke(Scope::Family(scope), T(9), LATER), T(9));
        assert_eq!(set.generations(&scope).and_then(|known| known.dead), Some(T(5)));
    }
    assert_eq!(set.generations(&family(1)).map(|known| known.current), Some(8));
}

#[test]
fn changes_of_one_family_from_many_threads_are_atomic() {
    let set = RevocationSet::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..1000 {
                    set.change(&family(1), T(n), LATER, 0, |known| known.supersede(T(n)));
                    set.change(&family(2), T(n), LATER, 0, |known| known.raise(known.current + 1, T(n)));
                }
            });
        }
    });
    for n in [1, 2] {
        assert_eq!(set.generations(&family(n)).map(|known| known.current), Some(4000));
    }
}

#[test]
fn a_change_that_panics_changes_nothing_and_blocks_nobody() {
    let set = RevocationSet::default();
    set.change(&family(1), T(1), LATER, 0, |known| known.supersede(T(1)));
    let panicking = set.clone();
    let panicked = std::thread::spawn(move || {
        panicking.change(&family(1), T(2), LATER, 0, |known| {
            known.end(T(2));
            panic!("half-way");
        })
    });
    assert!(panicked.join().is_err());
    assert_eq!(set.generations(&family(1)).map(|known| (known.current, known.dead)), Some((1, None)));
}

#[test]
fn what_is_expired_is_forgotten_and_nothing_else() {
    let set = RevocationSet::default();
    for n in 0..200 {
        let expires = T(1000 + u64::from(n));
        set.change(&family(n), T(1), expires, 0, |known| known.supersede(T(1)));
        set.apply(&Entry::revoke(Scope::Subject(SubjectHash([n; 16])), T(1), expires), T(1));
    }
    // A longer life moves the end, a shorter one does not.
    set.change(&family(0), T(1), T(5000), 0, |_| ());
    set.change(&family(199), T(1), T(1), 0, |known| known.supersede(T(2)));
    assert_eq!(set.trim(T(999)), 0);
    assert_eq!(set.trim(T(1099)), 99 + 100);
    for n in 0..200 {
        let is_kept = n == 0 || n >= 100;
        assert_eq!(set.generations(&family(n)).is_some(), is_kept, "{n}");
        assert_eq!(set.is_revoked(&login(SubjectHash([n; 16]), 1)), n >= 100, "{n}");
    }
    assert_eq!(set.trim(LATER), 101 + 100);
    assert!(!set.reaches(T(0)));
    assert_eq!(set.trim(LATER), 0);
}

#[test]
fn changes_alone_forget_what_is_expired() {
    let set = RevocationSet::default();
    for n in 0..10_000_u64 {
        let mut bytes = [0; Family::LEN];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        set.change(&Family::from_bytes(bytes), T(n), T(n + 100), 0, |known| known.supersede(T(n)));
        let mut subject = [0; 16];
        subject[..8].copy_from_slice(&n.to_le_bytes());
        set.apply(&Entry::revoke(Scope::Subject(SubjectHash(subject)), T(n), T(n + 100)), T(n));
    }
    assert_eq!(format!("{set:?}"), "RevocationSet { families: 100, groups: 100, .. }");
}

#[test]
fn ended_sessions_of_nobody_are_limited_and_those_of_users_are_not() {
    let set = RevocationSet::default();
    let numbered = |n: u64| {
        let mut bytes = [0; Family::LEN];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        Family::from_bytes(bytes)
    };
    let end = |n: u64, known: &mut Generations| known.end(T(n));
    let flood = 20_000;
    let user = numbered(u64::MAX);
    set.change(&user, T(0), T(flood + 1), 3, |known| end(0, known));
    for n in 1..=flood {
        // Each began at n and could be good for as long as the others.
        set.change(&numbered(n), T(0), T(n), 0, |known| end(0, known));
        set.make_evictable(&numbered(n), 0);
    }
    let remembered = (1..=flood).filter(|n| set.generations(&numbered(*n)).is_some()).count();
    assert!(remembered < 17_000, "{remembered} of one part are remembered");
    for n in 1..=flood {
        let family = numbered(n);
        assert!(set.generations(&family).is_some() || set.has_evicted(&family, T(n)), "{n} is good again");
    }
    assert!(!set.has_evicted(&numbered(flood), T(flood)), "the latest are known one by one");
    assert!(set.generations(&user).is_some_and(|known| known.dead.is_some()));
}

#[test]
fn a_family_in_which_somebody_signed_in_is_never_evictable() {
    let set = RevocationSet::default();
    let (user, moved) = (family(1), family(2));
    set.change(&user, T(0), LATER, 0, |known| known.supersede(T(0)));
    set.change(&moved, T(0), LATER, 0, |known| known.raise(2, T(0)));
    for family in [user, moved] {
        set.change(&family, T(0), LATER, 0, |known| known.end(T(0)));
        set.make_evictable(&family, 0);
    }
    for n in 1..=20_000_u64 {
        let mut bytes = [0; Family::LEN];
        bytes[..8].copy_from_slice(&n.to_be_bytes());
        for last in [1, 2] {
            bytes[Family::LEN - 1] = last;
            let other = Family::from_bytes(bytes);
            set.change(&other, T(0), LATER.plus(std::time::Duration::from_secs(n)), 0, |known| {
                known.end(T(0));
            });
            set.make_evictable(&other, 0);
        }
    }
    assert!(set.generations(&user).is_some() && set.generations(&moved).is_some());
}

#[test]
fn an_entry_that_is_expired_already_changes_nothing() {
    let set = RevocationSet::default();
    set.apply(&Entry::revoke(Scope::Everyone, T(5), T(10)), T(10));
    set.apply(&Entry::revoke(Scope::Family(family(1)), T(5), T(10)), T(10));
    assert!(!set.reaches(T(0)));
    assert_eq!(set.generations(&family(1)), None);
}

#[test]
fn entries_tell_whom_they_cover_and_how_long() {
    let scopes = [
        Scope::Family(family(1)),
        Scope::Subject(ALICE),
        Scope::Tenant(TENANT),
        Scope::Key(KEY),
        Scope::Everyone,
    ];
    for scope in scopes {
        let entry = Entry::revoke(scope, T(1), T(2));
        assert_eq!((entry.scope(), entry.expires()), (scope, T(2)));
    }
}

#[test]
fn debug_redacts_whom_a_revocation_covers() {
    let text = format!("{:?} {:?}", Scope::Tenant(TENANT), Entry::revoke(Scope::Subject(ALICE), T(1), T(2)));
    assert!(text.contains("TenantHash(redacted)") && text.contains("SubjectHash(redacted)"), "{text}");
}

/// Whether the future is ready without being woken first.
async fn is_ready(future: impl Future<Output = ()>) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}

#[tokio::test]
async fn waiting_ends_with_a_change_of_the_family_even_one_before_the_first_poll() {
    let set = RevocationSet::default();
    let (mine, of_another) = (set.changed(&family(1)), set.changed(&family(2)));
    set.change(&family(1), T(1), LATER, 0, |known| known.end(T(1)));
    assert!(is_ready(mine).await);
    assert!(!is_ready(of_another).await);
    let unchanged = set.changed(&family(1));
    set.change(&family(1), T(1), LATER, 0, |_| ());
    assert!(!is_ready(unchanged).await, "a look is no change");
}

#[tokio::test]
async fn waiting_ends_with_every_revocation_of_a_group() {
    for scope in [Scope::Subject(ALICE), Scope::Tenant(TENANT), Scope::Key(KEY), Scope::Everyone] {
        let set = RevocationSet::default();
        let (one, two) = (set.changed(&family(1)), set.changed(&family(2)));
        set.apply(&Entry::revoke(scope, T(1), LATER), T(1));
        assert!(is_ready(one).await && is_ready(two).await, "{scope:?}");
    }
}

#[derive(Clone, Copy, Debug)]
enum Behaviour {
    Fails,
    NeverAnswers,
}

/// A log on clocks that may differ by 7 ms, which takes nothing.
#[derive(Debug)]
struct BadLog(Behaviour);

impl RevocationLog for BadLog {
    fn attach(&self, _: &RevocationSet) {}

    async fn append(&self, _: &Entry) -> Result<(), StoreError> {
        match self.0 {
            Behaviour::Fails => Err(StoreError::new(StoreErrorKind::Unavailable)),
            Behaviour::NeverAnswers => std::future::pending().await,
        }
    }

    fn is_fresh(&self, _: Timestamp) -> bool {
        false
    }

    fn skew(&self) -> Duration {
        Duration::from_millis(7)
    }
}

#[tokio::test]
async fn after_an_ok_this_node_refuses_the_sessions() {
    let revocations = Revocations::new(SingleNode::default());
    assert!(!revocations.is_revoked(&login(ALICE, 0)));
    revocations.revoke(Scope::Subject(ALICE), T(100), LATER).await.unwrap();
    assert!(revocations.reaches(T(100)) && revocations.is_revoked(&login(ALICE, 100)));
    assert!(
        !revocations.is_revoked(&login(ALICE, revocations.earliest_auth_time(&ALICE, T(100)).as_millis()))
    );
    revocations.end_family(&family(1), T(100), LATER).await.unwrap();
    assert_eq!(revocations.generations(&family(1)).and_then(|known| known.dead), Some(T(100)));
    assert!(revocations.is_fresh(T(100)));
}

#[tokio::test]
async fn a_log_that_fails_is_an_error_and_this_node_refuses_the_sessions_all_the_same() {
    let revocations = Revocations::new(BadLog(Behaviour::Fails));
    assert!(revocations.revoke(Scope::Everyone, T(100), LATER).await.is_err());
    assert!(revocations.end_family(&family(1), T(100), LATER).await.is_err());
    assert!(revocations.publish(&family(2), Generations::at(3), LATER).await.is_err());
    assert!(revocations.is_revoked(&login(ALICE, 100)));
    assert!(revocations.generations(&family(1)).is_some());
    assert!(!revocations.is_fresh(T(100)));
}

#[tokio::test]
async fn a_revocation_whose_future_is_dropped_still_holds_on_this_node() {
    let revocations = Revocations::new(BadLog(Behaviour::NeverAnswers));
    let unanswered = async { drop(revocations.revoke(Scope::Everyone, T(100), LATER).await) };
    assert!(!is_ready(unanswered).await);
    assert!(revocations.is_revoked(&login(ALICE, 100)));
}

#[tokio::test]
async fn where_clocks_differ_a_revocation_reaches_twice_as_far_as_they_do() {
    let revocations = Revocations::new(BadLog(Behaviour::Fails));
    assert!(revocations.revoke(Scope::Subject(ALICE), T(100), LATER).await.is_err());
    assert!(revocations.is_revoked(&login(ALICE, 114)) && !revocations.is_revoked(&login(ALICE, 115)));
    assert_eq!(revocations.earliest_auth_time(&ALICE, T(101)), T(115));
    assert!(revocations.revoke(Scope::Family(family(1)), T(100), LATER).await.is_err());
    assert_eq!(revocations.generations(&family(1)).and_then(|known| known.dead), Some(T(100)));
}

#[test]
fn a_restart_of_the_only_node_logs_everybody_out_or_nobody_as_chosen() {
    let before = login(ALICE, 999);
    assert!(!Revocations::new(SingleNode::default()).is_revoked(&before));
    let strict = Revocations::new(SingleNode::log_out_at_restart(T(1000)));
    assert!(strict.is_revoked(&before) && !strict.is_revoked(&login(ALICE, 1001)));
    assert!(strict.is_revoked(&Facts { created: T(999), ..Facts::default() }));
}

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
