//! What the inspector knows of a session.

use std::time::Duration;

use axum::http::{HeaderMap, header};
use carryall::Meta;
use carryall::clock::{Clock as _, SystemClock, Timestamp};
use carryall::key::KeyId;

use crate::pages::page::Page;
use crate::pages::sign_in::REMEMBERED;

/// What the inspector knows of a session.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) meta: Meta,
    /// How the cookie is protected.
    pub(super) carrier: &'static str,
    /// Whether the cookie holds the whole session.
    pub(super) is_carried: bool,
    /// The id of the key that the cookie was made with.
    pub(super) key: Option<String>,
    /// Name and value of the cookie that came with this request, in bytes.
    pub(super) cookie: Option<usize>,
    /// Bytes of each segment.
    pub(super) segments: Vec<(String, usize)>,
    pub(super) now: Timestamp,
    /// The end that no use moves.
    pub(super) ends: Timestamp,
}

impl Facts {
    /// What is known, if there is a session.
    pub(super) fn of(page: &Page, headers: &HeaderMap) -> Option<Self> {
        let meta = page.session.meta()?;
        let setup = &page.setup;
        Some(Self {
            carrier: setup.carrier(),
            is_carried: setup.is_carried(),
            key: meta.key.map(|id| KeyId::from_bytes(id).to_string()),
            cookie: cookie_bytes(headers, setup.cookie_name()),
            segments: page.session.sizes(),
            now: SystemClock.now(),
            ends: meta.created.plus(absolute(&meta, setup.options.absolute())),
            meta,
        })
    }
}

/// "Remember me" moves the last deadline to 30 days.
fn absolute(meta: &Meta, usual: Duration) -> Duration {
    if meta.is_persistent { usual.max(REMEMBERED) } else { usual }
}

/// Browsers count name and value (RFC 6265bis section 5.6).
fn cookie_bytes(headers: &HeaderMap, name: &str) -> Option<usize> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(name, value)| name.len() + value.len())
}
