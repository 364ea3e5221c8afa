//! `GET /api/sessions` and `DELETE /api/sessions/{handle}`: where the user is signed in.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use carryall::{Listed, Session};
use serde::Serialize;

use super::fault::Fault;
use crate::moment;
use crate::setup::Setup;

/// A session as its user sees it. Instants are RFC 3339.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    /// The public handle.
    id: String,
    current: bool,
    created: String,
    seen: String,
    expires: String,
    auth_time: String,
    level: u8,
    persistent: bool,
    address: Option<String>,
    agent: Option<Box<str>>,
}

impl Entry {
    fn of(listed: Listed) -> Self {
        Self {
            id: listed.handle.to_string(),
            current: listed.is_current,
            created: moment::rfc3339(listed.created),
            seen: moment::rfc3339(listed.seen),
            expires: moment::rfc3339(listed.expires),
            auth_time: moment::rfc3339(listed.auth_time),
            level: listed.level,
            persistent: listed.is_persistent,
            address: listed.address.map(|address| address.to_string()),
            agent: listed.agent,
        }
    }
}

pub(super) async fn list(
    State(setup): State<Arc<Setup>>,
    session: Session,
) -> Result<Json<Vec<Entry>>, Fault> {
    user(&setup, &session)?;
    let listed = setup.sessions.list_from(&session).await?;
    Ok(Json(listed.into_iter().map(Entry::of).collect()))
}

/// One's own is signed out, with its cookie.
pub(super) async fn end(
    State(setup): State<Arc<Setup>>,
    session: Session,
    Path(handle): Path<String>,
) -> Result<StatusCode, Fault> {
    let subject = user(&setup, &session)?;
    if session.meta().is_some_and(|meta| meta.handle.as_str() == handle) {
        session.logout()?;
        session.commit().await?;
        return Ok(StatusCode::NO_CONTENT);
    }
    if setup.sessions.revoke_one(subject, handle).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Fault::new(StatusCode::NOT_FOUND, "the user has no such session"))
    }
}

/// Who is signed in, where there is a list.
fn user(setup: &Setup, session: &Session) -> Result<String, Fault> {
    if !setup.sessions.can_list() {
        let message = format!("there is no list of sessions: this one is {}", setup.home());
        return Err(Fault::new(StatusCode::NOT_FOUND, message));
    }
    let subject = session.subject().map(|subject| subject.as_str().to_owned());
    subject.ok_or_else(|| Fault::new(StatusCode::UNAUTHORIZED, "nobody is signed in"))
}
