//! Name and attributes of the session's cookie, and the rules that browsers hold them to.

use std::borrow::Cow;

use crate::error::ConfigError;

const DEFAULT_NAME: &str = "__Host-session";
const DEFAULT_NAME_INSECURE: &str = "session";

/// Browsers ignore an attribute with a longer value (RFC 6265bis section 5.6).
const LONGEST_PATH: usize = 1024;

/// A host name is never longer (RFC 1035 section 2.3.4).
const LONGEST_DOMAIN: usize = 253;

/// Name and attributes of the session's cookie.
///
/// Defaults: `__Host-session`, `Path=/`, no `Domain`, `Secure`, `HttpOnly`, `SameSite=Lax`. `Secure` is decided
/// here and never guessed from a request, because behind a proxy that ends TLS every request looks like plain http.
///
/// ```
/// use carryall::cookie::CookiePolicy;
///
/// assert!(CookiePolicy::default().check().is_ok());
/// // A `__Host-` cookie belongs to one host: browsers refuse it with a Domain.
/// assert!(CookiePolicy::default().domain("example.com").check().is_err());
/// assert!(CookiePolicy::default().name("__Secure-id").domain("example.com").check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct CookiePolicy {
    name: Option<Cow<'static, str>>,
    path: Cow<'static, str>,
    domain: Option<Cow<'static, str>>,
    same_site: SameSite,
    partitioned: bool,
    insecure: bool,
    script_readable: bool,
}

/// Which requests from other sites carry the cookie (RFC 6265bis section 5.6.7). Default `Lax`.
///
/// ```
/// use carryall::cookie::{CookiePolicy, SameSite};
/// // For a page embedded in other sites; such an application depends on the CSRF layer alone.
/// let embedded = CookiePolicy::default().same_site(SameSite::None).partitioned(true);
/// assert!(embedded.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// None at all, not even when the user follows a link: visitors from elsewhere arrive signed out.
    Strict,
    /// Only top-level navigation by safe methods, such as following a link.
    #[default]
    Lax,
    /// All of them. Needs `Secure`.
    None,
}

impl Default for CookiePolicy {
    fn default() -> Self {
        Self {
            name: None,
            path: Cow::Borrowed("/"),
            domain: None,
            same_site: SameSite::Lax,
            partitioned: false,
            insecure: false,
            script_readable: false,
        }
    }
}

impl CookiePolicy {
    /// Names the cookie. Default `__Host-session`; a token (RFC 9110 section 5.6.2).
    ///
    /// A prefix is a promise that browsers enforce, in any letter case: `__Secure-` (Secure), `__Host-` (Secure,
    /// `Path=/`, no Domain), `__Http-` (Secure, `HttpOnly`), `__Host-Http-` (all of these). A sibling subdomain
    /// can plant a cookie under any name but those beginning with `__Host-`.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Limits the cookie to this path and those below. Default `/`. No protection: pages of one host reach each
    /// other whatever their path.
    pub fn path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.path = path.into();
        self
    }

    /// Sends the cookie to every subdomain of this domain too, without leading dot, international names in
    /// punycode. Default none, which is the host alone. Needs a name without `__Host-`.
    pub fn domain(mut self, domain: impl Into<Cow<'static, str>>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Which requests from other sites carry the cookie. Default [`SameSite::Lax`].
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Keeps a separate cookie for each site that embeds this one (CHIPS). Default off. Sensible with
    /// [`SameSite::None`].
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Drops `Secure`, for development over plain http: anyone on the way can then read the session.
    ///
    /// Browsers refuse the prefixes without `Secure`, so the default name becomes `session`.
    pub fn danger_insecure(mut self) -> Self {
        self.insecure = true;
        self
    }

    /// Drops `HttpOnly`: any script on a page, injected ones included, can then read the session.
    pub fn danger_script_readable(mut self) -> Self {
        self.script_readable = true;
        self
    }

    /// Checks that browsers will accept the cookie and that nothing in it can break out of its attribute.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_name()?;
        self.check_path()?;
        self.check_domain()?;
        self.check_prefix()?;
        if self.insecure && self.same_site == SameSite::None {
            return Err(ConfigError::new("SameSite=None needs Secure: browsers drop the cookie without it"));
        }
        if self.insecure && self.partitioned {
            return Err(ConfigError::new("Partitioned needs Secure: browsers drop the cookie without it"));
        }
        Ok(())
    }

    /// The name that is in force.
    pub(crate) fn effective_name(&self) -> &str {
        match &self.name {
            Some(name) => name,
            None if self.insecure => DEFAULT_NAME_INSECURE,
            None => DEFAULT_NAME,
        }
    }

    /// Everything after the value, each attribute led in by `; `.
    pub(crate) fn attributes(&self) -> String {
        let mut out = format!("; Path={}", self.path);
        if let Some(domain) = &self.domain {
            out.push_str("; Domain=");
            out.push_str(domain);
        }
        if !self.insecure {
            out.push_str("; Secure");
        }
        if !self.script_readable {
            out.push_str("; HttpOnly");
        }
        out.push_str(match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        });
        if self.partitioned {
            out.push_str("; Partitioned");
        }
        out
    }

    fn check_name(&self) -> Result<(), ConfigError> {
        let name = self.effective_name();
        if name.is_empty() || !name.bytes().all(is_token) {
            return Err(ConfigError::new(format!(
                "the cookie name {name:?} must be letters, digits and !#$%&'*+-.^_`|~ only"
            )));
        }
        Ok(())
    }

    fn check_path(&self) -> Result<(), ConfigError> {
        let path = &self.path;
        if !path.starts_with('/') {
            return Err(ConfigError::new(format!("the cookie path {path:?} must begin with a slash")));
        }
        if path.len() > LONGEST_PATH {
            return Err(ConfigError::new("the cookie path must not be longer than 1024 bytes"));
        }
        if path.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b';' | b',' | b'=')) {
            return Err(ConfigError::new(format!(
                "the cookie path {path:?} must be visible ASCII without ; , and ="
            )));
        }
        Ok(())
    }

    fn check_domain(&self) -> Result<(), ConfigError> {
        let Some(domain) = &self.domain else { return Ok(()) };
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if domain.len() > LONGEST_DOMAIN || !domain.split('.').all(label) {
            return Err(ConfigError::new(format!(
                "the cookie domain {domain:?} must be a host name without leading dot, in punycode"
            )));
        }
        Ok(())
    }

    fn check_prefix(&self) -> Result<(), ConfigError> {
        let name = self.effective_name();
        let starts =
            |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let host = starts("__Host-");
        let http = starts("__Http-") || starts("__Host-Http-");
        if (host || http || starts("__Secure-")) && self.insecure {
            return Err(ConfigError::new(format!(
                "the prefix of the cookie name {name:?} needs Secure: choose a name without it for plain http"
            )));
        }
        if host && (self.domain.is_some() || self.path != "/") {
            return Err(ConfigError::new(format!(
                "the cookie name {name:?} needs Path=/ and no Domain: use the prefix __Secure- instead"
            )));
        }
        if http && self.script_readable {
            return Err(ConfigError::new(format!(
                "the prefix of the cookie name {name:?} needs HttpOnly: choose a name without it"
            )));
        }
        Ok(())
    }
}

/// A `tchar` (RFC 9110 section 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &'static str) -> CookiePolicy {
        CookiePolicy::default().name(name)
    }

    #[test]
    fn the_defaults_are_the_strictest_a_browser_knows() {
        let policy = CookiePolicy::default();
        assert_eq!(policy.check(), Ok(()));
        assert_eq!(policy.effective_name(), "__Host-session");
        assert_eq!(policy.attributes(), "; Path=/; Secure; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn plain_http_drops_secure_and_the_prefix_with_it() {
        let policy = CookiePolicy::default().danger_insecure();
        assert_eq!(policy.check(), Ok(()));
        assert_eq!(policy.effective_name(), "session");
        assert_eq!(policy.attributes(), "; Path=/; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn every_attribute_is_written_once() {
        let policy = named("__Secure-id")
            .path("/app")
            .domain("example.com")
            .same_site(SameSite::None)
            .partitioned(true)
            .danger_script_readable();
        assert_eq!(policy.check(), Ok(()));
        assert_eq!(
            policy.attributes(),
            "; Path=/app; Domain=example.com; Secure; SameSite=None; Partitioned"
        );
    }

    #[test]
    fn a_prefix_is_held_to_its_promise_in_any_letter_case() {
        for name in ["__Host-x", "__HOST-x", "__host-x", "__Host-Http-x", "__hOST-hTTP-x"] {
            assert!(named(name).check().is_ok(), "{name}");
            assert!(named(name).domain("example.com").check().is_err(), "{name} with Domain");
            assert!(named(name).path("/app").check().is_err(), "{name} with a path");
            assert!(named(name).danger_insecure().check().is_err(), "{name} without Secure");
        }
        for name in ["__Secure-x", "__SECURE-x", "__Http-x", "__HTTP-x"] {
            assert!(named(name).domain("example.com").path("/app").check().is_ok(), "{name}");
            assert!(named(name).danger_insecure().check().is_err(), "{name} without Secure");
        }
        for name in ["__Http-x", "__http-x", "__Host-Http-x", "__HOST-HTTP-x"] {
            assert!(named(name).danger_script_readable().check().is_err(), "{name} without HttpOnly");
        }
        assert!(named("__Host-x").danger_script_readable().check().is_ok());
        assert!(named("__Host").domain("example.com").danger_insecure().check().is_ok());
    }

    #[test]
    fn same_site_none_and_partitioned_need_secure() {
        assert!(CookiePolicy::default().same_site(SameSite::None).danger_insecure().check().is_err());
        assert!(CookiePolicy::default().partitioned(true).danger_insecure().check().is_err());
        assert!(CookiePolicy::default().same_site(SameSite::Strict).danger_insecure().check().is_ok());
    }

    #[test]
    fn nothing_in_the_configuration_can_break_out_of_its_attribute() {
        for bad in ["\r", "\n", "\0", ";", ",", "=", " ", "\t", "\x7f", "é", "\u{2000}"] {
            for text in [format!("a{bad}b"), format!("{bad}a"), format!("a{bad}")] {
                assert!(CookiePolicy::default().name(text.clone()).check().is_err(), "name {text:?}");
                assert!(named("n").domain(text.clone()).check().is_err(), "domain {text:?}");
                assert!(named("n").path(format!("/{text}")).check().is_err(), "path {text:?}");
            }
        }
        for bad in ["", "a\"b", "a(b", "a/b", "a:b", "a@b", "a[b", "a{b", "a\\b"] {
            assert!(named(bad).check().is_err(), "name {bad:?}");
        }
        for bad in ["", ".example.com", "example.com.", "a..b", "a/b", "a:80"] {
            assert!(named("n").domain(bad).check().is_err(), "domain {bad:?}");
        }
    }

    #[test]
    fn paths_begin_with_a_slash_and_end_before_browsers_ignore_them() {
        for bad in ["", "app", "app/"] {
            assert!(named("n").path(bad).check().is_err(), "{bad:?}");
        }
        assert!(named("n").path(format!("/{}", "p".repeat(1023))).check().is_ok());
        assert!(named("n").path(format!("/{}", "p".repeat(1024))).check().is_err());
        assert!(named("n").domain("d".repeat(253)).check().is_ok());
        assert!(named("n").domain("d".repeat(254)).check().is_err());
    }
}
