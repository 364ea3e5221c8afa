//! From its deadline on a record is absent, swept or not.

use std::time::Duration;

use super::law::{Held, Law, Trial, ensure, laws, record};
use crate::clock::Timestamp;
use crate::store::{Commit, Store, Version};

pub(super) fn laws<S: Store>() -> Vec<Law<S>> {
    laws![
        a_record_lives_to_the_last_millisecond_and_not_one_longer,
        an_expired_record_is_not_loaded,
        an_expired_record_cannot_be_committed_to,
        an_expired_record_cannot_be_touched_back_to_life,
        removing_an_expired_record_finds_nothing,
        the_key_of_an_expired_record_can_be_used_anew,
    ]
}

const LAST: Duration = Duration::from_millis(1);

async fn a_record_lives_to_the_last_millisecond_and_not_one_longer<S: Store>(trial: Trial<S>) -> Held {
    for odd in [0, 1, 500, 999] {
        let mut draft = trial.draft("one");
        draft.header.expires = trial.minutes(30).plus(Duration::from_millis(odd));
        let end = draft.header.expires;
        let (key, current) = trial.created(draft).await?;
        let found = trial.store.load(&key, end.minus(LAST)).await?;
        ensure!(found.as_ref() == Some(&current), "in its last millisecond: {found:?}");
        let outcome =
            trial.store.commit(&key, Some(Version::FIRST), trial.draft("two"), end.minus(LAST)).await?;
        ensure!(outcome == Commit::Committed(Version(2)), "a commit in its last millisecond: {outcome:?}");
    }
    Ok(())
}

/// Instants at which a record is over that expires then.
fn after(end: Timestamp) -> [Timestamp; 3] {
    [end, end.plus(LAST), end.plus(Duration::from_hours(1))]
}

async fn an_expired_record_is_not_loaded<S: Store>(trial: Trial<S>) -> Held {
    let (key, current) = trial.created(trial.draft("one")).await?;
    for now in after(current.header.expires) {
        let found = trial.store.load(&key, now).await?;
        ensure!(found.is_none(), "{:?} after its deadline: {found:?}", now.since(current.header.expires));
    }
    Ok(())
}

async fn an_expired_record_cannot_be_committed_to<S: Store>(trial: Trial<S>) -> Held {
    for now in after(trial.minutes(30)) {
        let (key, _) = trial.created(trial.draft("one")).await?;
        for version in [Version::FIRST, Version(2)] {
            let mut draft = trial.draft("two");
            draft.header.expires = trial.minutes(200);
            let outcome = trial.store.commit(&key, Some(version), draft, now).await?;
            ensure!(outcome == Commit::Gone, "a commit of {version:?} is answered with {outcome:?}");
        }
        let found = trial.store.load(&key, now).await?;
        ensure!(found.is_none(), "a commit brought it back: {found:?}");
    }
    Ok(())
}

async fn an_expired_record_cannot_be_touched_back_to_life<S: Store>(trial: Trial<S>) -> Held {
    for now in after(trial.minutes(30)) {
        let (key, _) = trial.created(trial.draft("one")).await?;
        ensure!(!trial.store.touch(&key, now, trial.minutes(200), now).await?, "touch finds it");
        let found = trial.store.load(&key, now).await?;
        ensure!(found.is_none(), "a touch brought it back: {found:?}");
    }
    Ok(())
}

async fn removing_an_expired_record_finds_nothing<S: Store>(trial: Trial<S>) -> Held {
    let (key, current) = trial.created(trial.draft("one")).await?;
    let now = current.header.expires;
    ensure!(!trial.store.remove(&key, now).await?, "remove says that there was a live record");
    trial.expect_absent(&key, now, "after removing an expired record").await
}

async fn the_key_of_an_expired_record_can_be_used_anew<S: Store>(trial: Trial<S>) -> Held {
    let (key, current) = trial.created(trial.draft("one")).await?;
    trial.store.commit(&key, Some(current.version), trial.draft("two"), trial.now).await?;
    let now = current.header.expires;
    let mut draft = trial.draft("anew");
    draft.header.expires = trial.minutes(60);
    let outcome = trial.store.commit(&key, None, draft.clone(), now).await?;
    ensure!(outcome == Commit::Committed(Version::FIRST), "creating it anew is answered with {outcome:?}");
    let found = trial.store.load(&key, now).await?;
    ensure!(found.as_ref() == Some(&record(Version::FIRST, draft)), "it came back as {found:?}");
    Ok(())
}
