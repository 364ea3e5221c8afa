//! Where a session's values live.

use crate::carrier::{Prepared, Ticket};
use crate::format::Format;
use crate::store::AnyStore;

/// Where a segment lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// In the cookie: no server state, no I/O, at most 4096 bytes; parallel responses that change it are
    /// last-wins in the browser.
    Client,
    /// In the store: any size, no lost updates, one round trip to read and one to write.
    Store,
}

/// The configured place with what it takes.
#[derive(Debug)]
pub(crate) enum Home {
    /// Everything in the cookie.
    Client(Prepared),
    /// Everything in a store, a ticket in the cookie.
    Store { ticket: Ticket, store: AnyStore },
}

impl Home {
    /// How values become bytes there.
    pub(crate) fn format(&self) -> Format {
        match self {
            Self::Client(Prepared::Signed(_)) => Format::Json,
            Self::Client(Prepared::Sealed(_)) | Self::Store { .. } => Format::MessagePack,
        }
    }
}
