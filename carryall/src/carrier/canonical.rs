//! Claims as this library spells them, read in one pass, up to the brace that closes them.
//!
//! That is: in the order of writing, without white space and escapes. Whatever is spelled otherwise, be it just as
//! good, is left to the reader for any JSON; what is read here, that one would read alike.

#![allow(
    clippy::option_option,
    reason = "the outer one says whether the text is canonical, the inner whether the claim is there"
)]

use std::borrow::Cow;

use super::wire::{Text, Wire};
use crate::base64url;
use crate::format::Format;
use crate::id::Family;
use crate::value::Front;

/// Reads claims that begin with `prefix`, which ends inside of `sid`; `None` leaves them to the other reader.
///
/// A payload that holds contents is read as such on the way.
pub(super) fn read<'a>(
    prefix: &str,
    app: &'a str,
    cookie: Option<&'a str>,
    claims: &'a str,
) -> Option<(Wire<'a>, Option<Front>)> {
    if !claims.starts_with(prefix) {
        return None;
    }
    let mut rest = Rest { claims, at: prefix.len(), front: None };
    let wire = Wire {
        aud: Text(Cow::Borrowed(app)),
        cookie: cookie.map(|cookie| Text(Cow::Borrowed(cookie))),
        sid: rest.family()?,
        r#gen: rest.number(b",\"gen\":")?.unwrap_or(0),
        iat: rest.number(b",\"iat\":")??,
        exp: rest.number(b",\"exp\":")??,
        nbf: None,
        created: rest.number(b",\"created\":")?,
        logins: small(rest.number(b",\"logins\":")?)?.unwrap_or(0),
        sub: rest.member(b",\"sub\":\"", Rest::text)?,
        auth_time: rest.number(b",\"auth_time\":")?,
        auth_ms: rest.number(b",\"auth_ms\":")?,
        level: small(rest.number(b",\"level\":")?)?,
        persist: small(rest.number(b",\"persist\":")?)?,
        fp: rest.member(b",\"fp\":\"", Rest::text)?,
        origin: rest.member(b",\"origin\":", Rest::object)?,
        session: rest.member(b",\"session\":", Rest::payload)?,
    };
    (rest.at == claims.len()).then_some((wire, rest.front))
}

/// `None` for a number that its claim cannot have.
fn small<T: TryFrom<u64>>(number: Option<u64>) -> Option<Option<T>> {
    number.map(T::try_from).transpose().ok()
}

/// What is left of the claims.
struct Rest<'a> {
    claims: &'a str,
    at: usize,
    front: Option<Front>,
}

impl<'a> Rest<'a> {
    /// The value of a member, if it comes next; `None` if it is there and is not spelled as expected.
    #[inline]
    fn member<const N: usize, T>(
        &mut self,
        name: &[u8; N],
        value: fn(&mut Self) -> Option<T>,
    ) -> Option<Option<T>> {
        let rest = self.claims.as_bytes().get(self.at..)?;
        if rest.first_chunk() != Some(name) {
            return Some(None);
        }
        self.at += N;
        value(self).map(Some)
    }

    #[inline]
    fn number<const N: usize>(&mut self, name: &[u8; N]) -> Option<Option<u64>> {
        self.member(name, Self::digits)
    }

    /// A number without leading zeros.
    fn digits(&mut self) -> Option<u64> {
        /// So many digits always fit.
        const MOST: usize = 19;
        let rest = &self.claims.as_bytes()[self.at..];
        let (mut number, mut len) = (0_u64, 0);
        while let Some(digit @ b'0'..=b'9') = rest.get(len) {
            if len == MOST || len == 1 && number == 0 {
                return None;
            }
            number = number * 10 + u64::from(digit - b'0');
            len += 1;
        }
        self.at += len;
        (len > 0).then_some(number)
    }

    /// The text of a family and the quote after it; what is in it is looked at when it is decoded.
    fn family(&mut self) -> Option<Text<'a>> {
        let end = self.at + base64url::encoded_len(Family::LEN);
        let text = self.claims.get(self.at..end)?;
        self.at = end + 1;
        (self.claims.as_bytes().get(end) == Some(&b'"')).then_some(Text(Cow::Borrowed(text)))
    }

    /// The text of a string whose first quote was read.
    fn text(&mut self) -> Option<Text<'a>> {
        let end = Format::end_of_plain_json_text(self.claims, self.at)?;
        let text = self.claims.get(self.at..end - 1)?;
        self.at = end;
        Some(Text(Cow::Borrowed(text)))
    }

    /// The payload, which is any object.
    fn payload(&mut self) -> Option<&'a str> {
        let rest = self.claims.get(self.at..)?;
        let Some(front) = Front::of(rest).filter(|_| rest.starts_with('{')) else { return self.object() };
        self.at += front.len();
        let value = rest.get(..front.len())?;
        self.front = Some(front);
        Some(value)
    }

    /// An object.
    fn object(&mut self) -> Option<&'a str> {
        if self.claims.as_bytes().get(self.at) != Some(&b'{') {
            return None;
        }
        let end = Format::end_of_json(self.claims, self.at)?;
        let value = self.claims.get(self.at..end)?;
        self.at = end;
        Some(value)
    }
}
