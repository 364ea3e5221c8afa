//! What a request asks of its session.

use std::fmt;

/// One kind of request. Every contestant has a route for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// No cookie comes and the handler never asks.
    NoCookie,
    /// A cookie comes and the handler never asks.
    Untouched,
    /// The handler reads one value.
    Read,
    /// The handler reads one value and writes it back changed; the next request brings the new cookie.
    Modify,
    /// No cookie comes; the handler fills a session and its cookie is set.
    New,
}

impl Scenario {
    /// In the order of the tables.
    pub(crate) const ALL: [Self; 5] = [Self::NoCookie, Self::Untouched, Self::Read, Self::Modify, Self::New];

    /// The short name, for the command line and for JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::NoCookie => "no-cookie",
            Self::Untouched => "untouched",
            Self::Read => "read",
            Self::Modify => "modify",
            Self::New => "new",
        }
    }

    /// The heading of its table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::NoCookie => "no cookie, session never touched",
            Self::Untouched => "cookie sent, session never touched",
            Self::Read => "read one value",
            Self::Modify => "read and modify, cookie fed back",
            Self::New => "new session",
        }
    }

    /// The route that answers it.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::NoCookie | Self::Untouched => "/untouched",
            Self::Read => "/read",
            Self::Modify => "/modify",
            Self::New => "/new",
        }
    }

    /// Whether the client brings a cookie.
    pub(crate) const fn sends_cookie(self) -> bool {
        matches!(self, Self::Untouched | Self::Read | Self::Modify)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
