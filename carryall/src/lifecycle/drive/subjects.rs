//! The sessions of one user: listed, and ended from outside.

use std::sync::Arc;

use super::super::house::House;
use super::super::place::Home;
use super::super::record::{self, Body};
use super::end::end;
use super::within;
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::{Error, ErrorKind};
use crate::event::End;
use crate::id::{Handle, RecordKey, Subject};
use crate::store::{AnyStore, Header, Record, Store as _, SubjectHash, Subjects};

/// How many are asked for at once, the oldest first: whoever signs in for ever to one account shall not fill the memory
/// of whoever lists them.
pub(crate) const MOST: usize = 1_000;

/// One of a user's sessions.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) header: Header,
    pub(crate) envelope: Envelope,
}

/// The user's sessions that are good, the oldest first.
pub(crate) async fn list(house: &House, subject: &Subject) -> Result<Vec<Kept>, Error> {
    let now = house.now();
    let (_, subjects) = lister(house)?;
    let found = find(house, subjects, &house.subject_hash(subject), now).await?;
    let good = found.into_iter().filter_map(|(_, record)| {
        let body = record::read(record.payload).filter(|body| !is_over(house, body, now))?;
        is_of(&body, subject).then_some(Kept { header: record.header, envelope: body.envelope })
    });
    Ok(good.collect())
}

/// How many records the user has.
pub(crate) async fn count(house: &House, subject: &Subject) -> Result<usize, Error> {
    let (_, subjects) = lister(house)?;
    let hash = house.subject_hash(subject);
    within(house, house.patience.operation, "list", subjects.count(&hash, house.now())).await
}

/// Ends the user's session of this name; answers whether there was one.
pub(crate) async fn end_one(house: &Arc<House>, subject: &Subject, handle: &str) -> Result<bool, Error> {
    let (_, subjects) = lister(house)?;
    let found = find(house, subjects, &house.subject_hash(subject), house.now()).await?;
    let bodies = found.into_iter().filter_map(|(_, record)| record::read(record.payload));
    let mut bodies = bodies.filter(|body| is_of(body, subject));
    // One that this node has ended already may be good on others as long as the store has it.
    let named = bodies.find(|body| house.handle(&body.envelope.family).as_str() == handle);
    let Some(body) = named else { return Ok(false) };
    end(house, &body.envelope, End::Revoked).await.map(|()| true)
}

/// Ends all sessions of the user but one; answers how many.
pub(crate) async fn end_all(
    house: &Arc<House>,
    subject: &Subject,
    spared: Option<&Handle>,
) -> Result<usize, Error> {
    let (store, subjects) = lister(house)?;
    let hash = house.subject_hash(subject);
    let mut ended = 0;
    loop {
        let now = house.now();
        let found = find(house, subjects, &hash, now).await?;
        let (is_full, before) = (found.len() == MOST, ended);
        let mut forgotten = 0;
        for (key, record) in found {
            match record::read(record.payload) {
                Some(body) if !is_of(&body, subject) => {}
                Some(body) if spared == Some(&house.handle(&body.envelope.family)) => {}
                Some(body) if !is_over(house, &body, now) => {
                    end(house, &body.envelope, End::Revoked).await?;
                    ended += 1;
                }
                // What cannot be read now may be readable to another node, or later.
                _ => forgotten += usize::from(remove(house, store, &key, now).await?),
            }
        }
        if !is_full || ended + forgotten == before {
            return Ok(ended);
        }
    }
}

/// Gives up the places of the user's sessions that are revoked. The store does not know of that.
pub(super) async fn forget_revoked(
    house: &House,
    subject: &SubjectHash,
    sparing: &RecordKey,
    now: Timestamp,
) -> Result<(), Error> {
    let may_be_revoked = house.revocations.as_ref().is_some_and(|known| known.reaches(Timestamp::default()));
    if !may_be_revoked {
        return Ok(());
    }
    let (store, subjects) = lister(house)?;
    // Without it there is less room, which is no reason to turn anybody away.
    let Ok(found) = find(house, subjects, subject, now).await else { return Ok(()) };
    for (key, record) in found {
        let body = record::read(record.payload);
        if key != *sparing && body.is_some_and(|body| is_over(house, &body, now)) {
            remove(house, store, &key, now).await?;
        }
    }
    Ok(())
}

async fn find(
    house: &House,
    subjects: &Subjects,
    subject: &SubjectHash,
    now: Timestamp,
) -> Result<Vec<(RecordKey, Record)>, Error> {
    within(house, house.patience.operation, "list", subjects.list(subject, MOST, now)).await
}

async fn remove(house: &House, store: &AnyStore, key: &RecordKey, now: Timestamp) -> Result<bool, Error> {
    within(house, house.patience.operation, "remove", store.remove(key, now)).await
}

fn is_of(body: &Body, subject: &Subject) -> bool {
    body.envelope.login.as_ref().is_some_and(|login| login.subject == *subject)
}

/// Whether it is proven that no cookie of the session is good any more, although the store has it.
fn is_over(house: &House, body: &Body, now: Timestamp) -> bool {
    body.generations.dead.is_some()
        || house.known(&body.envelope.family).is_some_and(|known| known.dead.is_some())
        || house.is_known_revoked(&body.envelope, now)
}

fn lister(house: &House) -> Result<(&AnyStore, &Subjects), Error> {
    let Home::Store { store, .. } = &house.home else {
        return Err(Error::new(
            ErrorKind::Misuse,
            "sessions in cookies are known to their browsers alone: to list them, keep them in a store",
        ));
    };
    let subjects = store.subjects().ok_or_else(|| {
        Error::new(
            ErrorKind::Misuse,
            "this store cannot find the sessions of a user: choose one that declares `lists_subjects()`",
        )
    })?;
    Ok((store, subjects))
}

/// Whether the sessions of a user can be found.
pub(crate) fn can_list(house: &House) -> bool {
    lister(house).is_ok()
}
