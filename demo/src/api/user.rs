//! `POST /api/login` and `POST /api/logout`.

use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use carryall::Session;
use serde::Deserialize;

use super::fault::Fault;
use super::json::JsonBody;
use super::session::View;
use crate::pages::is_name;

#[derive(Debug, Deserialize)]
pub(super) struct Login {
    user: String,
    /// Seconds for which the browser keeps the cookie, 30 days at most.
    remember: Option<u64>,
}

/// Answers the session as it is after signing in.
pub(super) async fn login(session: Session, JsonBody(login): JsonBody<Login>) -> Result<Json<View>, Fault> {
    let user = login.user.trim();
    if !is_name(user) {
        return Err(Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "a user has 1 to 40 characters"));
    }
    session.login(user)?;
    if let Some(seconds) = login.remember {
        session.persist_for(Duration::from_secs(seconds))?;
    }
    session.commit().await?;
    Ok(Json(View::of(&session)?))
}

pub(super) async fn logout(session: Session) -> Result<StatusCode, Fault> {
    session.logout()?;
    session.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
