//! Entries of the log.

use super::*;

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
