//! Seeing a session without writing it.

use super::law::{Held, Law, Trial, ensure, laws};
use crate::store::{Commit, Store, SubjectHash};

pub(super) fn laws<S: Store>() -> Vec<Law<S>> {
    laws![
        a_touch_moves_seen_and_deadline_and_nothing_else,
        a_touch_never_moves_anything_back,
        a_touch_is_capped_at_the_latest_deadline,
        a_touch_keeps_the_version_so_that_commits_under_way_succeed,
        a_touch_never_creates,
    ]
}

async fn a_touch_moves_seen_and_deadline_and_nothing_else<S: Store>(trial: Trial<S>) -> Held {
    let mut draft = trial.draft("kept");
    draft.header.subject = Some(SubjectHash([9; 16]));
    let (key, mut current) = trial.created(draft).await?;
    let (seen, expires) = (trial.minutes(10), trial.minutes(40));
    ensure!(trial.store.touch(&key, seen, expires, trial.minutes(10)).await?, "touch did not find it");
    current.header.seen = seen;
    current.header.expires = expires;
    trial.expect(&key, &current, "after a touch").await?;
    let found = trial.store.load(&key, trial.minutes(35)).await?;
    ensure!(found.as_ref() == Some(&current), "past the old deadline: {found:?}");
    Ok(())
}

async fn a_touch_never_moves_anything_back<S: Store>(trial: Trial<S>) -> Held {
    let mut draft = trial.draft("kept");
    draft.header.seen = trial.minutes(5);
    let (key, mut current) = trial.created(draft).await?;
    ensure!(trial.store.touch(&key, trial.now, trial.minutes(10), trial.now).await?, "touch did not find it");
    trial.expect(&key, &current, "after a touch with earlier instants").await?;
    // One forward, one back: each by itself.
    trial.store.touch(&key, trial.minutes(6), trial.minutes(10), trial.now).await?;
    current.header.seen = trial.minutes(6);
    trial.expect(&key, &current, "seen forward, deadline back").await?;
    trial.store.touch(&key, trial.now, trial.minutes(45), trial.now).await?;
    current.header.expires = trial.minutes(45);
    trial.expect(&key, &current, "seen back, deadline forward").await
}

async fn a_touch_is_capped_at_the_latest_deadline<S: Store>(trial: Trial<S>) -> Held {
    let mut draft = trial.draft("kept");
    draft.header.latest = trial.minutes(50);
    let (key, mut current) = trial.created(draft).await?;
    ensure!(trial.store.touch(&key, trial.now, trial.minutes(90), trial.now).await?, "touch did not find it");
    current.header.expires = trial.minutes(50);
    trial.expect(&key, &current, "after a touch past the latest deadline").await?;
    let found = trial.store.load(&key, trial.minutes(50)).await?;
    ensure!(found.is_none(), "it outlives its latest deadline: {found:?}");
    Ok(())
}

async fn a_touch_keeps_the_version_so_that_commits_under_way_succeed<S: Store>(trial: Trial<S>) -> Held {
    let (key, current) = trial.created(trial.draft("one")).await?;
    trial.store.touch(&key, trial.minutes(1), trial.minutes(31), trial.now).await?;
    let outcome = trial.store.commit(&key, Some(current.version), trial.draft("two"), trial.now).await?;
    let next = current.version.next();
    ensure!(outcome == Commit::Committed(next), "a commit after a touch is answered with {outcome:?}");
    Ok(())
}

async fn a_touch_never_creates<S: Store>(trial: Trial<S>) -> Held {
    let key = trial.key()?;
    ensure!(
        !trial.store.touch(&key, trial.now, trial.minutes(30), trial.now).await?,
        "touch found something"
    );
    let found = trial.store.load(&key, trial.now).await?;
    ensure!(found.is_none(), "a touch of nothing made {found:?}");
    let outcome = trial.store.commit(&key, None, trial.draft("one"), trial.now).await?;
    ensure!(matches!(outcome, Commit::Committed(_)), "a touch of nothing took the key: {outcome:?}");
    Ok(())
}
