//! Unsigned integers in as few bytes as they need: LEB128, seven bits a byte, the lowest first.
//!
//! A number has exactly one encoding here, so equal payloads are equal bytes and a reader can refuse the rest.

/// Ten bytes hold any `u64`; the tenth carries its topmost bit alone.
pub(crate) const MOST_BYTES: usize = 10;

/// Appends `n` in its shortest form.
pub(crate) fn put(out: &mut Vec<u8>, mut n: u64) {
    while n > 0x7f {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push((n & 0x7f) as u8);
}

/// The shortest form of `n`, at the front of `out`.
pub(crate) fn write(out: &mut [u8; MOST_BYTES], mut n: u64) -> &[u8] {
    let mut len = 0;
    for byte in &mut *out {
        *byte = (n & 0x7f) as u8;
        len += 1;
        n >>= 7;
        if n == 0 {
            break;
        }
        *byte |= 0x80;
    }
    &out[..len]
}

/// Takes one number off the front of `input`.
///
/// `None` if it is cut off, does not fit 64 bits, or is longer than it had to be; `input` then stays as it was.
#[inline]
pub(crate) fn take(input: &mut &[u8]) -> Option<u64> {
    // Most numbers are small.
    if let [byte @ 0..=0x7f, rest @ ..] = *input {
        *input = rest;
        return Some(u64::from(*byte));
    }
    take_long(input)
}

fn take_long(input: &mut &[u8]) -> Option<u64> {
    let mut n = 0_u64;
    for (i, &byte) in input.iter().enumerate().take(MOST_BYTES) {
        let bits = u64::from(byte & 0x7f);
        if i == MOST_BYTES - 1 && bits > 1 {
            return None;
        }
        n |= bits << (7 * i);
        if byte & 0x80 == 0 {
            if byte == 0 && i > 0 {
                return None;
            }
            *input = &input[i + 1..];
            return Some(n);
        }
    }
    None
}

/// How many bytes [`put`] appends for `n`.
pub(crate) fn len(n: u64) -> usize {
    (64 - (n | 1).leading_zeros() as usize).div_ceil(7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encoded(n: u64) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, n);
        out
    }

    #[test]
    fn known_numbers_have_known_bytes() {
        let table: [(u64, &[u8]); 6] = [
            (0, &[0]),
            (127, &[0x7f]),
            (128, &[0x80, 0x01]),
            (300, &[0xac, 0x02]),
            (u64::from(u32::MAX), &[0xff, 0xff, 0xff, 0xff, 0x0f]),
            (u64::MAX, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        ];
        for (n, bytes) in table {
            assert_eq!(encoded(n), bytes);
        }
    }

    #[test]
    fn long_cut_off_and_too_large_numbers_are_refused() {
        let table: [&[u8]; 6] = [
            &[],
            &[0x80],
            &[0x80, 0x00],
            &[0xff, 0x80, 0x00],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81, 0x00],
        ];
        for bytes in table {
            let mut input = bytes;
            assert_eq!(take(&mut input), None, "{bytes:?}");
            assert_eq!(input, bytes);
        }
    }

    proptest! {
        #[test]
        fn every_number_comes_back_and_leaves_the_rest(n: u64, rest: Vec<u8>) {
            let mut bytes = encoded(n);
            prop_assert_eq!(bytes.len(), len(n));
            let mut digits = [0; MOST_BYTES];
            prop_assert_eq!(write(&mut digits, n), bytes.as_slice());
            bytes.extend_from_slice(&rest);
            let mut input = bytes.as_slice();
            prop_assert_eq!(take(&mut input), Some(n));
            prop_assert_eq!(input, rest.as_slice());
        }

        #[test]
        fn whatever_is_read_is_what_would_be_written(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut input = bytes.as_slice();
            if let Some(n) = take(&mut input) {
                prop_assert_eq!(encoded(n), &bytes[..bytes.len() - input.len()]);
            }
        }
    }
}
