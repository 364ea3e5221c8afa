//! Reading small JSON objects strictly, and writing them without building values.

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

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
pub(super) fn put_number(out: &mut Vec<u8>, name: &str, number: u64) {
    put_name(out, name);
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = number;
    loop {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends `,"name":"text"`; the name needs no escaping.
pub(super) fn put_text(out: &mut Vec<u8>, name: &str, text: &str) {
    put_name(out, name);
    serde_json::to_writer(out, text).expect("a string always is JSON and memory takes it");
}

/// Appends `,"name":`; the name needs no escaping.
pub(super) fn put_name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}
