//! base64url without padding (RFC 4648 section 5), exactly one text for each value: padding, the other alphabet,
//! and bits that would be thrown away are refused, so no two texts carry the same bytes.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

/// Looks once at which vector instructions the CPU has.
#[cfg(target_arch = "x86_64")]
static ENGINE: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::url_safe(strict()));

#[cfg(not(target_arch = "x86_64"))]
static ENGINE: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::URL_SAFE, strict()));

fn strict() -> GeneralPurposeConfig {
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(false)
}

/// How many characters `bytes` bytes become.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    (bytes * 4).div_ceil(3)
}

/// How many bytes fit into this many characters.
pub(crate) const fn decoded_len(characters: usize) -> usize {
    characters * 3 / 4
}

/// Appends the text of `bytes`.
pub(crate) fn encode_into(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + encoded_len(bytes.len()), b'A');
    // The room is exact, so this cannot fail; were it to, the text would be cut and no reader would take it.
    let written = ENGINE.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

/// Writes the text of `bytes` to the front of `out`; how long it is, or 0 if there is not the room.
pub(crate) fn encode_slice(bytes: &[u8], out: &mut [u8]) -> usize {
    ENGINE.encode_slice(bytes, out).unwrap_or(0)
}

/// The text of `bytes`.
pub(crate) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// The bytes of a text, in a buffer without spare room; `None` for anything but the one right spelling.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = vec![0; decoded_len(text.len())];
    let written = ENGINE.decode_slice(text, &mut bytes).ok()?;
    (written == bytes.len()).then_some(bytes)
}

/// The bytes of a text that must be exactly `N` long.
pub(crate) fn decode_array<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    decode_into(text, &mut bytes)?;
    Some(bytes)
}

/// Fills `out` with the bytes of a text; `None` unless they are exactly as many.
pub(crate) fn decode_into(text: &[u8], out: &mut [u8]) -> Option<()> {
    if text.len() != encoded_len(out.len()) {
        return None;
    }
    let written = ENGINE.decode_slice(text, out).ok()?;
    (written == out.len()).then_some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_the_one_spelling_of_a_value_is_read() {
        assert_eq!(decode(b"-_-_"), Some(vec![0xfb, 0xff, 0xbf]));
        assert_eq!(decode(b"AQ"), Some(vec![1]));
        for wrong in
            ["+/+/", "AQ==", "AQ=", "AR", "A", "AQA ", " AQA", "AQ\n", "AQAB=", "\u{e9}A", "A.AA", "AQ\0\0"]
        {
            assert_eq!(decode(wrong.as_bytes()), None, "{wrong:?}");
        }
        // Long enough for the vector path, wrong in its last character only.
        let mut long = encode(&[7; 100]).into_bytes();
        assert!(decode(&long).is_some());
        let last = long.len() - 1;
        long[last] += 1;
        assert_eq!(decode(&long), None);
    }

    #[test]
    fn an_array_has_its_exact_length() {
        assert_eq!(decode_array::<3>(b"-_-_"), Some([0xfb, 0xff, 0xbf]));
        assert_eq!(decode_array::<2>(b"-_-_"), None);
        assert_eq!(decode_array::<4>(b"-_-_"), None);
    }

    proptest! {
        #[test]
        fn every_value_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut text = b"kept".to_vec();
            encode_into(&bytes, &mut text);
            prop_assert_eq!(text.len(), 4 + encoded_len(bytes.len()));
            prop_assert_eq!(text[4..].to_vec(), encode(&bytes).into_bytes());
            let back = decode(&text[4..]);
            prop_assert_eq!(back.as_deref(), Some(bytes.as_slice()));
        }

        #[test]
        fn whatever_is_read_is_what_would_be_written(text in prop::collection::vec(any::<u8>(), 0..90)) {
            if let Some(bytes) = decode(&text) {
                prop_assert_eq!(encode(&bytes).into_bytes(), text);
            }
        }
    }
}
