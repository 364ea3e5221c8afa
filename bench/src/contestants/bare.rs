//! The floor: the same routes and answers, no session.

use axum::Router;
use axum::routing::get;

use super::{BARE, Contestant, Keeps};
use crate::login::FIRST;

pub(super) const CONTESTANT: Contestant = Contestant { name: BARE, keeps: Keeps::Nothing, app };

/// The routes without any layer, for floors to wrap.
pub(super) fn app() -> Router {
    Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/read", get(async || FIRST.to_string()))
        .route("/modify", get(async || FIRST.to_string()))
        .route("/new", get(async || "ok"))
}
