//! Who the client is: its address behind proxies, its agent.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::envelope::Origin;
use crate::error::ConfigError;
use crate::policy::head::RequestHead;

/// How much of `User-Agent` is recorded, in bytes.
const LONGEST_AGENT: usize = 200;

/// How a request's client address is found, and what of the client is recorded in its session.
///
/// Defaults: no proxy is trusted, so the address is that of the connection ([`PeerAddr`](crate::policy::PeerAddr));
/// neither address nor agent is recorded, because both are personal data.
///
/// A proxy's header is read from the right and only past proxies that are trusted by address: everything further left
/// was written by whoever sent the request.
///
/// ```
/// use std::net::{IpAddr, SocketAddr};
/// use carryall::policy::{ClientPolicy, PeerAddr};
///
/// let policy = ClientPolicy::default().trust_proxy("10.0.0.0/8");
/// assert!(policy.check().is_ok());
///
/// let request = http::Request::get("/")
///     .extension(PeerAddr(SocketAddr::from(([10, 0, 0, 1], 50_000))))
///     .header("x-forwarded-for", "1.2.3.4, 192.0.2.7, 10.0.0.2") // 1.2.3.4 is the client's own claim
///     .body(())
///     .unwrap();
/// assert_eq!(policy.address(&request), Some(IpAddr::from([192, 0, 2, 7])));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct ClientPolicy {
    proxies: Vec<IpNet>,
    /// The first proxy that could not be read; told by `check`.
    unreadable: Option<String>,
    header: ProxyHeader,
    record_address: bool,
    record_agent: bool,
}

/// The header in which trusted proxies write whom they speak for. Exactly one is believed, because a proxy that
/// writes one passes the other on as the client sent it.
///
/// ```
/// use carryall::policy::{ClientPolicy, ProxyHeader};
/// let policy = ClientPolicy::default().trust_proxy("192.0.2.1").proxy_header(ProxyHeader::Forwarded);
/// assert!(policy.check().is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ProxyHeader {
    /// `X-Forwarded-For`: addresses, separated by commas. The default.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239): the `for` parameter of each element.
    Forwarded,
}

impl ClientPolicy {
    /// Trusts the proxies in a network (`10.0.0.0/8`, `2001:db8::/32`) or at one address. Default none.
    pub fn trust_proxy(mut self, network: &str) -> Self {
        let address = || network.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        match network.parse::<IpNet>().or_else(|_| address()) {
            Ok(network) => self.proxies.push(network),
            Err(_) => {
                self.unreadable.get_or_insert_with(|| network.to_owned());
            }
        }
        self
    }

    /// The header that trusted proxies write. Default `X-Forwarded-For`.
    pub fn proxy_header(mut self, header: ProxyHeader) -> Self {
        self.header = header;
        self
    }

    /// Records in a session the address that began it. Default off.
    pub fn record_address(mut self, record: bool) -> Self {
        self.record_address = record;
        self
    }

    /// Records in a session the `User-Agent` that began it, cut to 200 bytes. Default off.
    pub fn record_agent(mut self, record: bool) -> Self {
        self.record_agent = record;
        self
    }

    /// Checks that every proxy is an address or a network, and none of them everybody.
    pub fn check(&self) -> Result<(), ConfigError> {
        if let Some(network) = &self.unreadable {
            return Err(ConfigError::new(format!(
                "the proxy {network:?} must be an address or a network such as 10.0.0.0/8"
            )));
        }
        if self.proxies.iter().any(|network| network.prefix_len() == 0) {
            return Err(ConfigError::new(
                "a proxy network with prefix length 0 lets every client choose its address: name your proxies",
            ));
        }
        Ok(())
    }

    /// The client's address, an IPv4-mapped one as IPv4. `None` when the peer is unknown, or a trusted proxy does
    /// not say whom it speaks for.
    pub fn address(&self, head: &impl RequestHead) -> Option<IpAddr> {
        let peer = head.peer()?.to_canonical();
        if !self.is_proxy(peer) {
            return Some(peer);
        }
        // Splitting at every comma, even a quoted one: a client cannot swallow what a proxy appends by opening a
        // quote, and an element that is broken by it counts as unknown.
        let elements =
            head.values(self.header.name()).rev().flat_map(|line| line.rsplit(|byte| *byte == b','));
        let mut nearest = peer;
        for element in elements.filter(|element| !element.trim_ascii().is_empty()) {
            nearest = self.header.read(element.trim_ascii())?;
            if !self.is_proxy(nearest) {
                break;
            }
        }
        Some(nearest)
    }

    /// What is to be recorded of the client that begins a session.
    pub(crate) fn origin(&self, head: &impl RequestHead) -> Option<Box<Origin>> {
        let address = if self.record_address { self.address(head) } else { None };
        let agent = if self.record_agent { head.header("user-agent").and_then(agent) } else { None };
        (address.is_some() || agent.is_some()).then(|| Box::new(Origin { address, agent }))
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(&address))
    }
}

impl ProxyHeader {
    fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }

    fn read(self, element: &[u8]) -> Option<IpAddr> {
        match self {
            Self::XForwardedFor => node(element),
            Self::Forwarded => forwarded_for(element),
        }
    }
}

/// The `for` parameter of one `Forwarded` element (RFC 7239 section 4).
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(|byte| *byte == b';') {
        let pair = pair.trim_ascii();
        let Some(equals) = memchr::memchr(b'=', pair) else { continue };
        if pair[..equals].eq_ignore_ascii_case(b"for") {
            let value = &pair[equals + 1..];
            let quoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
            // A parameter may be there once.
            if found.replace(quoted.unwrap_or(value)).is_some() {
                return None;
            }
        }
    }
    node(found?)
}

/// An address, with or without port and brackets (RFC 7239 section 6). Not `unknown`, not `_obfuscated`.
fn node(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let host = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        if !(port.is_empty() || port.starts_with(':')) {
            return None;
        }
        host
    } else {
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => host,
            _ => text,
        }
    };
    host.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The agent without control characters, cut at a character's boundary.
fn agent(raw: &[u8]) -> Option<Box<str>> {
    let text = String::from_utf8_lossy(raw);
    let mut agent = String::with_capacity(text.len().min(LONGEST_AGENT));
    for character in text.chars().filter(|character| !character.is_control()) {
        if agent.len() + character.len_utf8() > LONGEST_AGENT {
            break;
        }
        agent.push(character);
    }
    (!agent.is_empty()).then(|| agent.into_boxed_str())
}

#[cfg(test)]
mod tests;
