//! `GET /api/session`: the session as a script sees it.

use axum::Json;
use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::{Error, Session};
use serde::Serialize;
use serde_json::{Map, Value};

use super::fault::Fault;
use crate::moment;

/// A session without its secrets. Instants are RFC 3339; all but `now` are `null` while there is no session.
#[derive(Debug, Serialize)]
pub(super) struct View {
    /// The public handle.
    id: Option<String>,
    subject: Option<String>,
    /// The values of the default segment.
    values: Map<String, Value>,
    level: u8,
    generation: Option<u64>,
    /// Whether the browser keeps the cookie when it closes.
    persistent: bool,
    now: String,
    created: Option<String>,
    seen: Option<String>,
    auth_time: Option<String>,
    expires: Option<String>,
}

impl View {
    /// What this request sees, its own changes included.
    pub(super) fn of(session: &Session) -> Result<Self, Error> {
        let meta = session.meta();
        let meta = meta.as_ref();
        let time = |at: Option<Timestamp>| at.map(moment::rfc3339);
        Ok(Self {
            id: meta.map(|meta| meta.handle.to_string()),
            subject: session.subject().map(|subject| subject.to_string()),
            values: values(session)?,
            level: session.level(),
            generation: meta.map(|meta| meta.generation),
            persistent: meta.is_some_and(|meta| meta.is_persistent),
            now: moment::rfc3339(SystemClock.now()),
            created: time(meta.map(|meta| meta.created)),
            seen: time(meta.map(|meta| meta.seen)),
            auth_time: time(meta.and_then(|meta| meta.auth_time)),
            expires: time(meta.map(|meta| meta.expires)),
        })
    }
}

fn values(session: &Session) -> Result<Map<String, Value>, Error> {
    let mut values = Map::new();
    for key in session.keys()? {
        if let Some(value) = session.get(&key)? {
            values.insert(key, value);
        }
    }
    Ok(values)
}

pub(super) async fn show(session: Session) -> Result<Json<View>, Fault> {
    Ok(Json(View::of(&session)?))
}
