//! tower-sessions' memory store: decoded maps behind one lock, cloned on load and on save.

use serde_json::Value;
use tower_sessions::cookie::time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::{MemoryStore, SessionStore};

use super::Filled;
use crate::login::Login;

#[derive(Debug)]
pub(super) struct Store {
    store: MemoryStore,
    ids: Vec<Id>,
}

impl Store {
    pub(super) async fn filled(sessions: usize) -> Self {
        let store = MemoryStore::default();
        let mut ids = Vec::with_capacity(sessions);
        let data = serde_json::from_str::<std::collections::HashMap<String, Value>>(&Login::new().to_json())
            .expect("the session is an object");
        let expiry_date = OffsetDateTime::now_utc() + Duration::hours(12);
        for _ in 0..sessions {
            let mut record = Record { id: Id::default(), data: data.clone(), expiry_date };
            store.create(&mut record).await.expect("a memory store does not fail");
            ids.push(record.id);
        }
        Self { store, ids }
    }
}

impl Filled for Store {
    async fn pair(&self, session: usize) {
        let record = self.store.load(&self.ids[session]).await.expect("a memory store does not fail");
        let mut record = record.expect("the session was created");
        if let Some(value) = record.data.get_mut("counter") {
            *value = (value.as_u64().unwrap_or_default() + 1).into();
        }
        self.store.save(&record).await.expect("a memory store does not fail");
    }
}
