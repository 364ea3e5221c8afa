//! A web origin: scheme, host and port, exactly as browsers write it into `Origin`.

use std::borrow::Cow;

use crate::error::ConfigError;

/// One serialized origin (RFC 6454 section 6.2). Compared byte for byte: browsers write it in one way only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WebOrigin(Cow<'static, str>);

impl WebOrigin {
    pub(super) fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    /// Whether an `Origin` header names this origin.
    pub(super) fn is(&self, header: &[u8]) -> bool {
        self.0.as_bytes() == header
    }

    /// Checks that a browser could ever send it; another spelling would silently never match.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let valid = self.0.split_once("://").is_some_and(|(scheme, rest)| {
            let (host, port) = split_port(rest);
            is_scheme(scheme) && is_host(host) && port.is_none_or(|port| is_port(scheme, port))
        });
        if valid {
            return Ok(());
        }
        Err(ConfigError::new(format!(
            "the origin {:?} must be scheme://host[:port] as browsers send it: lower case, punycode, no default port, no path",
            self.0
        )))
    }
}

/// Whether an `http(s)` origin has the host and port of `authority`. The scheme cannot be compared: behind a proxy
/// that ends TLS, the server does not know its own.
pub(super) fn names_authority(origin: &[u8], authority: &[u8]) -> bool {
    let (host, default_port) = if let Some(host) = origin.strip_prefix(b"https://") {
        (host, &b":443"[..])
    } else if let Some(host) = origin.strip_prefix(b"http://") {
        (host, &b":80"[..])
    } else {
        return false;
    };
    !host.is_empty() && (host == authority || authority.strip_suffix(default_port) == Some(host))
}

fn split_port(rest: &str) -> (&str, Option<&str>) {
    match rest.rsplit_once(':') {
        // The last colon of `[::1]` belongs to the address.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (rest, None),
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.')
        })
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<std::net::Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address);
    }
    host.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'))
    })
}

fn is_port(scheme: &str, port: &str) -> bool {
    let default = match scheme {
        "http" | "ws" => 80,
        "https" | "wss" => 443,
        _ => 0,
    };
    port.parse::<u16>().is_ok_and(|number| number != 0 && number != default && number.to_string() == port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_accepted_only_as_browsers_write_them() {
        for good in [
            "https://app.example.com",
            "http://localhost:3000",
            "https://xn--mnchen-3ya.example",
            "https://192.0.2.1:8443",
            "http://[::1]:8080",
            "https://[2001:db8::1]",
            "capacitor://localhost",
            "chrome-extension://abcdefghijklmnop",
        ] {
            assert!(WebOrigin::new(good).check().is_ok(), "{good}");
        }
        for bad in [
            "",
            "null",
            "*",
            "https://",
            "://a",
            "app.example.com",
            "https://*.example.com",
            "https://App.example.com",
            "HTTPS://app.example.com",
            "https://app.example.com/",
            "https://app.example.com/x",
            "https://app.example.com:443",
            "http://app.example.com:80",
            "https://app.example.com:",
            "https://app.example.com:0",
            "https://app.example.com:08443",
            "https://app.example.com:99999",
            "https://app.example.com.",
            "https://münchen.example",
            "https://user@app.example.com",
            "https://a b",
            "https://[::0001]",
            "https://[::1",
            "https://a?b",
        ] {
            assert!(WebOrigin::new(bad).check().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_default_port_in_host_is_the_same_origin() {
        assert!(names_authority(b"https://a.example", b"a.example"));
        assert!(names_authority(b"https://a.example", b"a.example:443"));
        assert!(names_authority(b"http://a.example", b"a.example:80"));
        assert!(names_authority(b"http://a.example:8080", b"a.example:8080"));
        for (origin, authority) in [
            ("https://a.example", "a.example:80"),
            ("https://a.example", "a.example:8443"),
            ("https://a.example:8443", "a.example"),
            ("https://", ""),
            ("https://", ":443"),
            ("a.example", "a.example"),
            ("null", "null"),
            ("ftp://a.example", "a.example"),
        ] {
            assert!(!names_authority(origin.as_bytes(), authority.as_bytes()), "{origin} {authority}");
        }
    }
}
