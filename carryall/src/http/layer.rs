//! The layer that gives every request its session.

use std::sync::Arc;

use tower_layer::Layer;

use super::outage::EmptyResponse;
use super::service::SessionService;
use crate::lifecycle::house::House;
use crate::policy::ClearSiteData;

/// Gives every request below it a lazy session, and commits it before the response head leaves.
///
/// Made by [`Sessions::layer`](crate::Sessions::layer); cheap to clone. May wrap a whole application or single
/// routes; inside another layer of the same [`Sessions`](crate::Sessions) it does nothing.
#[derive(Clone, Debug)]
pub struct SessionLayer<R = EmptyResponse> {
    pub(super) config: Arc<Config>,
    pub(super) failure: R,
}

/// What every request of this layer shares.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) house: Arc<House>,
    pub(super) excluded: Vec<Box<str>>,
    pub(super) clear_site_data: Option<ClearSiteData>,
}

impl SessionLayer {
    pub(crate) fn new(house: Arc<House>) -> Self {
        let config = Config { house, excluded: Vec::new(), clear_site_data: None };
        Self { config: Arc::new(config), failure: EmptyResponse }
    }
}

impl<R> SessionLayer<R> {
    /// Leaves requests to this path alone: they have no session at all. A pattern ending in `/*` covers everything
    /// below it (`/assets/*`). May be called several times.
    #[must_use]
    pub fn exclude(mut self, pattern: impl Into<Box<str>>) -> Self {
        let config = self.config_mut();
        config.excluded.push(pattern.into());
        self
    }

    /// Sends `Clear-Site-Data` with the response that removes the cookie, once a logout. Not if the handler begins a
    /// new session in the same response, whose cookie the browser would clear as well. Browsers clear the whole
    /// registrable domain for `cookies`, other applications on it included. Off by default.
    #[must_use]
    pub fn clear_site_data(mut self, what: ClearSiteData) -> Self {
        self.config_mut().clear_site_data = Some(what);
        self
    }

    /// The response that replaces the handler's when its changes could not be committed; for bodies without a
    /// `Default`, or to say it nicely. Gets the error and the status (503 for an outage, 409 for a lost race).
    #[must_use]
    pub fn on_failure<F>(self, failure: F) -> SessionLayer<F> {
        SessionLayer { config: self.config, failure }
    }

    fn config_mut(&mut self) -> &mut Config {
        let shared = &self.config;
        if Arc::strong_count(shared) != 1 || Arc::weak_count(shared) != 0 {
            self.config = Arc::new(Config {
                house: Arc::clone(&shared.house),
                excluded: shared.excluded.clone(),
                clear_site_data: shared.clear_site_data,
            });
        }
        // Made unique just above.
        Arc::get_mut(&mut self.config).unwrap_or_else(|| unreachable!("the configuration was made unique"))
    }
}

impl Config {
    /// Whether requests to this path have no session.
    pub(super) fn excludes(&self, uri: &http::Uri) -> bool {
        let excludes = |path: &str, pattern: &str| match pattern.strip_suffix("/*") {
            Some(prefix) => {
                path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            }
            None => path == pattern,
        };
        // Mostly there are none, and then the path is not looked for.
        self.excluded.iter().any(|pattern| excludes(uri.path(), pattern))
    }
}

impl<S, R: Clone> Layer<S> for SessionLayer<R> {
    type Service = SessionService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, config: Arc::clone(&self.config), failure: self.failure.clone() }
    }
}
