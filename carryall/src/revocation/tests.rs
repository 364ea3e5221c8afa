use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use proptest::prelude::*;

use super::families::joined;
use super::*;
use crate::clock::Timestamp;
use crate::generation::Generations;
use crate::id::Family;
use crate::store::{StoreError, StoreErrorKind, SubjectHash};

mod entries;
mod families;
mod groups;
mod log;
mod model;
mod waiting;

const T: fn(u64) -> Timestamp = Timestamp::from_millis;
const ALICE: SubjectHash = SubjectHash([1; 16]);
const BOB: SubjectHash = SubjectHash([2; 16]);
const TENANT: TenantHash = TenantHash([3; 16]);
const KEY: [u8; 8] = [4; 8];
const LATER: Timestamp = Timestamp::from_secs(1000);

fn family(n: u8) -> Family {
    Family::from_bytes([n; Family::LEN])
}

fn login(subject: SubjectHash, auth_time: u64) -> Facts {
    Facts { subject: Some(subject), auth_time: Some(T(auth_time)), ..Facts::default() }
}

fn revoked(scope: Scope, at: u64) -> RevocationSet {
    let set = RevocationSet::default();
    set.apply(&Entry::revoke(scope, T(at), LATER), T(at));
    set
}

/// Whether the future is ready without being woken first.
async fn is_ready(future: impl Future<Output = ()>) -> bool {
    let mut future = pin!(future);
    poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}
