//! Whether a request was made by the application's own pages.

use std::borrow::Cow;

use crate::error::ConfigError;
use crate::event::CsrfRefusal;
use crate::policy::head::{RequestHead, Single, single};
use crate::policy::origin::{WebOrigin, names_authority};
use crate::policy::pattern::PathPattern;

/// Tells requests of the application's own pages from those another site makes its visitors send.
///
/// Judged by what browsers say of themselves and no page can forge: `Sec-Fetch-Site`, and before it existed,
/// `Origin`. Only when neither is there a token is asked for, and that only in [strict](Self::strict) mode. Content
/// types prove nothing and are not looked at.
///
/// Without an own [`origin`](Self::origin), `Origin` is compared with the request's `Host`. That leaves two gaps
/// which configuring it closes: the same host's plain-http pages count as its own (HSTS helps), and so does
/// whatever host the request claims (DNS rebinding).
///
/// ```
/// use carryall::policy::{CsrfDecision, CsrfPolicy};
///
/// let policy = CsrfPolicy::default()
///     .origin("https://shop.example")
///     .trust("https://pay.example")
///     .bypass("/hooks/*");
/// assert!(policy.check().is_ok());
///
/// let decide = |from: &str| {
///     let request = http::Request::post("/cart").header("origin", from).body(()).unwrap();
///     policy.decide(&request, true)
/// };
/// assert_eq!(decide("https://shop.example"), CsrfDecision::Pass);
/// assert_eq!(decide("https://pay.example"), CsrfDecision::Pass);
/// assert!(matches!(decide("http://shop.example"), CsrfDecision::Refuse(_)));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct CsrfPolicy {
    own: Vec<WebOrigin>,
    trusted: Vec<WebOrigin>,
    bypasses: Vec<PathPattern>,
    strict: bool,
    pub(crate) token_header: Cow<'static, str>,
    pub(crate) token_field: Cow<'static, str>,
}

/// What a [`CsrfPolicy`] makes of a request's head.
///
/// ```
/// use carryall::policy::{CsrfDecision, CsrfPolicy};
/// // An old browser or a script: no word about where the request comes from.
/// let request = http::Request::post("/cart").body(()).unwrap();
/// assert_eq!(CsrfPolicy::default().decide(&request, true), CsrfDecision::Pass);
/// assert_eq!(CsrfPolicy::default().strict().decide(&request, true), CsrfDecision::NeedsToken);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum CsrfDecision {
    /// The request may go on.
    Pass,
    /// The headers prove nothing: the request may go on if it carries the session's token.
    NeedsToken,
    /// Another site asked: 403.
    Refuse(CsrfRefusal),
}

/// How much a request can do, as far as its head tells.
enum Reach {
    /// Reads: another site can send it, but gains nothing.
    Safe,
    /// Opens an event stream. A browser's own stream may carry neither header, so only proof of another site counts.
    Stream,
    /// Changes something, or opens a WebSocket, which no same-origin rule keeps from being read.
    Unsafe,
}

impl Default for CsrfPolicy {
    fn default() -> Self {
        Self {
            own: Vec::new(),
            trusted: Vec::new(),
            bypasses: Vec::new(),
            strict: false,
            token_header: Cow::Borrowed("X-CSRF-Token"),
            token_field: Cow::Borrowed("csrf_token"),
        }
    }
}

impl CsrfPolicy {
    /// Adds an origin under which browsers reach this application, such as `https://shop.example`. Default none:
    /// `Origin` is compared with the request's host.
    pub fn origin(mut self, origin: impl Into<Cow<'static, str>>) -> Self {
        self.own.push(WebOrigin::new(origin));
        self
    }

    /// Adds another site whose pages may change things here, even when the browser says `cross-site`. Default none;
    /// exact, without wildcards.
    pub fn trust(mut self, origin: impl Into<Cow<'static, str>>) -> Self {
        self.trusted.push(WebOrigin::new(origin));
        self
    }

    /// Exempts a path (`/hooks/stripe`) or all paths below a prefix (`/hooks/*`), for requests that prove themselves
    /// by other means than a session. Default none.
    pub fn bypass(mut self, pattern: impl Into<Cow<'static, str>>) -> Self {
        self.bypasses.push(PathPattern::new(pattern));
        self
    }

    /// Asks for a token when an unsafe request carries a session cookie and neither `Sec-Fetch-Site` nor `Origin`.
    /// Default off: every browser of the last years sends one of them, scripts and other programs send none.
    pub fn strict(mut self) -> Self {
        self.strict = true;
        self
    }

    /// The header that carries the token. Default `X-CSRF-Token`.
    pub fn token_header(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.token_header = name.into();
        self
    }

    /// The form field that carries the token. Default `csrf_token`.
    pub fn token_field(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.token_field = name.into();
        self
    }

    /// Checks that every origin, pattern and name can match at all, and that no pattern exempts everything.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.own.iter().chain(&self.trusted).try_for_each(WebOrigin::check)?;
        self.bypasses.iter().try_for_each(PathPattern::check)?;
        if http::HeaderName::try_from(&*self.token_header).is_err() {
            return Err(ConfigError::new(format!("{:?} is not a header name", self.token_header)));
        }
        if self.token_field.is_empty() {
            return Err(ConfigError::new("the form field of the CSRF token must have a name"));
        }
        Ok(())
    }

    /// Judges a request. `has_session_cookie` says whether it carries anything under the session cookie's name,
    /// authentic or not. A few header look-ups, no allocation.
    pub fn decide(&self, head: &impl RequestHead, has_session_cookie: bool) -> CsrfDecision {
        let reach = Reach::of(head);
        if matches!(reach, Reach::Safe) || self.bypasses.iter().any(|pattern| pattern.covers(head.path())) {
            return CsrfDecision::Pass;
        }
        match single(head, "sec-fetch-site") {
            // The exact words of the standard; whatever else a browser may come to say is another site.
            Single::One(b"same-origin" | b"none") => CsrfDecision::Pass,
            Single::One(_) | Single::Repeated => self.decide_cross_site(head),
            Single::Absent => self.decide_by_origin(head, &reach, has_session_cookie),
        }
    }

    /// Whether the decision can depend on the session's cookie, so that nobody looks for it in vain.
    pub(crate) fn asks_for_cookie(&self, head: &impl RequestHead) -> bool {
        self.strict && !matches!(Reach::of(head), Reach::Safe)
    }

    /// The header that carries a token.
    pub(crate) fn header(&self) -> &str {
        &self.token_header
    }

    /// The form field that carries a token.
    pub(crate) fn field(&self) -> &str {
        &self.token_field
    }

    fn decide_cross_site(&self, head: &impl RequestHead) -> CsrfDecision {
        match single(head, "origin") {
            Single::One(origin) if self.trusts(origin) => CsrfDecision::Pass,
            _ => CsrfDecision::Refuse(CsrfRefusal::CrossSite),
        }
    }

    fn decide_by_origin(
        &self,
        head: &impl RequestHead,
        reach: &Reach,
        has_session_cookie: bool,
    ) -> CsrfDecision {
        match single(head, "origin") {
            Single::One(origin) if self.is_own(origin, head) || self.trusts(origin) => CsrfDecision::Pass,
            Single::One(_) | Single::Repeated => CsrfDecision::Refuse(CsrfRefusal::WrongOrigin),
            Single::Absent if self.strict && has_session_cookie && matches!(reach, Reach::Unsafe) => {
                CsrfDecision::NeedsToken
            }
            Single::Absent => CsrfDecision::Pass,
        }
    }

    fn is_own(&self, origin: &[u8], head: &impl RequestHead) -> bool {
        if self.own.is_empty() {
            head.authority().is_some_and(|authority| names_authority(origin, authority))
        } else {
            self.own.iter().any(|own| own.is(origin))
        }
    }

    fn trusts(&self, origin: &[u8]) -> bool {
        self.trusted.iter().any(|trusted| trusted.is(origin))
    }
}

impl Reach {
    fn of(head: &impl RequestHead) -> Self {
        match head.method() {
            "GET" | "HEAD" | "OPTIONS" | "TRACE" if head.header("upgrade").is_some() => Self::Unsafe,
            "GET" if head.header("accept") == Some(b"text/event-stream") => Self::Stream,
            "GET" | "HEAD" | "OPTIONS" | "TRACE" => Self::Safe,
            // Methods are case-sensitive: `get` is another, unknown one. So is CONNECT, by which HTTP/2 opens a
            // WebSocket (RFC 8441).
            _ => Self::Unsafe,
        }
    }
}

#[cfg(test)]
mod tests;
