//! Many at once.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use super::law::{Flaw, Held, Law, Trial, ensure, laws, record, yield_times};
use crate::id::RecordKey;
use crate::store::{Commit, Record, Store, Version};

pub(super) fn laws<S: Store>() -> Vec<Law<S>> {
    laws![
        of_racing_creations_one_wins,
        fifty_writers_that_retry_lose_no_update,
        a_touch_beside_commits_undoes_none_of_them,
        a_reader_never_sees_half_of_a_commit,
        a_cancelled_commit_leaves_the_old_record_or_the_new_one,
    ]
}

async fn of_racing_creations_one_wins<S: Store>(trial: Trial<S>) -> Held {
    for _ in 0..8 {
        let key = trial.key()?;
        let tasks: Vec<_> = (0..16_u8)
            .map(|writer| {
                let (trial, draft) = (trial.clone(), trial.draft(vec![writer]));
                tokio::spawn(async move {
                    yield_times(1).await;
                    trial.store.commit(&key, None, draft, trial.now).await
                })
            })
            .collect();
        let (mut winner, mut seen) = (None, Vec::new());
        for (writer, task) in (0_u8..).zip(tasks) {
            match task.await?? {
                Commit::Committed(Version::FIRST) if winner.is_none() => winner = Some(writer),
                Commit::Conflict(record) => seen.push(record),
                other => {
                    return Err(Flaw(format!("after {winner:?} had won, {writer} was answered {other:?}")));
                }
            }
        }
        let Some(writer) = winner else { return Err(Flaw("nobody won".to_owned())) };
        let current = record(Version::FIRST, trial.draft(vec![writer]));
        ensure!(seen.iter().all(|record| *record == current), "the others saw {seen:?}, not {current:?}");
        trial.expect(&key, &current, "after creations raced").await?;
    }
    Ok(())
}

/// Adds one to the number in the record, with as many attempts as that takes.
async fn increment<S: Store>(trial: &Trial<S>, key: &RecordKey) -> Result<(), Flaw> {
    const ATTEMPTS: usize = 10_000;
    let load = trial.store.load(key, trial.now).await?;
    let mut fresh = load.ok_or_else(|| Flaw("the record is not there".to_owned()))?;
    for _ in 0..ATTEMPTS {
        // Between reading and writing others get a turn.
        yield_times(1).await;
        let draft = trial.draft((count(&fresh)? + 1).to_be_bytes().to_vec());
        match trial.store.commit(key, Some(fresh.version), draft, trial.now).await? {
            Commit::Committed(_) => return Ok(()),
            Commit::Conflict(record) => {
                ensure!(record.version != fresh.version, "a conflict with the version that was expected");
                fresh = record;
            }
            Commit::Gone => return Err(Flaw("the record went".to_owned())),
        }
    }
    Err(Flaw(format!("no commit won in {ATTEMPTS} attempts")))
}

fn count(record: &Record) -> Result<u64, Flaw> {
    let bytes = record.payload.as_ref().try_into();
    bytes.map(u64::from_be_bytes).map_err(|_| Flaw(format!("a payload that nobody wrote: {record:?}")))
}

async fn fifty_writers_that_retry_lose_no_update<S: Store>(trial: Trial<S>) -> Held {
    let (key, _) = trial.created(trial.draft(0_u64.to_be_bytes().to_vec())).await?;
    let mut tasks = Vec::new();
    for _ in 0..50 {
        let trial = trial.clone();
        tasks.push(tokio::spawn(async move {
            yield_times(1).await;
            increment(&trial, &key).await
        }));
    }
    for task in tasks {
        task.await??;
    }
    let current = record(Version(51), trial.draft(50_u64.to_be_bytes().to_vec()));
    trial.expect(&key, &current, "after fifty writers").await
}

async fn a_touch_beside_commits_undoes_none_of_them<S: Store>(trial: Trial<S>) -> Held {
    const COMMITS: u64 = 40;
    let (key, _) = trial.created(trial.draft(0_u64.to_be_bytes().to_vec())).await?;
    let toucher = {
        let trial = trial.clone();
        tokio::spawn(async move {
            for minute in 1..=COMMITS {
                let (seen, expires) = (trial.minutes(minute), trial.minutes(60 + minute));
                ensure!(trial.store.touch(&key, seen, expires, trial.now).await?, "touch did not find it");
                yield_times(minute % 3).await;
            }
            Ok(())
        })
    };
    for _ in 0..COMMITS {
        increment(&trial, &key).await?;
    }
    toucher.await??;
    let found = trial.store.load(&key, trial.now).await?;
    let Some(found) = found else { return Err(Flaw("the record went".to_owned())) };
    let (commits, version) = (count(&found)?, found.version);
    ensure!(
        commits == COMMITS && version == Version(COMMITS + 1),
        "{COMMITS} commits left {commits} in {version:?}"
    );
    Ok(())
}

async fn a_reader_never_sees_half_of_a_commit<S: Store>(trial: Trial<S>) -> Held {
    const COMMITS: u64 = 60;
    // Version, deadline and every byte of the payload say the same number.
    let whole = |number: u64| {
        let mut draft = trial.draft(vec![number.to_le_bytes()[0]; 4096]);
        draft.header.expires = trial.minutes(30 + number);
        draft
    };
    let (key, _) = trial.created(whole(1)).await?;
    let writer = {
        let trial = trial.clone();
        let drafts: Vec<_> = (2..=COMMITS).map(whole).collect();
        tokio::spawn(async move {
            for (version, draft) in (1..).map(Version).zip(drafts) {
                let outcome = trial.store.commit(&key, Some(version), draft, trial.now).await?;
                ensure!(matches!(outcome, Commit::Committed(_)), "the only writer is told {outcome:?}");
                yield_times(version.0 % 3).await;
            }
            Ok::<(), Flaw>(())
        })
    };
    for round in 0..2 * COMMITS {
        let found = trial.store.load(&key, trial.now).await?;
        let Some(found) = found else { return Err(Flaw("the record went".to_owned())) };
        ensure!(found == record(found.version, whole(found.version.0)), "a mixture: {found:?}");
        yield_times(round % 3).await;
    }
    writer.await?
}

async fn a_cancelled_commit_leaves_the_old_record_or_the_new_one<S: Store>(trial: Trial<S>) -> Held {
    const DEEPEST: usize = 12;
    let (key, mut old) = trial.created(trial.draft(vec![0; 2048])).await?;
    for polls in 0..DEEPEST {
        let draft = trial.draft(vec![1 + u8::try_from(polls).unwrap_or_default(); 2048 + polls]);
        let new = record(old.version.next(), draft.clone());
        polled(trial.store.commit(&key, Some(old.version), draft, trial.now), polls).await;
        let found = trial.store.load(&key, trial.now).await?;
        ensure!(
            found.as_ref().is_some_and(|found| *found == old || *found == new),
            "cancelled after {polls} polls, it left {found:?}"
        );
        old = overwritten(&trial, &key, found.map_or(old.version, |found| found.version)).await?;
        trial.expect(&key, &old, "after the next commit").await?;
    }
    Ok(())
}

/// Polls a future at most so often and drops it.
async fn polled<F: Future>(future: F, polls: usize) {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|context| {
        if left == 0 || future.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        left -= 1;
        // Others get a turn, so that a call which waits for a server gets further with each poll.
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Commits whatever the version is; what was cancelled may still arrive once.
async fn overwritten<S: Store>(
    trial: &Trial<S>,
    key: &RecordKey,
    mut version: Version,
) -> Result<Record, Flaw> {
    for _ in 0..3 {
        let draft = trial.draft("overwritten");
        match trial.store.commit(key, Some(version), draft.clone(), trial.now).await? {
            Commit::Committed(next) => return Ok(record(next, draft)),
            Commit::Conflict(fresh) => version = fresh.version,
            Commit::Gone => break,
        }
    }
    Err(Flaw("after a cancelled commit no other one succeeds".to_owned()))
}
