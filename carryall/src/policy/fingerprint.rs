//! Whether a client still looks like the one its session began with.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use memchr::memmem;

use crate::error::ConfigError;
use crate::policy::client::ClientPolicy;
use crate::policy::head::RequestHead;

/// What of a client is remembered, as a keyed hash of 8 bytes, and what happens when it changes.
///
/// Default: nothing is remembered. A fingerprint is a hint, no proof: whoever steals a cookie can imitate headers,
/// and honest users change networks and browsers. So a mismatch is only reported unless [`OnMismatch::Refuse`] is
/// chosen. A source that is missing counts as "absent", a value like any other. Changing the sources makes every
/// running session a mismatch; their order does not matter.
///
/// ```
/// use carryall::policy::{FingerprintPolicy, OnMismatch};
/// let policy = FingerprintPolicy::default().agent_family().address_prefix().on_mismatch(OnMismatch::Refuse);
/// assert!(policy.check().is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct FingerprintPolicy {
    /// Sorted, each once.
    sources: Vec<Source>,
    pub(crate) on_mismatch: OnMismatch,
}

/// What happens when a client no longer looks like the one its session began with.
///
/// ```
/// use carryall::policy::OnMismatch;
/// assert_eq!(OnMismatch::default(), OnMismatch::Report);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OnMismatch {
    /// The session goes on; an event tells of it. The default.
    #[default]
    Report,
    /// The request gets an empty session; an event tells of it.
    Refuse,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    AgentFamily,
    ExactAgent,
    AddressPrefix,
    /// In lower case.
    Header(Cow<'static, str>),
}

impl FingerprintPolicy {
    /// Remembers the browser's name and the platform; versions do not matter, so updates pass.
    pub fn agent_family(self) -> Self {
        self.with(Source::AgentFamily)
    }

    /// Remembers `User-Agent` to the letter: every browser update is a mismatch.
    pub fn exact_agent(self) -> Self {
        self.with(Source::ExactAgent)
    }

    /// Remembers the network of the client's address: /24 of IPv4, /64 of IPv6. A phone that leaves the house is a
    /// mismatch.
    pub fn address_prefix(self) -> Self {
        self.with(Source::AddressPrefix)
    }

    /// Remembers a header, such as a TLS fingerprint that a trusted proxy adds; its first value counts.
    pub fn header(self, name: impl Into<Cow<'static, str>>) -> Self {
        let mut name = name.into();
        if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            name.to_mut().make_ascii_lowercase();
        }
        self.with(Source::Header(name))
    }

    /// What happens on a mismatch. Default [`OnMismatch::Report`].
    pub fn on_mismatch(mut self, action: OnMismatch) -> Self {
        self.on_mismatch = action;
        self
    }

    /// Checks that every named header can exist.
    pub fn check(&self) -> Result<(), ConfigError> {
        for source in &self.sources {
            if let Source::Header(name) = source
                && http::HeaderName::try_from(&**name).is_err()
            {
                return Err(ConfigError::new(format!("{name:?} is not a header name")));
            }
        }
        Ok(())
    }

    /// The fingerprint of a request's client; `None` when nothing is remembered. `mac` keys the hash, so that nobody
    /// who reads a session can test guesses.
    pub(crate) fn of(
        &self,
        head: &impl RequestHead,
        client: &ClientPolicy,
        mac: &dyn Fn(&[&[u8]]) -> [u8; 16],
    ) -> Option<[u8; 8]> {
        if self.sources.is_empty() {
            return None;
        }
        let mut input = Vec::with_capacity(128);
        for source in &self.sources {
            source.write(head, client, &mut input);
        }
        mac(&[&input]).first_chunk().copied()
    }

    fn with(mut self, source: Source) -> Self {
        if let Err(place) = self.sources.binary_search(&source) {
            self.sources.insert(place, source);
        }
        self
    }
}

impl Source {
    /// Tag, name and value, each told apart from its neighbours by its length.
    fn write(&self, head: &impl RequestHead, client: &ClientPolicy, out: &mut Vec<u8>) {
        let agent = || head.header("user-agent").unwrap_or_default();
        match self {
            Self::AgentFamily => {
                out.push(1);
                let (browser, platform) = family(agent());
                part(browser, out);
                part(platform, out);
            }
            Self::ExactAgent => {
                out.push(2);
                part(agent(), out);
            }
            Self::AddressPrefix => {
                out.push(3);
                match client.address(head).map(prefix) {
                    None => part(b"", out),
                    Some(IpAddr::V4(network)) => part(&network.octets(), out),
                    Some(IpAddr::V6(network)) => part(&network.octets(), out),
                }
            }
            Self::Header(name) => {
                out.push(4);
                part(name.as_bytes(), out);
                part(head.header(name).unwrap_or_default(), out);
            }
        }
    }
}

fn part(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn prefix(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) => IpAddr::V4(Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
    }
}

/// Marks of browsers in `User-Agent`, with the name they stand for. The order matters: every browser but Firefox also
/// claims to be Chrome or Safari.
const BROWSERS: [(&[u8], &[u8]); 16] = [
    (b"Edg/", b"edge"),
    (b"EdgA/", b"edge"),
    (b"EdgiOS/", b"edge"),
    (b"OPR/", b"opera"),
    (b"OPT/", b"opera"),
    (b"OPiOS/", b"opera"),
    (b"SamsungBrowser/", b"samsung"),
    (b"YaBrowser/", b"yandex"),
    (b"Vivaldi/", b"vivaldi"),
    (b"DuckDuckGo/", b"duckduckgo"),
    (b"Firefox/", b"firefox"),
    (b"FxiOS/", b"firefox"),
    (b"Chromium/", b"chrome"),
    (b"CriOS/", b"chrome"),
    (b"Chrome/", b"chrome"),
    (b"Safari/", b"safari"),
];

/// Marks of platforms. The order matters: Android also claims to be Linux, an iPhone "like Mac OS X".
const PLATFORMS: [(&[u8], &[u8]); 8] = [
    (b"Windows", b"windows"),
    (b"Android", b"android"),
    (b"iPhone", b"ios"),
    (b"iPad", b"ios"),
    (b"iPod", b"ios"),
    (b"CrOS", b"chromeos"),
    (b"Macintosh", b"macos"),
    (b"Linux", b"linux"),
];

/// Name of the browser and its platform. A program that is no browser is named by its first word.
fn family(agent: &[u8]) -> (&[u8], &[u8]) {
    let mark = |marks: &[(&[u8], &'static [u8])]| {
        marks.iter().find(|(mark, _)| memmem::find(agent, mark).is_some()).map(|(_, name)| *name)
    };
    let first_word = || agent.split(|byte| matches!(byte, b'/' | b' ')).next().unwrap_or_default();
    (mark(&BROWSERS).unwrap_or_else(first_word), mark(&PLATFORMS).unwrap_or_default())
}

#[cfg(test)]
mod tests;
