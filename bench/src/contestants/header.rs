//! Cookie headers by hand, for contestants that bring no jar.

use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use http::header::{COOKIE, SET_COOKIE};

/// The cookie's name wherever the application may choose one.
pub(super) const NAME: &str = "session";

/// The value of the session's cookie.
pub(super) fn value(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    cookies.split("; ").find_map(|pair| pair.strip_prefix(NAME)?.strip_prefix('='))
}

/// A response that sets the session's cookie.
pub(super) fn setting(token: &str, body: impl IntoResponse) -> Response {
    let cookie = [NAME, "=", token, "; Path=/; HttpOnly; Secure; SameSite=Lax"].concat();
    ([(SET_COOKIE, cookie)], body).into_response()
}
