//! Compare-and-swap.

use super::law::{Held, Law, Trial, ensure, laws, record};
use crate::store::{Commit, Store, Version};

pub(super) fn laws<S: Store>() -> Vec<Law<S>> {
    laws![
        a_commit_of_the_right_version_replaces_the_record_and_counts_on,
        a_commit_of_another_version_changes_nothing,
        a_conflict_hands_back_the_record_as_it_is_now,
        loading_changes_nothing,
    ]
}

async fn a_commit_of_the_right_version_replaces_the_record_and_counts_on<S: Store>(trial: Trial<S>) -> Held {
    let (key, mut current) = trial.created(trial.draft("one")).await?;
    for payload in ["two", "a longer third one", "", "five"] {
        let (draft, next) = (trial.draft(payload), current.version.next());
        let outcome = trial.store.commit(&key, Some(current.version), draft.clone(), trial.now).await?;
        ensure!(outcome == Commit::Committed(next), "expected {next:?}, was answered {outcome:?}");
        current = record(next, draft);
        trial.expect(&key, &current, "after a commit").await?;
    }
    Ok(())
}

async fn a_commit_of_another_version_changes_nothing<S: Store>(trial: Trial<S>) -> Held {
    let (key, _) = trial.created(trial.draft("one")).await?;
    let draft = trial.draft("two");
    trial.store.commit(&key, Some(Version::FIRST), draft.clone(), trial.now).await?;
    let current = record(Version(2), draft);
    for version in [0, 1, 3, u64::from(u32::MAX), i64::MAX.unsigned_abs(), u64::MAX] {
        let mut draft = trial.draft("wrong");
        draft.header.expires = trial.minutes(90);
        let outcome = trial.store.commit(&key, Some(Version(version)), draft, trial.now).await?;
        ensure!(matches!(outcome, Commit::Conflict(_)), "version {version} for 2: {outcome:?}");
        trial.expect(&key, &current, "after a commit of another version").await?;
    }
    Ok(())
}

async fn a_conflict_hands_back_the_record_as_it_is_now<S: Store>(trial: Trial<S>) -> Held {
    let (key, mut current) = trial.created(trial.draft("one")).await?;
    for (round, payload) in ["two", "three", "four"].into_iter().enumerate() {
        let mut draft = trial.draft(payload);
        draft.header.expires = trial.minutes(40 + 10 * round as u64);
        trial.store.commit(&key, Some(current.version), draft.clone(), trial.now).await?;
        let stale = current.version;
        current = record(stale.next(), draft);
        let seen = trial.minutes(1 + round as u64);
        trial.store.touch(&key, seen, trial.minutes(100), trial.now).await?;
        current.header.seen = seen;
        current.header.expires = trial.minutes(100);
        let outcome = trial.store.commit(&key, Some(stale), trial.draft("late"), trial.now).await?;
        ensure!(
            outcome == Commit::Conflict(current.clone()),
            "expected a conflict with {current:?}, was answered {outcome:?}"
        );
    }
    Ok(())
}

async fn loading_changes_nothing<S: Store>(trial: Trial<S>) -> Held {
    let (key, current) = trial.created(trial.draft("one")).await?;
    for minutes in 0..20 {
        let found = trial.store.load(&key, trial.minutes(minutes)).await?;
        ensure!(found.as_ref() == Some(&current), "after {minutes} minutes: {found:?}");
    }
    let end = current.header.expires;
    let found = trial.store.load(&key, end).await?;
    ensure!(found.is_none(), "loading kept it alive: {found:?}");
    Ok(())
}
