//! The pages: rendered on the server, without JavaScript.

mod avatar;
mod cart;
mod devices;
mod form;
mod home;
mod inspector;
mod notice;
mod page;
mod problem;
mod profile;
mod sign_in;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::response::IntoResponse as _;
use axum::routing::{get, post};
use carryall::CsrfPolicy;

use self::problem::Problem;
pub(crate) use self::sign_in::is_name;
use crate::failure::Failure;
use crate::headers;
use crate::setup::Setup;

/// No form is larger.
const LARGEST_FORM: usize = 16 * 1024;

pub(crate) fn router(setup: &Arc<Setup>) -> Result<Router, Failure> {
    let sessions = &setup.sessions;
    let csrf =
        sessions.csrf_layer(CsrfPolicy::default()).map_err(|error| Failure::option(error.to_string()))?;
    let failed = |error: &carryall::Error, _: StatusCode| Problem::of(error).into_response();
    Ok(Router::new()
        .route("/", get(home::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/cart", get(cart::show))
        .route("/cart/add", post(cart::add))
        .route("/cart/put", post(cart::put))
        .route("/cart/empty", post(cart::empty))
        .route("/profile", get(profile::show).post(profile::save))
        .route("/devices", get(devices::show))
        .route("/devices/one", post(devices::sign_out_one))
        .route("/devices/others", post(devices::sign_out_others))
        .route("/devices/all", post(devices::sign_out_all))
        .route("/inspector", get(inspector::show))
        .route("/avatar.svg", get(avatar::show))
        .method_not_allowed_fallback(problem::wrong_method)
        .fallback(problem::not_found)
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .layer(csrf)
        .layer(map_response(problem::explain_refusal))
        .layer(map_response(headers::forbid_storing))
        .layer(sessions.layer().on_failure(failed))
        .with_state(Arc::clone(setup)))
}
