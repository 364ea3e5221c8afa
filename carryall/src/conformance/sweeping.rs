//! Removing expired records in batches.

use super::law::{Flaw, Held, Law, Trial, ensure, laws};
use crate::clock::Timestamp;
use crate::id::RecordKey;
use crate::store::{Commit, Record, SubjectHash, Sweep, Version};

pub(super) fn laws<S: Sweep>() -> Vec<Law<S>> {
    laws![
        a_sweep_removes_what_is_expired_and_spares_the_living,
        a_sweep_removes_no_more_than_its_limit,
        sweeping_again_finds_nothing,
        a_sweep_goes_by_the_deadline_as_it_is_now,
    ]
}

/// Twelve records, half of them owned, that expire in 10, 11, .. 21 minutes.
async fn twelve<S: Sweep>(trial: &Trial<S>) -> Result<Vec<(RecordKey, Record)>, Flaw> {
    let mut records = Vec::new();
    for n in 0..12_u8 {
        let mut draft = trial.draft(vec![n]);
        draft.header.expires = trial.minutes(10 + u64::from(n));
        draft.header.subject = (n % 2 == 0).then_some(SubjectHash([n; 16]));
        records.push(trial.created(draft).await?);
    }
    Ok(records)
}

async fn a_sweep_removes_what_is_expired_and_spares_the_living<S: Sweep>(trial: Trial<S>) -> Held {
    let records = twelve(&trial).await?;
    let removed = trial.store.sweep_once(trial.now, 100).await?;
    ensure!(removed == 0, "before any deadline {removed} were removed");
    for (minute, expected) in [(10, 1), (14, 4), (21, 7)] {
        let now = trial.minutes(minute);
        let removed = trial.store.sweep_once(now, 100).await?;
        ensure!(removed == expected, "after {minute} minutes {removed} were removed, not {expected}");
        for (key, record) in &records {
            let expected = Some(record).filter(|record| now < record.header.expires);
            let found = trial.store.load(key, now).await?;
            ensure!(found.as_ref() == expected, "after {minute} minutes: {found:?}, not {expected:?}");
        }
    }
    Ok(())
}

async fn a_sweep_removes_no_more_than_its_limit<S: Sweep>(trial: Trial<S>) -> Held {
    twelve(&trial).await?;
    let now = trial.minutes(25);
    for (limit, expected) in [(0, 0), (1, 1), (5, 5), (10, 6), (10, 0)] {
        let removed = trial.store.sweep_once(now, limit).await?;
        ensure!(removed == expected, "with a limit of {limit}, {removed} were removed, not {expected}");
    }
    Ok(())
}

async fn sweeping_again_finds_nothing<S: Sweep>(trial: Trial<S>) -> Held {
    let records = twelve(&trial).await?;
    let now = trial.minutes(25);
    trial.store.sweep_once(now, 100).await?;
    let removed = trial.store.sweep_once(now, 100).await?;
    ensure!(removed == 0, "a second sweep removed {removed}");
    for (key, _) in &records {
        let mut draft = trial.draft("anew");
        draft.header.expires = trial.minutes(60);
        let outcome = trial.store.commit(key, None, draft, now).await?;
        ensure!(outcome == Commit::Committed(Version::FIRST), "a swept key cannot be used: {outcome:?}");
    }
    Ok(())
}

async fn a_sweep_goes_by_the_deadline_as_it_is_now<S: Sweep>(trial: Trial<S>) -> Held {
    let end = trial.minutes(30);
    let (touched, _) = trial.created(trial.draft("touched")).await?;
    trial.store.touch(&touched, trial.now, trial.minutes(40), trial.now).await?;
    let (extended, _) = trial.created(trial.draft("extended")).await?;
    commit_until(&trial, &extended, trial.minutes(40)).await?;
    let (shortened, _) = trial.created(trial.draft("shortened")).await?;
    commit_until(&trial, &shortened, trial.minutes(20)).await?;
    let (removed, _) = trial.created(trial.draft("removed")).await?;
    trial.store.remove(&removed, trial.now).await?;

    let swept = trial.store.sweep_once(trial.minutes(20), 100).await?;
    ensure!(swept == 1, "of one record with a shortened life {swept} were removed");
    let swept = trial.store.sweep_once(end, 100).await?;
    ensure!(swept == 0, "{swept} were removed at a deadline that no record has any more");
    for key in [touched, extended] {
        ensure!(trial.store.load(&key, end).await?.is_some(), "a record with an extended life is gone");
    }
    let swept = trial.store.sweep_once(trial.minutes(40), 100).await?;
    ensure!(swept == 2, "of two records at their moved deadline {swept} were removed");
    Ok(())
}

async fn commit_until<S: Sweep>(trial: &Trial<S>, key: &RecordKey, expires: Timestamp) -> Held {
    let mut draft = trial.draft("moved");
    draft.header.expires = expires;
    trial.store.commit(key, Some(Version::FIRST), draft, trial.now).await?;
    Ok(())
}
