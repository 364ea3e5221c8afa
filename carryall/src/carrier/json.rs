//! Reading small JSON objects strictly, and writing them without building values.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::base64url;
use crate::format::{Format, Sink};

/// Reads one object. Unknown and repeated members are refused by the types read here (`deny_unknown_fields`); arrays,
/// which would fill the members by their order, are refused here.
pub(super) fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    if json.first() != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(json).ok()
}

/// For members that may be absent: `null` and values of another type are refused, not taken for absent.
pub(super) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    value: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(value).map(Some)
}

/// The text of a member's value, whatever it is.
pub(super) fn raw<'de, D: Deserializer<'de>>(value: D) -> Result<Option<&'de str>, D::Error> {
    <&RawValue>::deserialize(value).map(|raw| Some(raw.get()))
}

/// Appends `,"name":number`; the name needs no escaping.
pub(super) fn put_number(out: &mut impl Sink, name: &str, number: u64) {
    put_name(out, name);
    Format::put_decimal(out, number);
}

/// Appends the text of bytes, of which there are few.
pub(super) fn put_base64url<const N: usize>(out: &mut impl Sink, bytes: &[u8; N]) {
    let mut text = [0; 32];
    let len = base64url::encode_slice(bytes, &mut text);
    out.put(&text[..len]);
}

/// Appends `,"name":"text"`; the name needs no escaping.
pub(super) fn put_text(out: &mut impl Sink, name: &str, text: &str) {
    put_name(out, name);
    Format::Json.put_text(out, text.as_bytes());
}

/// Appends `,"name":`; the name needs no escaping.
#[inline]
pub(super) fn put_name(out: &mut impl Sink, name: &str) {
    out.put(b",\"");
    out.put(name.as_bytes());
    out.put(b"\":");
}
