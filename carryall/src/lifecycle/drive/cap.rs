//! A session that becomes one of its user's: within the cap on how many they may have.

use std::pin::pin;
use std::sync::Arc;

use super::super::house::House;
use super::super::record;
use super::super::visit::Visit;
use super::create::answered;
use super::end::displaced;
use super::subjects::forget_revoked;
use crate::clock::Timestamp;
use crate::envelope::Envelope;
use crate::error::{Error, ErrorKind};
use crate::id::RecordKey;
use crate::store::{Admission, AnyStore, Commit, Draft, Record, Version};

/// Whether there is a cap, and the session was not its user's before.
pub(super) fn applies(house: &House, before: Option<&Envelope>, after: &Envelope) -> bool {
    let subject = |envelope: &Envelope| envelope.login.as_ref().map(|login| login.subject.clone());
    house.cap.is_some() && after.login.is_some() && before.and_then(subject) != subject(after)
}

/// A commit that has to find a place.
pub(super) async fn admit(
    visit: &Visit,
    store: &AnyStore,
    key: &RecordKey,
    expected: Option<Version>,
    draft: Draft,
    now: Timestamp,
) -> Result<Commit, Error> {
    let house = &visit.house;
    let (Some(cap), Some(subjects), Some(subject)) = (house.cap, store.subjects(), draft.header.subject)
    else {
        return Err(Error::new(ErrorKind::Misuse, "a cap needs a store that finds the sessions of a user"));
    };
    forget_revoked(house, &subject, key, now).await?;
    // One at a time on this node: those who wait in the store each hold a connection that others need.
    let _turn = house.queues.join(RecordKey::from_bytes(subject.0)).await;
    let admitting = pin!(subjects.admit(key, expected, draft, cap, now));
    match answered(visit, admitting).await? {
        Admission::Committed { version, ended } => {
            for (_, record) in &ended {
                tell_displaced(house, record, now);
            }
            Ok(Commit::Committed(version))
        }
        Admission::Conflict(record) => Ok(Commit::Conflict(record)),
        Admission::Gone => Ok(Commit::Gone),
        Admission::Full => Err(full(cap.most.get())),
    }
}

fn tell_displaced(house: &Arc<House>, record: &Record, now: Timestamp) {
    if let Some(body) = record::read(record.payload.clone()) {
        displaced(house, body.envelope, now);
    }
}

fn full(most: usize) -> Error {
    let message =
        format!("the user has {most} sessions already: sign out of one of them, then sign in again");
    Error::new(ErrorKind::TooManySessions, message)
}
