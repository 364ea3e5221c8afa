//! Sixteen bytes as the name of a file: 32 hexadecimal digits.

pub(crate) fn name(bytes: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*bytes))
}

/// The bytes of such a name.
pub(crate) fn parse(text: &str) -> Option<[u8; 16]> {
    let bytes = u128::from_str_radix(text, 16).ok()?.to_be_bytes();
    Some(bytes).filter(|bytes| name(bytes) == text)
}
