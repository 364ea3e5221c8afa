//! How records come to be.

use super::law::{Held, Law, Trial, ensure, laws};
use crate::id::RecordKey;
use crate::store::{Commit, Store, Version};

pub(super) fn laws<S: Store>() -> Vec<Law<S>> {
    laws![
        a_created_record_has_the_first_version_and_can_be_loaded,
        a_record_is_created_only_once,
        an_unknown_key_is_absent_for_every_verb,
        keys_that_differ_in_one_bit_are_independent,
    ]
}

async fn a_created_record_has_the_first_version_and_can_be_loaded<S: Store>(trial: Trial<S>) -> Held {
    let (key, record) = trial.created(trial.draft("one")).await?;
    trial.expect(&key, &record, "after it was created").await
}

async fn a_record_is_created_only_once<S: Store>(trial: Trial<S>) -> Held {
    let (key, record) = trial.created(trial.draft("one")).await?;
    let outcome = trial.store.commit(&key, None, trial.draft("two"), trial.now).await?;
    ensure!(outcome == Commit::Conflict(record.clone()), "creating it again is answered with {outcome:?}");
    trial.expect(&key, &record, "after an attempt to create it again").await
}

async fn an_unknown_key_is_absent_for_every_verb<S: Store>(trial: Trial<S>) -> Held {
    trial.expect_absent(&trial.key()?, trial.now, "before it was created").await
}

async fn keys_that_differ_in_one_bit_are_independent<S: Store>(trial: Trial<S>) -> Held {
    let (key, record) = trial.created(trial.draft("one")).await?;
    for bit in 0..8 * key.as_bytes().len() {
        let mut bytes = *key.as_bytes();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let other = RecordKey::from_bytes(bytes);
        let found = trial.store.load(&other, trial.now).await?;
        ensure!(found.is_none(), "bit {bit} makes no difference: {found:?}");
        let outcome = trial.store.commit(&other, None, trial.draft("other"), trial.now).await?;
        ensure!(outcome == Commit::Committed(Version::FIRST), "bit {bit}: creating: {outcome:?}");
        ensure!(trial.store.remove(&other, trial.now).await?, "bit {bit}: the other record is not there");
    }
    trial.expect(&key, &record, "after others were created and removed").await
}
