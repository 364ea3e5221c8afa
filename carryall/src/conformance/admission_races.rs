//! A subject has no more records than its cap, whoever races.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::admitting::cap;
use super::law::{Flaw, Held, Law, Trial, ensure, laws, yield_times};
use crate::id::RecordKey;
use crate::store::{Admission, AnyStore, Cap, Commit, Store, SubjectHash, Version, WhenFull};

pub(super) fn laws() -> Vec<Law<AnyStore>> {
    laws![
        of_racing_admissions_as_many_get_in_as_there_are_places,
        racing_admissions_that_end_the_oldest_never_pass_the_cap,
        an_ended_record_stays_gone_whoever_writes_to_it,
    ]
}

/// Half of them new, half of them anonymous records whose visitors sign in, all at once.
async fn race(
    trial: &Trial<AnyStore>,
    subject: SubjectHash,
    cap: Cap,
) -> Result<Vec<(RecordKey, Admission)>, Flaw> {
    const ADMISSIONS: u64 = 12;
    let mut tasks = Vec::new();
    for number in 0..ADMISSIONS {
        let trial = trial.clone();
        tasks.push(tokio::spawn(async move {
            if number % 2 == 0 {
                yield_times(number % 3).await;
                return trial.admit_new(subject, number, cap).await;
            }
            let (key, _) = trial.created(trial.draft("anonymous")).await?;
            let draft = trial.owned(subject, number);
            Ok((key, trial.admit(&key, Some(Version::FIRST), draft, cap).await?))
        }));
    }
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.push(task.await??);
    }
    Ok(outcomes)
}

async fn of_racing_admissions_as_many_get_in_as_there_are_places(trial: Trial<AnyStore>) -> Held {
    for round in 0..4 {
        let (subject, cap) = (trial.subject()?, cap(1 + round % 3, WhenFull::Refuse));
        let outcomes = race(&trial, subject, cap).await?;
        let (inside, refused): (Vec<_>, Vec<_>) =
            outcomes.iter().partition(|(_, outcome)| matches!(outcome, Admission::Committed { .. }));
        ensure!(
            inside.len() == cap.most.get(),
            "of {} places {} were given: {outcomes:?}",
            cap.most,
            inside.len()
        );
        ensure!(
            refused.iter().all(|(_, outcome)| *outcome == Admission::Full),
            "others heard of {refused:?}"
        );
        let live = trial.subjects()?.list(&subject, 100, trial.now).await?;
        let live: BTreeSet<_> = live.into_iter().map(|(key, _)| key).collect();
        ensure!(live == inside.iter().map(|(key, _)| *key).collect(), "inside are {live:?}: {outcomes:?}");
    }
    Ok(())
}

async fn racing_admissions_that_end_the_oldest_never_pass_the_cap(trial: Trial<AnyStore>) -> Held {
    for round in 0..4 {
        let (subject, cap) = (trial.subject()?, cap(1 + round % 3, WhenFull::EndOldest));
        let is_over = Arc::new(AtomicBool::new(false));
        let watching = tokio::spawn(watch(trial.clone(), subject, cap, Arc::clone(&is_over)));
        let outcomes = race(&trial, subject, cap).await?;
        is_over.store(true, Ordering::SeqCst);
        watching.await??;
        let (mut inside, mut ended) = (BTreeSet::new(), Vec::new());
        for (key, outcome) in &outcomes {
            let Admission::Committed { ended: others, .. } = outcome else {
                // Who signs in with an anonymous record can only be ended, and find it gone, after having got in.
                return Err(Flaw(format!("one of those who race was told {outcome:?}")));
            };
            inside.insert(*key);
            ended.extend(others.iter().map(|(key, _)| *key));
        }
        for key in &ended {
            ensure!(inside.remove(key), "{key:?} was ended twice, or never got in: {outcomes:?}");
        }
        let live = trial.subjects()?.list(&subject, 100, trial.now).await?;
        let live: BTreeSet<_> = live.into_iter().map(|(key, _)| key).collect();
        ensure!(
            live == inside && live.len() == cap.most.get(),
            "of {} are left {live:?}: {outcomes:?}",
            cap.most
        );
    }
    Ok(())
}

/// Looks, again and again, how many records the subject has.
async fn watch(trial: Trial<AnyStore>, subject: SubjectHash, cap: Cap, is_over: Arc<AtomicBool>) -> Held {
    const LOOKS: usize = 10_000;
    for _ in 0..LOOKS {
        let live = trial.subjects()?.list(&subject, 100, trial.now).await?.len();
        ensure!(live <= cap.most.get(), "at one time there are {live} of {}", cap.most);
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        yield_times(1).await;
    }
    Ok(())
}

async fn an_ended_record_stays_gone_whoever_writes_to_it(trial: Trial<AnyStore>) -> Held {
    for round in 0..8 {
        let (subject, cap) = (trial.subject()?, cap(1, WhenFull::EndOldest));
        let (old, _) = trial.created_owned(subject, 1).await?;
        let is_ended = Arc::new(AtomicBool::new(false));
        let writing = write_until_gone(trial.clone(), subject, old, Arc::clone(&is_ended));
        let writing = tokio::spawn(writing);
        yield_times(1 + round % 5).await;
        let admitted = trial.admit_new(subject, 2, cap).await;
        is_ended.store(true, Ordering::SeqCst);
        let (_, outcome) = admitted?;
        let Admission::Committed { ended, .. } = &outcome else {
            return Err(Flaw(format!("a second one is answered with {outcome:?}")));
        };
        ensure!(ended.len() == 1 && ended[0].0 == old, "a second one ended {ended:?}");
        writing.await??;
        trial.expect_absent(&old, trial.now, "an ended one").await?;
    }
    Ok(())
}

async fn write_until_gone(
    trial: Trial<AnyStore>,
    subject: SubjectHash,
    key: RecordKey,
    is_ended: Arc<AtomicBool>,
) -> Held {
    let mut version = Version::FIRST;
    loop {
        // Whatever begins after the end was acknowledged must hear of it.
        let must_hear = is_ended.load(Ordering::SeqCst);
        match trial.store.commit(&key, Some(version), trial.owned(subject, 1), trial.now).await? {
            Commit::Committed(next) => version = next,
            Commit::Gone => return Ok(()),
            Commit::Conflict(found) => return Err(Flaw(format!("its only writer met {found:?}"))),
        }
        ensure!(!must_hear, "a commit after the end did not hear of it");
        yield_times(version.0 % 3).await;
    }
}
