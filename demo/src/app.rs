//! The application as a router.

use std::sync::Arc;

use axum::Router;
use axum::middleware::map_response;
use axum::routing::get;

use crate::failure::Failure;
use crate::options::Options;
use crate::setup::Setup;
use crate::{api, assets, headers, pages};

/// The whole application: pages, API, assets, `/healthz`.
///
/// # Errors
/// One line if the keys cannot be read, the store cannot be opened or the options contradict each other.
pub async fn app(options: &Options) -> Result<Router, Failure> {
    router(&Arc::new(Setup::new(options).await?))
}

pub(crate) fn router(setup: &Arc<Setup>) -> Result<Router, Failure> {
    Ok(Router::new()
        .merge(pages::router(setup)?)
        .nest("/api", api::router(setup)?)
        .merge(assets::router())
        .route("/healthz", get(async || "ok\n"))
        .layer(axum::middleware::from_fn(headers::note_peer))
        .layer(map_response(headers::harden)))
}
