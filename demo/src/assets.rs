//! The stylesheet and the icon, compiled in. They have no session.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;

const STYLE: &str = include_str!("assets/style.css");
const ICON: &str = include_str!("assets/icon.svg");

pub(crate) fn router() -> Router {
    Router::new()
        .route("/assets/style.css", get(async || asset("text/css; charset=utf-8", STYLE)))
        .route("/assets/icon.svg", get(async || asset("image/svg+xml", ICON)))
        .route("/favicon.ico", get(async || asset("image/svg+xml", ICON)))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    // Short, so that a newer demo on the same port shows its own style.
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=60")], text)
}
