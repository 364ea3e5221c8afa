//! What is known of families.

use super::*;

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
