//! What goes in comes out.

use std::time::Duration;

use bytes::Bytes;

use super::law::{Held, Law, Trial, ensure, laws, record};
use crate::clock::Timestamp;
use crate::store::{Commit, Header, Store, SubjectHash, Version};

pub(super) fn laws<S: Store>() -> Vec<Law<S>> {
    laws![
        payloads_come_back_byte_for_byte,
        instants_come_back_to_the_millisecond,
        a_commit_sets_the_deadlines_it_is_given_earlier_ones_too,
        the_owner_comes_and_goes_with_each_commit,
    ]
}

async fn payloads_come_back_byte_for_byte<S: Store>(trial: Trial<S>) -> Held {
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let large: Vec<u8> =
        (0..64 << 10_u32).map(|n: u32| n.wrapping_mul(0x9E37_79B9).to_be_bytes()[0]).collect();
    let payloads =
        [vec![], vec![0], vec![0xFF; 3], b"it's \"quoted\\\"\r\n\0; --".to_vec(), every_byte, large, vec![]];
    for payload in &payloads {
        let (key, record) = trial.created(trial.draft(payload.clone())).await?;
        trial.expect(&key, &record, "a payload of a new record").await?;
    }
    let (key, mut current) = trial.created(trial.draft("first")).await?;
    for payload in payloads {
        let draft = trial.draft(Bytes::from(payload));
        trial.store.commit(&key, Some(current.version), draft.clone(), trial.now).await?;
        current = record(current.version.next(), draft);
        trial.expect(&key, &current, "a payload of a replaced record").await?;
    }
    Ok(())
}

async fn instants_come_back_to_the_millisecond<S: Store>(trial: Trial<S>) -> Held {
    for odd in [1, 499, 500, 999, 1001] {
        let at = |minutes: u64, shift: u64| trial.minutes(minutes).plus(Duration::from_millis(odd * shift));
        let mut draft = trial.draft("odd instants");
        draft.header = Header {
            created: trial.now.minus(Duration::from_millis(odd)),
            seen: at(1, 1),
            expires: at(30, 2),
            latest: at(600, 3),
            subject: None,
        };
        let (key, mut current) = trial.created(draft).await?;
        trial.expect(&key, &current, "odd milliseconds").await?;
        current.header.seen = at(2, 5);
        current.header.expires = at(60, 7);
        let Header { seen, expires, .. } = current.header;
        trial.store.touch(&key, seen, expires, trial.now).await?;
        trial.expect(&key, &current, "odd milliseconds of a touch").await?;
    }
    let mut draft = trial.draft("the longest");
    // 400 days, the longest that a session lives, and the beginning of time.
    draft.header.latest = trial.minutes(400 * 24 * 60);
    draft.header.expires = draft.header.latest;
    draft.header.created = Timestamp::from_millis(0);
    let (key, current) = trial.created(draft).await?;
    trial.expect(&key, &current, "instants far apart").await
}

async fn a_commit_sets_the_deadlines_it_is_given_earlier_ones_too<S: Store>(trial: Trial<S>) -> Held {
    let (key, mut current) = trial.created(trial.draft("one")).await?;
    for (expires, latest) in [(60, 700), (20, 650), (30, 40)] {
        let mut draft = trial.draft("one");
        draft.header.expires = trial.minutes(expires);
        draft.header.latest = trial.minutes(latest);
        trial.store.commit(&key, Some(current.version), draft.clone(), trial.now).await?;
        current = record(current.version.next(), draft);
        trial.expect(&key, &current, "after a commit with other deadlines").await?;
    }
    let found = trial.store.load(&key, trial.minutes(30)).await?;
    ensure!(found.is_none(), "it outlives the earlier deadline: {found:?}");
    Ok(())
}

async fn the_owner_comes_and_goes_with_each_commit<S: Store>(trial: Trial<S>) -> Held {
    let owners = [None, Some([0; 16]), Some([0xFF; 16]), None, Some(*b"0123456789abcdef")];
    let (key, mut current) = trial.created(trial.draft("mine")).await?;
    for owner in owners {
        let mut draft = trial.draft("mine");
        draft.header.subject = owner.map(SubjectHash);
        let (new, created) = trial.created(draft.clone()).await?;
        trial.expect(&new, &created, "the owner of a new record").await?;
        let outcome = trial.store.commit(&key, Some(current.version), draft.clone(), trial.now).await?;
        let next: Version = current.version.next();
        ensure!(outcome == Commit::Committed(next), "expected {next:?}, was answered {outcome:?}");
        current = record(next, draft);
        trial.store.touch(&key, trial.minutes(1), trial.minutes(31), trial.now).await?;
        current.header.seen = trial.minutes(1);
        current.header.expires = trial.minutes(31);
        let found = trial.store.load(&key, trial.now).await?;
        let subject = found.and_then(|record| record.header.subject).map(|hash| hash.0);
        ensure!(subject == owner, "the owner {owner:?} came back as {subject:?}");
        trial.expect(&key, &current, "the owner after a commit and a touch").await?;
    }
    Ok(())
}
