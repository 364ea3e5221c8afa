//! The claims of a token, read strictly.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use super::{envelope, json};
use crate::base64url;
use crate::clock::Timestamp;
use crate::envelope::{Envelope, Login, Origin};
use crate::id::{Family, Subject};

/// The claims as they are on the wire.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wire<'a> {
    #[serde(borrow)]
    pub(super) aud: Text<'a>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(super) cookie: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) sid: Text<'a>,
    #[serde(default)]
    pub(super) r#gen: u64,
    pub(super) iat: u64,
    pub(super) exp: u64,
    #[serde(default, deserialize_with = "json::present")]
    pub(super) nbf: Option<u64>,
    #[serde(default, deserialize_with = "json::present")]
    pub(super) created: Option<u64>,
    #[serde(default)]
    pub(super) logins: u32,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(super) sub: Option<Text<'a>>,
    #[serde(default, deserialize_with = "json::present")]
    pub(super) auth_time: Option<u64>,
    #[serde(default, deserialize_with = "json::present")]
    pub(super) auth_ms: Option<u64>,
    #[serde(default, deserialize_with = "json::present")]
    pub(super) level: Option<u8>,
    #[serde(default, deserialize_with = "json::present")]
    pub(super) persist: Option<u32>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    pub(super) fp: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::raw")]
    pub(super) origin: Option<&'a str>,
    #[serde(borrow, default, deserialize_with = "json::raw")]
    pub(super) session: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireOrigin<'a> {
    #[serde(borrow, default, deserialize_with = "json::present")]
    ip: Option<Text<'a>>,
    #[serde(borrow, default, deserialize_with = "json::present")]
    ua: Option<Text<'a>>,
}

/// A string, borrowed unless it has escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Wire<'_> {
    /// What the claims say of a session and its deadline, if it makes sense.
    pub(super) fn into_envelope(self) -> Option<(Envelope, Timestamp)> {
        if self.nbf.is_some_and(|nbf| nbf > self.iat) {
            return None;
        }
        let issued = instant(self.iat, None)?;
        let expires = instant(self.exp, None)?;
        let created = instant(self.created.unwrap_or(self.iat), None)?;
        let login = match (&self.sub, self.auth_time, self.level) {
            (Some(sub), Some(auth_time), Some(level)) => Some(Login {
                subject: Subject::new(&sub.0).ok()?,
                auth_time: instant(auth_time, self.auth_ms)?,
                level,
            }),
            (None, None, None) if self.auth_ms.is_none() => None,
            _ => return None,
        };
        let fingerprint = match &self.fp {
            Some(fp) => Some(base64url::decode_array(fp.0.as_bytes())?),
            None => None,
        };
        let origin = match self.origin {
            Some(origin) => Some(json::object::<WireOrigin<'_>>(origin.as_bytes())?.into_origin()?),
            None => None,
        };
        let envelope = Envelope {
            family: Family::from_bytes(base64url::decode_array(self.sid.0.as_bytes())?),
            generation: self.r#gen,
            created,
            issued,
            logins: self.logins,
            login,
            persist_for: self.persist.map(|secs| Duration::from_secs(secs.into())),
            fingerprint,
            origin,
        };
        envelope::is_plausible(&envelope).then_some((envelope, expires))
    }
}

impl WireOrigin<'_> {
    fn into_origin(self) -> Option<Box<Origin>> {
        let address: Option<IpAddr> = match self.ip {
            Some(ip) => Some(ip.0.parse().ok()?),
            None => None,
        };
        if self.ua.as_ref().is_some_and(|ua| ua.0.len() > envelope::AGENT_LEN) {
            return None;
        }
        Some(Box::new(Origin { address, agent: self.ua.map(|ua| ua.0.into()) }))
    }
}

/// `None` if the rest is not a rest, or the instant lies past what is ever written.
fn instant(secs: u64, rest: Option<u64>) -> Option<Timestamp> {
    let rest = rest.unwrap_or(0);
    let millis = secs.checked_mul(1000)?.checked_add(rest)?;
    let instant = Timestamp::from_millis(millis);
    (rest < 1000 && instant <= envelope::LATEST).then_some(instant)
}
