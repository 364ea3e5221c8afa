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

/// So many characters are worked on at once, without a branch or a table between them.
const LANES: usize = 16;

/// Arrays of at most so many bytes, ids and tags, are done here: the engine takes longer to begin than they take.
const MOST: usize = 48;

/// Room for the text of the longest of them.
const ROOM: usize = lanes_of(encoded_len(MOST));

/// What is no value.
const NO_VALUE: u8 = 1 << 7;

/// The characters of as many lanes as it takes for these and one more.
const fn lanes_of(characters: usize) -> usize {
    (characters / LANES + 1) * LANES
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

/// Hands out the text of an array, of which the length is known.
#[inline]
pub(crate) fn encode_array<const N: usize, T>(bytes: &[u8; N], use_text: impl FnOnce(&[u8]) -> T) -> T {
    const { assert!(N <= MOST, "longer ones are for the engine") };
    let mut text = [0; ROOM];
    let (triples, rest) = bytes.as_chunks::<3>();
    let (quads, _) = text.as_chunks_mut::<4>();
    let mut last = [0; 3];
    last[..rest.len()].copy_from_slice(rest);
    for (triple, quad) in triples.iter().chain([&last]).zip(quads) {
        *quad = values_of_triple(*triple);
    }
    let (lanes, _) = text[..lanes_of(encoded_len(N))].as_chunks_mut::<LANES>();
    for lane in lanes {
        *lane = lane.map(symbol);
    }
    use_text(&text[..encoded_len(N)])
}

#[inline]
fn values_of_triple([a, b, c]: [u8; 3]) -> [u8; 4] {
    let bits = u32::from_be_bytes([0, a, b, c]);
    (bits << 6 & 0x3f00_0000 | bits << 4 & 0x003f_0000 | bits << 2 & 0x3f00 | bits & 0x3f).to_be_bytes()
}

#[inline]
fn symbol(value: u8) -> u8 {
    match value {
        0..26 => value + b'A',
        26..52 => value - 26 + b'a',
        52..62 => value - 52 + b'0',
        62 => b'-',
        _ => b'_',
    }
}

/// The text of `bytes`.
pub(crate) fn encode(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// The bytes of a text, in a buffer without spare room; `None` for anything but the one right spelling.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let len = decoded_len(text.len());
    // Not zeroed memory, for which the allocator goes the long way.
    let mut bytes = Vec::with_capacity(len);
    bytes.resize(len, u8::MAX);
    let written = ENGINE.decode_slice(text, &mut bytes).ok()?;
    (written == bytes.len()).then_some(bytes)
}

/// The bytes of a text as [`decode`] has them, but the last one, if there is one, apart from the others.
pub(crate) fn decode_apart(text: &[u8]) -> Option<(Vec<u8>, Option<u8>)> {
    let quads = text.len().saturating_sub(1) / 4 * 4;
    let (head, tail) = text.split_at(quads);
    let (last, last_len) = decode_last(tail)?;
    let head_len = decoded_len(quads);
    let mut bytes = Vec::with_capacity(head_len + last_len.saturating_sub(1));
    // Not zeroed memory, for which the allocator goes the long way.
    bytes.resize(head_len, u8::MAX);
    if ENGINE.decode_slice(head, &mut bytes).ok()? != head_len {
        return None;
    }
    let last = last[..last_len].split_last();
    bytes.extend_from_slice(last.map_or(&[], |(_, before)| before));
    Some((bytes, last.map(|(last, _)| *last)))
}

/// Up to three bytes, and how many, of up to four characters.
fn decode_last(text: &[u8]) -> Option<([u8; 4], usize)> {
    let (quad, len) = match *text {
        [] => return Some(([0; 4], 0)),
        [a, b] => ([a, b, b'A', b'A'], 1),
        [a, b, c] => ([a, b, c, b'A'], 2),
        [a, b, c, d] => ([a, b, c, d], 3),
        _ => return None,
    };
    let values = quad.map(value);
    let bits = bits_of_values(values);
    let are_values = values.iter().fold(0, |all, value| all | value) & NO_VALUE == 0;
    (are_values && bits << (8 * len) == 0).then_some((bits.to_be_bytes(), len))
}

/// The bytes of a text that must be exactly `N` long, and at most [`MOST`].
#[inline]
pub(crate) fn decode_array<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    const { assert!(N <= MOST, "longer ones are for the engine") };
    if text.len() != encoded_len(N) {
        return None;
    }
    // Behind the text are nothing but zeros, as they are spelled.
    let mut values = [b'A'; ROOM];
    values[..encoded_len(N)].copy_from_slice(text);
    let (lanes, _) = values[..lanes_of(encoded_len(N))].as_chunks_mut::<LANES>();
    let mut seen = [0; LANES];
    for lane in lanes {
        *lane = lane.map(value);
        seen.iter_mut().zip(lane).for_each(|(seen, value)| *seen |= *value);
    }
    let mut bytes = [0; MOST + 4];
    let (quads, _) = values.as_chunks::<4>();
    for (i, quad) in quads[..=N / 3].iter().enumerate() {
        // The fourth byte is the first one of the next three, if it is any.
        bytes[3 * i..3 * i + 4].copy_from_slice(&bits_of_values(*quad).to_be_bytes());
    }
    let (bytes, cut) = bytes[..N / 3 * 3 + 3].split_first_chunk()?;
    let are_values = seen.iter().fold(0, |all, seen| all | seen) & NO_VALUE == 0;
    (are_values && cut.iter().all(|&bits| bits == 0)).then_some(*bytes)
}

/// Fills `out` with the bytes of a text; `None` unless they are exactly as many.
pub(crate) fn decode_into(text: &[u8], out: &mut [u8]) -> Option<()> {
    if text.len() != encoded_len(out.len()) {
        return None;
    }
    let written = ENGINE.decode_slice(text, out).ok()?;
    (written == out.len()).then_some(())
}

#[inline]
fn value(symbol: u8) -> u8 {
    match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => NO_VALUE,
    }
}

/// Three bytes in the upper bits.
#[inline]
fn bits_of_values(values: [u8; 4]) -> u32 {
    let bits = u32::from_be_bytes(values);
    bits << 2 & 0xfc00_0000 | bits << 4 & 0x03f0_0000 | bits << 6 & 0x000f_c000 | bits << 8 & 0x3f00
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

    /// What the engine makes of an array, and of a text for one, is what is made of them here.
    fn is_alike<const N: usize>(bytes: [u8; MOST], text: &[u8], at: usize, wrong: u8) -> bool {
        let bytes: &[u8; N] = bytes.first_chunk().unwrap();
        let spelled = ENGINE.encode(bytes).into_bytes();
        let mut other = spelled.clone();
        if let Some(symbol) = other.get_mut(at) {
            *symbol = wrong;
        }
        let is_read_alike = |text: &[u8]| {
            let known = ENGINE.decode(text).ok().and_then(|bytes| <[u8; N]>::try_from(bytes).ok());
            decode_array::<N>(text) == known
        };
        encode_array(bytes, |text| text == spelled)
            && decode_array(&spelled) == Some(*bytes)
            && is_read_alike(&other)
            && is_read_alike(text)
    }

    proptest! {
        #[test]
        fn arrays_are_spelled_and_read_as_the_engine_does_it(
            bytes: [u8; 32], more: [u8; 16], text in "[A-Za-z0-9_=+-]{0,12}", at in 0..ROOM, wrong: u8,
        ) {
            let mut all = [0; MOST];
            all[..32].copy_from_slice(&bytes);
            all[32..].copy_from_slice(&more);
            let text = text.as_bytes();
            prop_assert!(is_alike::<0>(all, text, at, wrong));
            prop_assert!(is_alike::<1>(all, text, at % 2, wrong));
            prop_assert!(is_alike::<2>(all, text, at % 3, wrong));
            prop_assert!(is_alike::<3>(all, text, at % 4, wrong));
            prop_assert!(is_alike::<8>(all, text, at % 11, wrong));
            prop_assert!(is_alike::<16>(all, text, at % 22, wrong));
            prop_assert!(is_alike::<32>(all, text, at % 43, wrong));
            prop_assert!(is_alike::<47>(all, text, at % 63, wrong));
            prop_assert!(is_alike::<MOST>(all, text, at % 64, wrong));
        }

        #[test]
        fn every_value_comes_back(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut text = b"kept".to_vec();
            encode_into(&bytes, &mut text);
            prop_assert_eq!(text.len(), 4 + encoded_len(bytes.len()));
            prop_assert_eq!(text[4..].to_vec(), encode(&bytes).into_bytes());
            let back = decode(&text[4..]);
            prop_assert_eq!(back.as_deref(), Some(bytes.as_slice()));
            let (mut back, last) = decode_apart(&text[4..]).unwrap();
            prop_assert_eq!(back.len(), back.capacity());
            back.extend(last);
            prop_assert_eq!(back, bytes);
        }

        #[test]
        fn whatever_is_read_is_what_would_be_written(
            text in prop_oneof!["[A-Za-z0-9_=.-]{0,90}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..90)],
        ) {
            let read = decode(&text);
            let apart = decode_apart(&text).map(|(mut bytes, last)| {
                bytes.extend(last);
                bytes
            });
            prop_assert_eq!(&apart, &read);
            if let Some(bytes) = read {
                prop_assert_eq!(encode(&bytes).into_bytes(), text);
            }
        }
    }
}
