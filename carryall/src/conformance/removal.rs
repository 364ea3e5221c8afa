//! What was removed stays away.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::law::{Held, Law, Trial, ensure, laws, yield_times};
use crate::id::RecordKey;
use crate::store::{Commit, Store, Version};

pub(super) fn laws<S: Store>() -> Vec<Law<S>> {
    laws![
        a_removed_record_is_absent_for_every_verb,
        removing_twice_is_removing_once,
        a_commit_that_was_under_way_does_not_resurrect_a_removed_record,
        removal_wins_against_racing_commits,
    ]
}

async fn a_removed_record_is_absent_for_every_verb<S: Store>(trial: Trial<S>) -> Held {
    let (key, _) = trial.created(trial.draft("one")).await?;
    ensure!(trial.store.remove(&key, trial.now).await?, "remove did not find it");
    trial.expect_absent(&key, trial.now, "after it was removed").await
}

async fn removing_twice_is_removing_once<S: Store>(trial: Trial<S>) -> Held {
    let (key, _) = trial.created(trial.draft("one")).await?;
    let (other, record) = trial.created(trial.draft("other")).await?;
    let found = (trial.store.remove(&key, trial.now).await?, trial.store.remove(&key, trial.now).await?);
    ensure!(found == (true, false), "removing twice is answered with {found:?}");
    trial.expect(&other, &record, "another record, after one was removed").await
}

async fn a_commit_that_was_under_way_does_not_resurrect_a_removed_record<S: Store>(trial: Trial<S>) -> Held {
    let (key, current) = trial.created(trial.draft("one")).await?;
    trial.store.commit(&key, Some(current.version), trial.draft("two"), trial.now).await?;
    trial.store.remove(&key, trial.now).await?;
    for version in [Version(2), Version::FIRST, Version(3)] {
        let outcome = trial.store.commit(&key, Some(version), trial.draft("late"), trial.now).await?;
        ensure!(outcome == Commit::Gone, "a late commit of {version:?} is answered with {outcome:?}");
        let found = trial.store.load(&key, trial.now).await?;
        ensure!(found.is_none(), "it is back: {found:?}");
    }
    Ok(())
}

async fn removal_wins_against_racing_commits<S: Store>(trial: Trial<S>) -> Held {
    const ROUNDS: u64 = 16;
    const WRITERS: u64 = 8;
    for round in 0..ROUNDS {
        let (key, _) = trial.created(trial.draft("one")).await?;
        let removed = Arc::new(AtomicBool::new(false));
        let mut tasks = Vec::new();
        for writer in 0..WRITERS {
            let writing = write_until_gone(trial.clone(), key, Arc::clone(&removed), writer % 3);
            tasks.push(tokio::spawn(writing));
        }
        yield_times(1 + round % 5).await;
        let found = trial.store.remove(&key, trial.now).await;
        removed.store(true, Ordering::SeqCst);
        ensure!(found?, "remove did not find it");
        for task in tasks {
            task.await??;
        }
        trial.expect_absent(&key, trial.now, "after removal raced with commits").await?;
    }
    Ok(())
}

/// Commits and touches over and over. Ends when the record is gone, and then it has to stay gone.
async fn write_until_gone<S: Store>(
    trial: Trial<S>,
    key: RecordKey,
    removed: Arc<AtomicBool>,
    late: u64,
) -> Held {
    yield_times(late).await;
    let mut version = Version::FIRST;
    loop {
        // Whatever begins after the removal was acknowledged must hear of it.
        let must_hear = removed.load(Ordering::SeqCst);
        trial.store.touch(&key, trial.minutes(1), trial.minutes(31), trial.now).await?;
        match trial.store.commit(&key, Some(version), trial.draft("racing"), trial.now).await? {
            Commit::Committed(next) => version = next,
            Commit::Conflict(fresh) => version = fresh.version,
            Commit::Gone => {
                let found = trial.store.load(&key, trial.now).await?;
                ensure!(found.is_none(), "after a commit was told that it is gone: {found:?}");
                return Ok(());
            }
        }
        ensure!(!must_hear, "a commit after the removal did not hear of it");
        yield_times(1).await;
    }
}
