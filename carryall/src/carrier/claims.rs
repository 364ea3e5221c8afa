//! An envelope and a payload as the claims of a JWT (RFC 7519 section 4).
//!
//! | claim | |
//! | --- | --- |
//! | `aud` | the application id, as a single string |
//! | `cookie` | the cookie's name; absent if the key was derived for this cookie alone, and refused then |
//! | `sid` | the family in base64url |
//! | `gen` | the generation, if not 0 |
//! | `iat`, `exp` | issued; the deadline by the configured lifetime, rounded up |
//! | `nbf` | never written; read if it is no later than `iat` |
//! | `created` | when the session began, if not at `iat` |
//! | `logins` | if not 0 |
//! | `sub`, `auth_time`, `level` | the login, all or none (`auth_time` as in `OpenID` Connect Core section 2) |
//! | `auth_ms` | the milliseconds of `auth_time`, if not 0 |
//! | `persist`, `fp`, `origin` | `persist_for` in seconds, fingerprint in base64url, `{"ip", "ua"}` |
//! | `session` | the payload, a JSON object; absent if empty |
//!
//! A `NumericDate` is an integer: fractions and numbers in quotes are refused. So are claims of another type, repeated
//! claims, and claims that are not in this table: nothing is ever treated as absent that is there. Hence no claim
//! has to name this version of the format: a later one will have one that is unknown here.
//!
//! Issued and created are cut to whole seconds, so a session ends, and is covered by a revocation, up to a second
//! early, never late. A login keeps its milliseconds: one right after a revocation must not be covered by it.

use std::ops::Range;

use bytes::{Buf as _, Bytes};

use super::{canonical, envelope, json};
use crate::clock::Timestamp;
use crate::envelope::{Envelope, Origin};
use crate::error::{Error, ErrorKind};
use crate::event::Refusal;
use crate::format::{Length, Sink};
use crate::key::Binding;
use crate::lifetime::Lifetimes;
use crate::value::Contents;

/// Writes and reads the claims of one application and cookie.
#[derive(Debug)]
pub(crate) struct Claims {
    app: String,
    /// What the claim `cookie` has to say; `None` if it must not be there.
    cookie: Option<String>,
    lifetimes: Lifetimes,
    /// What every token starts with, up to the value of `sid`.
    prefix: Box<str>,
}

/// What verified claims say.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) envelope: Envelope,
    pub(crate) payload: Bytes,
    /// What is in the payload, if that was seen on the way.
    pub(crate) contents: Option<Box<Contents>>,
    pub(crate) expires: Timestamp,
}

impl Claims {
    /// With `is_key_of_cookie`, only tokens for this cookie can verify, and none of them names it.
    pub(crate) fn new(binding: &Binding, is_key_of_cookie: bool, lifetimes: Lifetimes) -> Self {
        let cookie = (!is_key_of_cookie).then(|| binding.cookie.clone());
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let mut prefix = format!(r#"{{"aud":{}"#, quoted(&binding.app));
        if let Some(cookie) = &cookie {
            prefix = format!(r#"{prefix},"cookie":{}"#, quoted(cookie));
        }
        prefix.push_str(r#","sid":""#);
        Self { app: binding.app.clone(), cookie, lifetimes, prefix: prefix.into() }
    }

    /// Appends the claims with whatever JSON object `payload` appends, or nothing.
    pub(crate) fn write(
        &self,
        envelope: &Envelope,
        payload: impl FnOnce(&mut Vec<u8>),
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        self.write_envelope(envelope, out);
        let before = out.len();
        json::put_name(out, "session");
        let start = out.len();
        payload(out);
        match &out[start..] {
            [] => out.truncate(before),
            [b'{', .., b'}'] => {}
            _ => return Err(Error::new(ErrorKind::Encode, "a signed session carries a JSON object")),
        }
        out.push(b'}');
        Ok(())
    }

    /// How many bytes of claims there are around a payload that is not empty.
    pub(crate) fn overhead(&self, envelope: &Envelope) -> usize {
        let mut length = Length::default();
        self.write_envelope(envelope, &mut length);
        json::put_name(&mut length, "session");
        length.0 + 1
    }

    /// The object up to its last claim, not closed.
    fn write_envelope(&self, envelope: &Envelope, out: &mut impl Sink) {
        out.put(self.prefix.as_bytes());
        json::put_base64url(out, envelope.family.as_bytes());
        out.put(b"\"");
        if envelope.generation != 0 {
            json::put_number(out, "gen", envelope.generation);
        }
        let [issued, created] = [envelope.issued, envelope.created].map(|at| envelope::bounded(at) / 1000);
        json::put_number(out, "iat", issued);
        let lifetime = self.lifetimes.of(envelope.persist_for);
        let deadline = lifetime.deadline(Timestamp::from_secs(created), Timestamp::from_secs(issued));
        json::put_number(out, "exp", envelope::bounded(deadline).div_ceil(1000));
        if created != issued {
            json::put_number(out, "created", created);
        }
        if envelope.logins != 0 {
            json::put_number(out, "logins", envelope.logins.into());
        }
        if let Some(login) = &envelope.login {
            json::put_text(out, "sub", login.subject.as_str());
            let millis = envelope::bounded(login.auth_time);
            json::put_number(out, "auth_time", millis / 1000);
            if !millis.is_multiple_of(1000) {
                json::put_number(out, "auth_ms", millis % 1000);
            }
            json::put_number(out, "level", login.level.into());
        }
        if let Some(persist) = envelope.persist_for {
            json::put_number(out, "persist", envelope::persist_secs(persist).into());
        }
        if let Some(fingerprint) = &envelope.fingerprint {
            json::put_name(out, "fp");
            out.put(b"\"");
            json::put_base64url(out, fingerprint);
            out.put(b"\"");
        }
        if let Some(origin) = &envelope.origin {
            put_origin(out, origin);
        }
    }

    /// Reads verified claims. The payload is a part of them.
    ///
    /// Refused: [`Tampered`](Refusal::Tampered) if they were made for another application or cookie,
    /// [`Unreadable`](Refusal::Unreadable) if they are not what [`write`](Self::write) writes.
    pub(crate) fn read(&self, mut claims: Vec<u8>) -> Result<Read, Refusal> {
        let text = std::str::from_utf8(&claims).map_err(|_| Refusal::Unreadable)?;
        let (wire, front) = match canonical::read(&self.prefix, &self.app, self.cookie.as_deref(), text) {
            Some(read) => read,
            None => (json::object(text.as_bytes()).ok_or(Refusal::Unreadable)?, None),
        };
        let cookie = wire.cookie.as_ref().map(|cookie| &*cookie.0);
        if cookie.is_some() != self.cookie.is_some() {
            return Err(Refusal::Unreadable);
        }
        if wire.aud.0 != self.app || cookie != self.cookie.as_deref() {
            return Err(Refusal::Tampered);
        }
        let place = match wire.session {
            None => 0..0,
            Some(session) if session.starts_with('{') => place_of(session, text),
            Some(_) => return Err(Refusal::Unreadable),
        };
        let (envelope, expires) = wire.into_envelope().ok_or(Refusal::Unreadable)?;
        claims.truncate(place.end);
        let mut payload = Bytes::from(claims);
        payload.advance(place.start);
        let contents = front.map(|front| Box::new(Contents::of_front(payload.clone(), front)));
        Ok(Read { envelope, payload, contents, expires })
    }
}

/// Where a part of a text lies in it.
fn place_of(part: &str, text: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

fn put_origin(out: &mut impl Sink, origin: &Origin) {
    let mut members = Vec::new();
    if let Some(address) = origin.address {
        json::put_text(&mut members, "ip", &address.to_string());
    }
    if let Some(agent) = &origin.agent {
        json::put_text(&mut members, "ua", envelope::cut(agent));
    }
    json::put_name(out, "origin");
    out.put(b"{");
    // All but the comma before the first member.
    out.put(members.get(1..).unwrap_or_default());
    out.put(b"}");
}
