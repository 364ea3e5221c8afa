//! A flash message: what has just happened, said once.

use carryall::{Error, ErrorKind, Session};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

/// What has just happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Notice(String);

const KEY: &str = "notice";

impl Notice {
    /// Leaves a message for the next page. A session that was ended elsewhere takes none, which is no reason to fail.
    pub(super) fn leave(session: &Session, text: impl Into<String>) -> Result<(), Error> {
        match session.flash().set(KEY, &Self(text.into())) {
            Err(error) if error.kind() == ErrorKind::Superseded => Ok(()),
            left => left,
        }
    }

    /// The message that the request before this one left.
    pub(super) fn found(session: &Session) -> Result<Option<Self>, Error> {
        session.flash().get(KEY)
    }

    pub(super) fn markup(&self) -> Markup {
        html! { p.notice role="status" { (self.0) } }
    }
}
