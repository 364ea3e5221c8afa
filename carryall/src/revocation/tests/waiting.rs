//! Waiting for the end of a session.

use super::*;

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
