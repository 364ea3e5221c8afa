//! Whom a revocation covers.

use super::*;

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
