//! `GET`, `PUT` and `DELETE /api/values/{key}`: any JSON under any key, dotted paths included.

use axum::Json;
use axum::http::StatusCode;
use carryall::Session;
use serde_json::Value;

use super::fault::Fault;
use super::json::JsonBody;
use super::key::Key;

pub(super) async fn get(session: Session, Key(key): Key) -> Result<Json<Value>, Fault> {
    session.get(&key)?.map(Json).ok_or_else(|| unknown(&key))
}

pub(super) async fn put(
    session: Session,
    Key(key): Key,
    JsonBody(value): JsonBody<Value>,
) -> Result<StatusCode, Fault> {
    session.set(&key, &value)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn delete(session: Session, Key(key): Key) -> Result<StatusCode, Fault> {
    if session.remove(&key)? { Ok(StatusCode::NO_CONTENT) } else { Err(unknown(&key)) }
}

fn unknown(key: &str) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, format!("there is no value {key:?}"))
}
