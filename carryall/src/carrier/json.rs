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

/// Appends a name as it is spelled, with what is around it, and a number.
#[inline]
pub(super) fn put_number<const N: usize>(out: &mut impl Sink, name: &[u8; N], number: u64) {
    out.put(name);
    Format::put_decimal(out, number);
}

/// Appends the text of bytes, of which there are few.
pub(super) fn put_base64url<const N: usize>(out: &mut impl Sink, bytes: &[u8; N]) {
    base64url::encode_array(bytes, |text| out.put(text));
}

/// Appends a name as it is spelled, with what is around it, and a string.
pub(super) fn put_text<const N: usize>(out: &mut impl Sink, name: &[u8; N], text: &str) {
    out.put(name);
    Format::Json.put_text(out, text.as_bytes());
}
