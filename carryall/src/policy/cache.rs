//! Keeping responses that belong to one visitor out of shared caches.

use http::HeaderMap;
use http::header::{CACHE_CONTROL, EXPIRES, Entry, HeaderName, HeaderValue, VARY};

const PRIVATE: HeaderValue = HeaderValue::from_static("private");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const COOKIE: HeaderValue = HeaderValue::from_static("Cookie");

/// Headers that permit a particular shared cache what `Cache-Control` forbids it (RFC 9213 and vendors' own). Nginx
/// prefers `X-Accel-Expires` to everything else.
const PERMISSIONS: [HeaderName; 8] = [
    HeaderName::from_static("cdn-cache-control"),
    HeaderName::from_static("surrogate-control"),
    HeaderName::from_static("cloudflare-cdn-cache-control"),
    HeaderName::from_static("netlify-cdn-cache-control"),
    HeaderName::from_static("vercel-cdn-cache-control"),
    HeaderName::from_static("edge-control"),
    HeaderName::from_static("x-accel-expires"),
    HeaderName::from_static("x-litespeed-cache-control"),
];

/// What a response has to do with its visitor's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Privacy {
    /// The session was not touched: the response is left as it is.
    Untouched,
    /// The session was read in whatever way: for this visitor alone.
    Accessed,
    /// It sets or removes the cookie, or was made without the session because of an outage: for nobody again.
    Unrepeatable,
}

impl Privacy {
    /// Of a response to whose making these happened.
    pub(crate) fn of(accessed: bool, cookie_set: bool, anonymous_outage: bool) -> Self {
        if cookie_set || anonymous_outage {
            Self::Unrepeatable
        } else if accessed {
            Self::Accessed
        } else {
            Self::Untouched
        }
    }

    /// Makes a response's headers keep to it.
    ///
    /// Accessed: `Vary: Cookie`, and at least `private`. Unrepeatable: `Cache-Control: no-store`, whatever the
    /// handler said. Either way no header stays that permits a shared cache more. Everything else stays byte for
    /// byte.
    pub(crate) fn apply(self, headers: &mut HeaderMap) {
        // One pass over the few names of a usual response, before eleven look-ups.
        let (mut permits, mut expires, mut varies) = (false, false, false);
        for name in headers.keys() {
            permits |= PERMISSIONS.contains(name);
            expires |= name == EXPIRES;
            varies |= name == VARY;
        }
        match self {
            Self::Untouched => return,
            Self::Accessed => make_private(headers),
            Self::Unrepeatable => {
                headers.insert(CACHE_CONTROL, NO_STORE);
                if expires {
                    headers.remove(EXPIRES);
                }
            }
        }
        if !varies || !is_vary_by_cookie(headers) {
            headers.append(VARY, COOKIE);
        }
        if permits {
            for name in &PERMISSIONS {
                headers.remove(name);
            }
        }
    }
}

fn make_private(headers: &mut HeaderMap) {
    if let Entry::Vacant(place) = headers.entry(CACHE_CONTROL) {
        place.insert(PRIVATE);
        return;
    }
    let lines = || headers.get_all(CACHE_CONTROL).iter().flat_map(|line| directives(line.as_bytes()));
    let strict = lines().any(|directive| is(directive, b"private") || is(directive, b"no-store"));
    if strict && !lines().any(permits_sharing) {
        return;
    }
    let mut value = b"private".to_vec();
    for directive in lines().filter(|directive| !permits_sharing(directive) && !is(directive, b"private")) {
        value.extend_from_slice(b", ");
        value.extend_from_slice(directive);
    }
    let value = HeaderValue::from_bytes(&value).unwrap_or(PRIVATE);
    headers.insert(CACHE_CONTROL, value);
}

fn is_vary_by_cookie(headers: &HeaderMap) -> bool {
    let named = |line: &HeaderValue| {
        line.as_bytes().split(|byte| *byte == b',').any(|name| {
            let name = name.trim_ascii();
            name == b"*" || name.eq_ignore_ascii_case(b"cookie")
        })
    };
    headers.get_all(VARY).iter().any(named)
}

/// The directives of one `Cache-Control` line, with their arguments. A comma inside quotes separates nothing.
fn directives(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    line.split(move |byte| {
        quoted ^= *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && quoted && !escaped;
        *byte == b',' && !quoted
    })
    .map(<[u8]>::trim_ascii)
    .filter(|directive| !directive.is_empty())
}

/// Whether this is the directive `name` without argument; `private="Set-Cookie"` restricts one header only.
fn is(directive: &[u8], name: &[u8]) -> bool {
    directive.eq_ignore_ascii_case(name)
}

fn permits_sharing(directive: &[u8]) -> bool {
    let name = directive.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
    is(name, b"public") || is(name, b"s-maxage") || is(name, b"proxy-revalidate")
}

#[cfg(test)]
mod tests;
