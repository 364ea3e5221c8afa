//! What every token is bound to besides its key.

/// The application id and the cookie's name: a token made for one pair is not accepted for another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) app: String,
    pub(crate) cookie: String,
}

impl Binding {
    pub(crate) fn new(app: impl Into<String>, cookie: impl Into<String>) -> Self {
        Self { app: app.into(), cookie: cookie.into() }
    }
}
