//! Carryall's memory store: opaque bytes, shared on load, written anew on commit, compared by version.

use std::time::Duration;

use bytes::Bytes;
use carryall::clock::{Clock, SystemClock};
use carryall::id::RecordKey;
use carryall::random::{Random, SystemRandom};
use carryall::store::{Commit, Draft, Header, MemoryStore, Store as _};

use super::Filled;
use crate::login::{FIRST, Login};

/// Digits of the counter.
const DIGITS: usize = 7;

#[derive(Debug)]
pub(super) struct Store {
    memory: MemoryStore,
    keys: Vec<RecordKey>,
    counter: usize,
}

impl Store {
    pub(super) async fn filled(sessions: usize) -> Self {
        let memory = MemoryStore::new();
        let payload = Bytes::from(Login::new().to_json());
        let digits = FIRST.to_string();
        let counter = payload.windows(DIGITS).position(|part| part == digits.as_bytes());
        let now = SystemClock.now();
        let deadline = now.plus(Duration::from_hours(12));
        let header = Header { created: now, seen: now, expires: deadline, latest: deadline, subject: None };
        let mut keys = Vec::with_capacity(sessions);
        for _ in 0..sessions {
            let mut key = [0; RecordKey::LEN];
            SystemRandom.nonce(&mut key);
            let key = RecordKey::from_bytes(key);
            let draft = Draft { header, payload: Bytes::copy_from_slice(&payload) };
            let created = memory.commit(&key, None, draft, now).await.expect("a memory store does not fail");
            assert!(matches!(created, Commit::Committed(_)), "random keys do not meet");
            keys.push(key);
        }
        Self { memory, keys, counter: counter.expect("the session counts") }
    }

    /// The payload with its counter raised, in a new buffer, as a commit would write it.
    fn changed(&self, payload: &[u8]) -> Bytes {
        let mut bytes = payload.to_vec();
        for digit in bytes[self.counter..][..DIGITS].iter_mut().rev() {
            *digit = if *digit == b'9' { b'0' } else { *digit + 1 };
            if *digit != b'0' {
                break;
            }
        }
        Bytes::from(bytes)
    }
}

impl Filled for Store {
    async fn pair(&self, session: usize) {
        let key = &self.keys[session];
        loop {
            let now = SystemClock.now();
            let record = self.memory.load(key, now).await.expect("a memory store does not fail");
            let record = record.expect("the session was created");
            let draft = Draft { header: record.header, payload: self.changed(&record.payload) };
            let commit = self.memory.commit(key, Some(record.version), draft, now).await;
            // Two tasks can meet in one session; the one that lost starts again, as a request would.
            if let Commit::Committed(_) = commit.expect("a memory store does not fail") {
                return;
            }
        }
    }
}
