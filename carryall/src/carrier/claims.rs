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

use super::wire::Wire;
use super::{Opened, Payload, canonical, envelope, json};
use crate::base64url;
use crate::clock::Timestamp;
use crate::envelope::{Envelope, Origin};
use crate::error::{Error, ErrorKind};
use crate::event::Refusal;
use crate::format::{Length, Sink};
use crate::id::Family;
use crate::key::{Binding, KeyId, KeyState};
use crate::lifetime::Lifetimes;
use crate::value::Contents;

/// What comes before the payload.
const SESSION: &[u8] = b",\"session\":";

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
        out.put(self.prefix.as_bytes());
        json::put_base64url(out, envelope.family.as_bytes());
        self.write_rest(envelope, out);
        let before = out.len();
        out.put(SESSION);
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
        self.write_rest(envelope, &mut length);
        self.prefix.len() + base64url::encoded_len(Family::LEN) + length.0 + SESSION.len() + 1
    }

    /// The object from behind the family to the last claim of the envelope.
    fn write_rest(&self, envelope: &Envelope, out: &mut impl Sink) {
        out.put(b"\"");
        if envelope.generation != 0 {
            json::put_number(out, b",\"gen\":", envelope.generation);
        }
        let [issued, created] = [envelope.issued, envelope.created].map(|at| envelope::bounded(at) / 1000);
        json::put_number(out, b",\"iat\":", issued);
        let lifetime = self.lifetimes.of(envelope.persist_for);
        let deadline = lifetime.deadline(Timestamp::from_secs(created), Timestamp::from_secs(issued));
        json::put_number(out, b",\"exp\":", envelope::bounded(deadline).div_ceil(1000));
        if created != issued {
            json::put_number(out, b",\"created\":", created);
        }
        if envelope.logins != 0 {
            json::put_number(out, b",\"logins\":", envelope.logins.into());
        }
        if let Some(login) = &envelope.login {
            json::put_text(out, b",\"sub\":", login.subject.as_str());
            let millis = envelope::bounded(login.auth_time);
            json::put_number(out, b",\"auth_time\":", millis / 1000);
            if !millis.is_multiple_of(1000) {
                json::put_number(out, b",\"auth_ms\":", millis % 1000);
            }
            json::put_number(out, b",\"level\":", login.level.into());
        }
        if let Some(persist) = envelope.persist_for {
            json::put_number(out, b",\"persist\":", envelope::persist_secs(persist).into());
        }
        if let Some(fingerprint) = &envelope.fingerprint {
            out.put(b",\"fp\":\"");
            json::put_base64url(out, fingerprint);
            out.put(b"\"");
        }
        if let Some(origin) = &envelope.origin {
            put_origin(out, origin);
        }
    }

    /// Reads verified claims, whose last byte stands apart: what is before it then ends with the payload, and can be
    /// given out without another allocation.
    ///
    /// Refused: [`Tampered`](Refusal::Tampered) if they were made for another application or cookie,
    /// [`Unreadable`](Refusal::Unreadable) if they are not what [`write`](Self::write) writes.
    pub(crate) fn read(
        &self,
        (claims, last): (Vec<u8>, Option<u8>),
        key_id: KeyId,
        key: KeyState,
    ) -> Result<Opened, Refusal> {
        let text = if last == Some(b'}') { std::str::from_utf8(&claims).ok() } else { None };
        let read =
            |text| Some((text, canonical::read(&self.prefix, &self.app, self.cookie.as_deref(), text)?));
        let Some((text, (wire, front))) = text.and_then(read) else {
            return self.read_otherwise(claims, last, key_id, key);
        };
        let place = wire.session.map_or(0..0, |session| place_of(session, text));
        let (envelope, expires) = wire.into_envelope().ok_or(Refusal::Unreadable)?;
        let bytes = part(claims, place);
        let payload = match front {
            Some(front) => Payload::Contents(Box::new(Contents::of_front(bytes, front))),
            None => Payload::Bytes(bytes),
        };
        Ok(Opened { envelope, payload, key_id, key, expires: Some(expires) })
    }

    /// Reads claims that are spelled in another way than ours are.
    #[cold]
    fn read_otherwise(
        &self,
        mut claims: Vec<u8>,
        last: Option<u8>,
        key_id: KeyId,
        key: KeyState,
    ) -> Result<Opened, Refusal> {
        claims.extend(last);
        let text = std::str::from_utf8(&claims).map_err(|_| Refusal::Unreadable)?;
        let wire: Wire<'_> = json::object(text.as_bytes()).ok_or(Refusal::Unreadable)?;
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
        let payload = Payload::Bytes(part(claims, place));
        Ok(Opened { envelope, payload, key_id, key, expires: Some(expires) })
    }
}

/// A part of these bytes, without a copy.
fn part(mut bytes: Vec<u8>, place: Range<usize>) -> Bytes {
    bytes.truncate(place.end);
    let mut part = Bytes::from(bytes);
    part.advance(place.start);
    part
}

/// Where a part of a text lies in it.
fn place_of(part: &str, text: &str) -> Range<usize> {
    let start = part.as_ptr().addr() - text.as_ptr().addr();
    start..start + part.len()
}

fn put_origin(out: &mut impl Sink, origin: &Origin) {
    let mut members = Vec::new();
    if let Some(address) = origin.address {
        json::put_text(&mut members, b",\"ip\":", &address.to_string());
    }
    if let Some(agent) = &origin.agent {
        json::put_text(&mut members, b",\"ua\":", envelope::cut(agent));
    }
    out.put(b",\"origin\":{");
    // All but the comma before the first member.
    out.put(members.get(1..).unwrap_or_default());
    out.put(b"}");
}
