//! The records of a subject are found, all of them and no others.

use super::law::{Flaw, Held, Law, Trial, ensure, laws, record};
use crate::clock::Timestamp;
use crate::id::RecordKey;
use crate::store::{AnyStore, Commit, Draft, Record, Store, SubjectHash, Subjects, Version};

pub(super) fn laws() -> Vec<Law<AnyStore>> {
    laws![
        all_live_records_of_a_subject_are_listed_the_oldest_first,
        records_of_the_same_age_are_listed_by_their_key,
        a_list_holds_the_oldest_up_to_its_limit,
        a_listed_record_is_the_one_that_is_loaded,
        a_removed_record_is_not_listed,
        an_expired_record_is_not_listed_and_a_touched_one_is,
        a_record_is_listed_under_the_subject_that_it_has_now,
        a_record_created_over_an_expired_one_is_its_new_subjects,
    ]
}

/// A record as it is listed.
pub(super) type Listed = (RecordKey, Record);

impl Trial<AnyStore> {
    pub(super) fn subjects(&self) -> Result<&Subjects, Flaw> {
        self.store.subjects().ok_or_else(|| Flaw("it is not declared with `lists_subjects()`".to_owned()))
    }

    /// A subject that nobody has heard of.
    pub(super) fn subject(&self) -> Result<SubjectHash, Flaw> {
        Ok(SubjectHash(*self.key()?.as_bytes()))
    }

    /// A record of this subject that began so many minutes after the present.
    pub(super) fn owned(&self, subject: SubjectHash, minute: u64) -> Draft {
        let mut draft = self.draft(format!("began at minute {minute}"));
        draft.header.created = self.minutes(minute);
        draft.header.subject = Some(subject);
        draft
    }

    pub(super) async fn created_owned(&self, subject: SubjectHash, minute: u64) -> Result<Listed, Flaw> {
        self.created(self.owned(subject, minute)).await
    }

    /// Ensures that these are the subject's records, in this order, and as many as are counted.
    pub(super) async fn expect_listed(
        &self,
        subject: SubjectHash,
        expected: &[&Listed],
        now: Timestamp,
        when: &str,
    ) -> Held {
        let listed = self.subjects()?.list(&subject, 100, now).await?;
        let is_same = listed.iter().eq(expected.iter().copied());
        ensure!(is_same, "{when}: expected {expected:?}, listed {listed:?}");
        let counted = self.subjects()?.count(&subject, now).await?;
        ensure!(counted == expected.len(), "{when}: of {} records {counted} are counted", expected.len());
        Ok(())
    }
}

async fn all_live_records_of_a_subject_are_listed_the_oldest_first(trial: Trial<AnyStore>) -> Held {
    let (ada, bob) = (trial.subject()?, trial.subject()?);
    trial.expect_listed(ada, &[], trial.now, "before anybody signed in").await?;
    let mut of_ada = Vec::new();
    for minute in [3, 1, 4, 0, 2] {
        of_ada.push(trial.created_owned(ada, minute).await?);
    }
    let of_bob = trial.created_owned(bob, 1).await?;
    trial.created(trial.draft("anonymous")).await?;
    of_ada.sort_by_key(|(_, record)| record.header.created);
    trial.expect_listed(ada, &of_ada.iter().collect::<Vec<_>>(), trial.now, "five of one subject").await?;
    trial.expect_listed(bob, &[&of_bob], trial.now, "the one of another").await
}

async fn records_of_the_same_age_are_listed_by_their_key(trial: Trial<AnyStore>) -> Held {
    let subject = trial.subject()?;
    let mut records = Vec::new();
    for _ in 0..8 {
        records.push(trial.created_owned(subject, 1).await?);
    }
    records.sort_by_key(|(key, _)| *key);
    trial.expect_listed(subject, &records.iter().collect::<Vec<_>>(), trial.now, "eight of one age").await
}

async fn a_list_holds_the_oldest_up_to_its_limit(trial: Trial<AnyStore>) -> Held {
    let subject = trial.subject()?;
    let mut records = Vec::new();
    for minute in [2, 0, 3, 1] {
        records.push(trial.created_owned(subject, minute).await?);
    }
    records.sort_by_key(|(_, record)| record.header.created);
    for (limit, expected) in [(0, 0), (1, 1), (3, 3), (4, 4), (5, 4)] {
        let listed = trial.subjects()?.list(&subject, limit, trial.now).await?;
        ensure!(listed == records[..expected], "with a limit of {limit}: {listed:?} of {records:?}");
    }
    Ok(())
}

async fn a_listed_record_is_the_one_that_is_loaded(trial: Trial<AnyStore>) -> Held {
    let subject = trial.subject()?;
    let (key, _) = trial.created_owned(subject, 1).await?;
    let draft = Draft { payload: vec![0, 255, 10, 13, 0].into(), ..trial.owned(subject, 1) };
    let outcome = trial.store.commit(&key, Some(Version::FIRST), draft.clone(), trial.now).await?;
    ensure!(outcome == Commit::Committed(Version(2)), "a commit was answered with {outcome:?}");
    trial
        .expect_listed(subject, &[&(key, record(Version(2), draft.clone()))], trial.now, "after a commit")
        .await?;
    trial.store.touch(&key, trial.minutes(2), trial.minutes(45), trial.now).await?;
    let mut touched = record(Version(2), draft);
    (touched.header.seen, touched.header.expires) = (trial.minutes(2), trial.minutes(45));
    trial.expect_listed(subject, &[&(key, touched)], trial.now, "after a touch").await
}

async fn a_removed_record_is_not_listed(trial: Trial<AnyStore>) -> Held {
    let subject = trial.subject()?;
    let first = trial.created_owned(subject, 1).await?;
    let second = trial.created_owned(subject, 2).await?;
    trial.store.remove(&first.0, trial.now).await?;
    trial.expect_listed(subject, &[&second], trial.now, "after the older one was removed").await?;
    trial.store.remove(&second.0, trial.now).await?;
    trial.expect_listed(subject, &[], trial.now, "after both were removed").await
}

async fn an_expired_record_is_not_listed_and_a_touched_one_is(trial: Trial<AnyStore>) -> Held {
    let subject = trial.subject()?;
    trial.created_owned(subject, 1).await?;
    let (key, mut touched) = trial.created_owned(subject, 2).await?;
    trial.store.touch(&key, trial.minutes(5), trial.minutes(40), trial.now).await?;
    (touched.header.seen, touched.header.expires) = (trial.minutes(5), trial.minutes(40));
    let touched = (key, touched);
    trial.expect_listed(subject, &[&touched], trial.minutes(30), "when the other one had expired").await?;
    trial.expect_listed(subject, &[], trial.minutes(40), "when both had").await
}

async fn a_record_is_listed_under_the_subject_that_it_has_now(trial: Trial<AnyStore>) -> Held {
    let (ada, bob) = (trial.subject()?, trial.subject()?);
    let (key, _) = trial.created(trial.draft("anonymous")).await?;
    for (version, subject) in (1..).map(Version).zip([Some(ada), Some(bob), None, Some(ada)]) {
        let mut draft = trial.draft("whose it is");
        draft.header.subject = subject;
        trial.store.commit(&key, Some(version), draft.clone(), trial.now).await?;
        let listed = (key, record(version.next(), draft));
        for known in [ada, bob] {
            let expected: &[_] = if subject == Some(known) { &[&listed] } else { &[] };
            trial.expect_listed(known, expected, trial.now, "after its subject changed").await?;
        }
    }
    Ok(())
}

async fn a_record_created_over_an_expired_one_is_its_new_subjects(trial: Trial<AnyStore>) -> Held {
    let (ada, bob) = (trial.subject()?, trial.subject()?);
    let (key, _) = trial.created_owned(ada, 1).await?;
    let later = trial.minutes(30);
    let mut draft = trial.owned(bob, 30);
    draft.header.expires = trial.minutes(60);
    trial.store.commit(&key, None, draft.clone(), later).await?;
    trial.expect_listed(ada, &[], later, "whose record has expired").await?;
    trial.expect_listed(bob, &[&(key, record(Version::FIRST, draft))], later, "who has its key now").await
}
