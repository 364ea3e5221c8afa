//! The JSON API for scripts. Requests without `Origin` and Fetch-Metadata headers are welcome, other sites' are not.

mod counters;
mod fault;
mod json;
mod key;
mod session;
mod sessions;
mod user;
mod values;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::IntoResponse as _;
use axum::routing::{delete, get, post};
use carryall::CsrfPolicy;

use self::fault::Fault;
use crate::failure::Failure;
use crate::setup::Setup;

/// No value is larger; the cookie's own limit is narrower.
const LARGEST_BODY: usize = 64 * 1024;

pub(crate) fn router(setup: &Arc<Setup>) -> Result<Router, Failure> {
    let sessions = &setup.sessions;
    let csrf =
        sessions.csrf_layer(CsrfPolicy::default()).map_err(|error| Failure::option(error.to_string()))?;
    let failed = |error: &carryall::Error, _: StatusCode| Fault::of(error).into_response();
    Ok(Router::new()
        .route("/session", get(session::show))
        .route("/values/{key}", get(values::get).put(values::put).delete(values::delete))
        .route("/counters/{name}", post(counters::count))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{handle}", delete(sessions::end))
        .route("/login", post(user::login))
        .route("/logout", post(user::logout))
        .method_not_allowed_fallback(fault::wrong_method)
        .fallback(fault::not_found)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(csrf)
        .layer(map_response(fault::explain_refusal))
        .layer(sessions.layer().on_failure(failed))
        .with_state(Arc::clone(setup)))
}
