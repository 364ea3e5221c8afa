//! `POST /api/counters/{name}`: counts, and answers the number that was committed.

use axum::Json;
use axum::http::StatusCode;
use carryall::{ErrorKind, Session};
use serde_json::{Value, json};

use super::fault::Fault;
use super::key::Key;

pub(super) async fn count(session: Session, Key(name): Key) -> Result<Json<Value>, Fault> {
    let counted = session.update_now(&name, |count: Option<u64>| count.unwrap_or(0).saturating_add(1)).await;
    match counted {
        Ok(value) => Ok(Json(json!({ "name": name, "value": value }))),
        Err(error) if error.kind() == ErrorKind::Decode => {
            Err(Fault::new(StatusCode::CONFLICT, format!("the value {name:?} is not a counter")))
        }
        Err(error) => Err(error.into()),
    }
}
