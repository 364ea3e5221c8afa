//! A subject has no more records than its cap.

use std::num::NonZeroUsize;

use super::law::{Flaw, Held, Law, Trial, ensure, laws, record};
use crate::id::RecordKey;
use crate::store::{Admission, AnyStore, Cap, Draft, Store, SubjectHash, Version, WhenFull};

pub(super) fn laws() -> Vec<Law<AnyStore>> {
    laws![
        an_admission_writes_what_a_commit_would,
        an_admission_that_lost_a_race_writes_nothing_and_ends_nobody,
        a_subject_that_is_full_is_refused_one_more,
        the_oldest_make_room_and_are_gone_for_every_verb,
        as_many_are_ended_as_the_cap_demands,
        a_record_takes_no_place_twice,
        only_live_records_of_the_same_subject_take_places,
        an_admission_without_a_subject_is_a_commit,
    ]
}

pub(super) fn cap(most: usize, when_full: WhenFull) -> Cap {
    Cap { most: NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN), when_full }
}

const POLICIES: [WhenFull; 2] = [WhenFull::EndOldest, WhenFull::Refuse];

impl Trial<AnyStore> {
    pub(super) async fn admit(
        &self,
        key: &RecordKey,
        expected: Option<Version>,
        draft: Draft,
        cap: Cap,
    ) -> Result<Admission, Flaw> {
        Ok(self.subjects()?.admit(key, expected, draft, cap, self.now).await?)
    }

    /// Admits a new record of this subject.
    pub(super) async fn admit_new(
        &self,
        subject: SubjectHash,
        minute: u64,
        cap: Cap,
    ) -> Result<(RecordKey, Admission), Flaw> {
        let key = self.key()?;
        let admission = self.admit(&key, None, self.owned(subject, minute), cap).await?;
        Ok((key, admission))
    }
}

fn committed(version: Version) -> Admission {
    Admission::Committed { version, ended: Vec::new() }
}

async fn an_admission_writes_what_a_commit_would(trial: Trial<AnyStore>) -> Held {
    for when_full in POLICIES {
        let (subject, cap) = (trial.subject()?, cap(2, when_full));
        let (key, outcome) = trial.admit_new(subject, 1, cap).await?;
        ensure!(outcome == committed(Version::FIRST), "a new record is answered with {outcome:?}");
        let first = (key, record(Version::FIRST, trial.owned(subject, 1)));
        trial.expect(&first.0, &first.1, "a new record that was admitted").await?;
        let (key, _) = trial.created(trial.draft("anonymous")).await?;
        let outcome = trial.admit(&key, Some(Version::FIRST), trial.owned(subject, 2), cap).await?;
        ensure!(outcome == committed(Version(2)), "an anonymous record is answered with {outcome:?}");
        let second = (key, record(Version(2), trial.owned(subject, 2)));
        trial.expect_listed(subject, &[&first, &second], trial.now, "two that were admitted").await?;
    }
    Ok(())
}

async fn an_admission_that_lost_a_race_writes_nothing_and_ends_nobody(trial: Trial<AnyStore>) -> Held {
    for when_full in POLICIES {
        let (subject, cap) = (trial.subject()?, cap(1, when_full));
        let theirs = trial.created_owned(subject, 1).await?;
        let (key, anonymous) = trial.created(trial.draft("anonymous")).await?;
        for expected in [None, Some(Version(2))] {
            let outcome = trial.admit(&key, expected, trial.owned(subject, 2), cap).await?;
            ensure!(
                outcome == Admission::Conflict(anonymous.clone()),
                "{expected:?} is answered with {outcome:?}"
            );
        }
        trial.expect(&key, &anonymous, "after an admission of another version").await?;
        let unknown = trial.key()?;
        let outcome = trial.admit(&unknown, Some(Version::FIRST), trial.owned(subject, 2), cap).await?;
        ensure!(outcome == Admission::Gone, "an unknown key is answered with {outcome:?}");
        trial.expect_absent(&unknown, trial.now, "after an admission that came too late").await?;
        trial.expect_listed(subject, &[&theirs], trial.now, "after admissions that lost").await?;
    }
    Ok(())
}

async fn a_subject_that_is_full_is_refused_one_more(trial: Trial<AnyStore>) -> Held {
    let (subject, cap) = (trial.subject()?, cap(2, WhenFull::Refuse));
    let (first, second) = (trial.created_owned(subject, 1).await?, trial.created_owned(subject, 2).await?);
    let (new, outcome) = trial.admit_new(subject, 3, cap).await?;
    ensure!(outcome == Admission::Full, "a third one is answered with {outcome:?}");
    trial.expect_absent(&new, trial.now, "one that was refused").await?;
    let (key, anonymous) = trial.created(trial.draft("anonymous")).await?;
    let outcome = trial.admit(&key, Some(Version::FIRST), trial.owned(subject, 3), cap).await?;
    ensure!(outcome == Admission::Full, "a third one is answered with {outcome:?}");
    trial.expect(&key, &anonymous, "one that was refused").await?;
    trial.expect_listed(subject, &[&first, &second], trial.now, "after others were refused").await?;
    trial.store.remove(&first.0, trial.now).await?;
    let outcome = trial.admit(&key, Some(Version::FIRST), trial.owned(subject, 3), cap).await?;
    ensure!(outcome == committed(Version(2)), "once there is a place: {outcome:?}");
    Ok(())
}

async fn the_oldest_make_room_and_are_gone_for_every_verb(trial: Trial<AnyStore>) -> Held {
    let (subject, cap) = (trial.subject()?, cap(2, WhenFull::EndOldest));
    let (young, old) = (trial.created_owned(subject, 2).await?, trial.created_owned(subject, 1).await?);
    let (key, outcome) = trial.admit_new(subject, 3, cap).await?;
    let expected = Admission::Committed { version: Version::FIRST, ended: vec![old.clone()] };
    ensure!(outcome == expected, "a third one is answered with {outcome:?}, not {expected:?}");
    trial.expect_absent(&old.0, trial.now, "the oldest one").await?;
    let new = (key, record(Version::FIRST, trial.owned(subject, 3)));
    trial.expect_listed(subject, &[&young, &new], trial.now, "after the oldest one went").await?;
    // The record itself never goes, however old it is.
    let (key, _) = trial.created(trial.draft("anonymous")).await?;
    let outcome = trial.admit(&key, Some(Version::FIRST), trial.owned(subject, 0), cap).await?;
    let expected = Admission::Committed { version: Version(2), ended: vec![young] };
    ensure!(outcome == expected, "the oldest of all is answered with {outcome:?}, not {expected:?}");
    let oldest = (key, record(Version(2), trial.owned(subject, 0)));
    trial.expect_listed(subject, &[&oldest, &new], trial.now, "after the oldest of all came").await
}

async fn as_many_are_ended_as_the_cap_demands(trial: Trial<AnyStore>) -> Held {
    let subject = trial.subject()?;
    let mut records = Vec::new();
    for minute in 0..5 {
        records.push(trial.created_owned(subject, minute).await?);
    }
    let (key, outcome) = trial.admit_new(subject, 5, cap(3, WhenFull::EndOldest)).await?;
    let expected = Admission::Committed { version: Version::FIRST, ended: records[..3].to_vec() };
    ensure!(outcome == expected, "a sixth of three is answered with {outcome:?}, not {expected:?}");
    let new = (key, record(Version::FIRST, trial.owned(subject, 5)));
    trial.expect_listed(subject, &[&records[3], &records[4], &new], trial.now, "after three went").await
}

async fn a_record_takes_no_place_twice(trial: Trial<AnyStore>) -> Held {
    for when_full in POLICIES {
        let (subject, cap) = (trial.subject()?, cap(2, when_full));
        let (other, (key, _)) =
            (trial.created_owned(subject, 2).await?, trial.created_owned(subject, 1).await?);
        let outcome = trial.admit(&key, Some(Version::FIRST), trial.owned(subject, 1), cap).await?;
        ensure!(outcome == committed(Version(2)), "one that is the subject's is answered with {outcome:?}");
        let again = (key, record(Version(2), trial.owned(subject, 1)));
        trial.expect_listed(subject, &[&again, &other], trial.now, "after one was admitted again").await?;
    }
    Ok(())
}

async fn only_live_records_of_the_same_subject_take_places(trial: Trial<AnyStore>) -> Held {
    for when_full in POLICIES {
        let (subject, cap) = (trial.subject()?, cap(1, when_full));
        let (another, expired) =
            (trial.created_owned(trial.subject()?, 1).await?, trial.created_owned(subject, 1).await?);
        let (removed, changed) =
            (trial.created_owned(subject, 2).await?, trial.created_owned(subject, 3).await?);
        trial.store.remove(&removed.0, trial.now).await?;
        trial.store.commit(&changed.0, Some(Version::FIRST), trial.draft("left"), trial.now).await?;
        let later = trial.minutes(30);
        let mut draft = trial.owned(subject, 30);
        draft.header.expires = trial.minutes(60);
        let outcome = trial.subjects()?.admit(&trial.key()?, None, draft, cap, later).await?;
        ensure!(outcome == committed(Version::FIRST), "beside {expired:?}, which has expired: {outcome:?}");
        trial.expect(&another.0, &another.1, "one of another subject").await?;
        ensure!(
            trial.store.load(&changed.0, trial.now).await?.is_some(),
            "one that was the subject's is gone"
        );
    }
    Ok(())
}

async fn an_admission_without_a_subject_is_a_commit(trial: Trial<AnyStore>) -> Held {
    let cap = cap(1, WhenFull::Refuse);
    trial.created(trial.draft("anonymous")).await?;
    let key = trial.key()?;
    let outcome = trial.admit(&key, None, trial.draft("one"), cap).await?;
    ensure!(outcome == committed(Version::FIRST), "an anonymous one is answered with {outcome:?}");
    let outcome = trial.admit(&key, Some(Version(7)), trial.draft("two"), cap).await?;
    let current = record(Version::FIRST, trial.draft("one"));
    ensure!(outcome == Admission::Conflict(current), "another version is answered with {outcome:?}");
    Ok(())
}
