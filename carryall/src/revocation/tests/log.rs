//! What is promised when a log is told.

use super::*;

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
