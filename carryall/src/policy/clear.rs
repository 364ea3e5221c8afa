//! What a browser is asked to forget at logout.

use http::{HeaderName, HeaderValue};

/// A `Clear-Site-Data` header for the response to a logout (W3C Clear Site Data). Default: cookies and storage.
///
/// An addition to ending the session, for what the application itself left in the browser, never a replacement: it
/// is obeyed over https only, and not by every client. Send it once, on the response to the logout.
///
/// `"cookies"` reaches further than one session: it clears the cookies of the registrable domain, those of sibling
/// subdomains included. `"storage"` also ends device-bound sessions, which outlive their cookies otherwise.
///
/// ```
/// use carryall::policy::ClearSiteData;
///
/// let mut response = http::Response::new(());
/// let (name, value) = ClearSiteData::default().cache(true).header().unwrap();
/// response.headers_mut().insert(name, value);
/// assert_eq!(response.headers()["clear-site-data"], r#""cache", "cookies", "storage""#);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct ClearSiteData {
    cache: bool,
    cookies: bool,
    storage: bool,
}

impl Default for ClearSiteData {
    fn default() -> Self {
        Self { cache: false, cookies: true, storage: true }
    }
}

impl ClearSiteData {
    /// Clears cached responses of this origin, which takes some browsers seconds. Default off.
    pub fn cache(mut self, clear: bool) -> Self {
        self.cache = clear;
        self
    }

    /// Clears cookies of the registrable domain. Default on.
    pub fn cookies(mut self, clear: bool) -> Self {
        self.cookies = clear;
        self
    }

    /// Clears local storage, databases and service workers of this origin. Default on.
    pub fn storage(mut self, clear: bool) -> Self {
        self.storage = clear;
        self
    }

    /// Name and value of the header; `None` when nothing is to be cleared. No allocation.
    pub fn header(self) -> Option<(HeaderName, HeaderValue)> {
        let value = match (self.cache, self.cookies, self.storage) {
            (false, false, false) => return None,
            (false, false, true) => r#""storage""#,
            (false, true, false) => r#""cookies""#,
            (false, true, true) => r#""cookies", "storage""#,
            (true, false, false) => r#""cache""#,
            (true, false, true) => r#""cache", "storage""#,
            (true, true, false) => r#""cache", "cookies""#,
            (true, true, true) => r#""cache", "cookies", "storage""#,
        };
        Some((HeaderName::from_static("clear-site-data"), HeaderValue::from_static(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_what_was_asked_for_is_cleared() {
        for bits in 0..8_u8 {
            let wanted = [("cache", bits & 1), ("cookies", bits & 2), ("storage", bits & 4)];
            let clear =
                ClearSiteData::default().cache(bits & 1 != 0).cookies(bits & 2 != 0).storage(bits & 4 != 0);
            let expected: Vec<String> =
                wanted.iter().filter(|(_, on)| *on != 0).map(|(word, _)| format!("\"{word}\"")).collect();
            let value = clear.header().map(|(_, value)| value.to_str().unwrap().to_owned());
            assert_eq!(value.unwrap_or_default(), expected.join(", "));
        }
    }

    #[test]
    fn logout_clears_cookies_and_storage_but_not_the_cache() {
        let (name, value) = ClearSiteData::default().header().unwrap();
        assert_eq!((name.as_str(), value.to_str().unwrap()), ("clear-site-data", r#""cookies", "storage""#));
    }
}
