//! Finding the session's cookie among the raw bytes of `Cookie` headers.
//!
//! Names are compared byte for byte: nothing is decoded, unquoted or trimmed but the spaces that follow a `;`.
//! Servers that were kinder let `__%48ost-id` or a name led in by U+2000 pass for a `__Host-` cookie, which any
//! subdomain can set. What surrounds our cookie never keeps it from being read.

use memchr::memchr;

/// How many different values are handed on; each costs an authentication.
const MOST_VALUES: usize = 4;

/// Browsers store no cookie whose name and value are longer (RFC 6265bis section 5.6).
const LONGEST_VALUE: usize = 4096;

/// How many bytes of `Cookie` headers are looked at.
const MOST_BYTES: usize = 64 * 1024;

/// The values that a request carries under the session cookie's name: different ones, in order of appearance.
///
/// No `Debug`: the values are secrets.
#[derive(Default)]
pub(crate) struct Candidates<'a> {
    values: [&'a [u8]; MOST_VALUES],
    len: usize,
    overflow: bool,
    oversized: bool,
}

impl<'a> Candidates<'a> {
    /// The values, as raw bytes.
    pub(crate) fn as_slice(&self) -> &[&'a [u8]] {
        &self.values[..self.len]
    }

    /// Whether the request carries nothing at all under the name.
    pub(crate) fn is_absent(&self) -> bool {
        self.len == 0 && !self.overflow && !self.oversized
    }

    /// Whether something was left unread: a fifth value, or headers over 64 KiB. To choose among the values that
    /// were read would let whoever plants cookies hide the true one, so the request is ambiguous.
    pub(crate) fn overflow(&self) -> bool {
        self.overflow
    }

    /// Whether a value over 4096 bytes was passed over; no browser stores one.
    pub(crate) fn oversized(&self) -> bool {
        self.oversized
    }

    fn add(&mut self, value: &'a [u8]) {
        if value.len() > LONGEST_VALUE {
            self.oversized = true;
        } else if self.as_slice().contains(&value) {
            // The same cookie twice says nothing new.
        } else if let Some(free) = self.values.get_mut(self.len) {
            *free = value;
            self.len += 1;
        } else {
            self.overflow = true;
        }
    }
}

/// The values of the cookie `name` in these `Cookie` header lines.
///
/// Linear in the size of the headers, no allocation. Quotes belong to the value, so no carrier accepts them; an
/// empty value counts as no cookie, because that is what a careless client keeps of a removal.
pub(crate) fn candidates<'a>(lines: impl Iterator<Item = &'a [u8]>, name: &str) -> Candidates<'a> {
    let mut found = Candidates::default();
    let mut budget = MOST_BYTES;
    for line in lines {
        let Some(left) = budget.checked_sub(line.len()) else {
            found.overflow = true;
            break;
        };
        budget = left;
        scan(line, name.as_bytes(), &mut found);
    }
    found
}

fn scan<'a>(line: &'a [u8], name: &[u8], found: &mut Candidates<'a>) {
    let mut rest = Some(line);
    while let Some(line) = rest {
        let pair;
        (pair, rest) = match memchr(b';', line) {
            Some(at) => (&line[..at], Some(&line[at + 1..])),
            None => (line, None),
        };
        if let Some(value) = value_of(pair, name).filter(|value| !value.is_empty()) {
            found.add(value);
        }
    }
}

fn value_of<'a>(mut pair: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    while let [b' ', rest @ ..] = pair {
        pair = rest;
    }
    pair.strip_prefix(name)?.strip_prefix(b"=")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAME: &str = "__Host-sid";

    fn read(line: &[u8]) -> Vec<&[u8]> {
        candidates([line].into_iter(), NAME).as_slice().to_vec()
    }

    #[test]
    fn our_cookie_is_found_wherever_it_stands() {
        for line in [
            "__Host-sid=abc",
            "__Host-sid=abc; a=1",
            "a=1; __Host-sid=abc",
            "a=1;__Host-sid=abc",
            "a=1;   __Host-sid=abc;b=2",
            "a=1; ; ;; __Host-sid=abc;",
            "nameless; __Host-sid=abc",
            "=x; __Host-sid=abc",
            "sid=other; __Host-sid=abc",
            "$Version=1; __Host-sid=abc; $Path=/",
            "a=\"x; __Host-sid=abc",
        ] {
            assert_eq!(read(line.as_bytes()), [b"abc"], "{line}");
        }
    }

    #[test]
    fn a_name_that_only_resembles_ours_is_another_cookie() {
        for line in [
            &b"__%48ost-sid=abc"[..],
            b"__HOST-SID=abc",
            b"__host-sid=abc",
            b"\xe2\x80\x80__Host-sid=abc",
            b"\xc2\xa0__Host-sid=abc",
            b"\xc2\x85__Host-sid=abc",
            b"\x85__Host-sid=abc",
            b"\xa0__Host-sid=abc",
            b"a=1;\t__Host-sid=abc",
            b"a=1; \t __Host-sid=abc",
            b"\x0b__Host-sid=abc",
            b"\0__Host-sid=abc",
            b"__Host-sid =abc",
            b"__Host-sid\t=abc",
            b"__Host-sid",
            b"__Host-sid;=abc",
            b"__Host-sidx=abc",
            b"x__Host-sid=abc",
            b"sid=abc",
            b"a=1,__Host-sid=abc",
            b"a=__Host-sid=abc",
            b"\"__Host-sid\"=abc",
            b"=__Host-sid=abc",
            b"",
            b";",
            b"; ; ;",
        ] {
            let found = candidates([line].into_iter(), NAME);
            assert!(found.is_absent(), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn values_come_raw_with_their_quotes_spaces_and_equal_signs() {
        assert_eq!(read(b"__Host-sid=\"abc\""), [b"\"abc\""]);
        assert_eq!(read(b"__Host-sid=abc ; a=1"), [b"abc "]);
        assert_eq!(read(b"__Host-sid= abc"), [b" abc"]);
        assert_eq!(read(b"__Host-sid=a=b=="), [b"a=b=="]);
        assert_eq!(read(b"__Host-sid=\xff\x00%41"), [b"\xff\x00%41"]);
    }

    #[test]
    fn odd_bytes_in_other_cookies_do_not_stop_ours() {
        for odd in (0x00..=0xff_u8).filter(|byte| *byte != b';') {
            let mut line = vec![b'a', odd, b'=', odd, b'"', b'\\', odd];
            line.extend_from_slice(b"; __Host-sid=abc; z");
            line.push(odd);
            assert_eq!(read(&line), [b"abc"], "{odd:#x}");
        }
    }

    #[test]
    fn an_empty_value_is_no_cookie() {
        assert!(candidates([&b"__Host-sid=; __Host-sid="[..]].into_iter(), NAME).is_absent());
        assert_eq!(read(b"__Host-sid=; __Host-sid=abc"), [b"abc"]);
    }

    #[test]
    fn duplicates_are_all_handed_on_whatever_their_order_and_line() {
        let lines = [&b"__Host-sid=one; a=1"[..], b"__Host-sid=two"];
        let found = candidates(lines.into_iter(), NAME);
        assert_eq!(found.as_slice(), [b"one", b"two"]);
        let found = candidates(lines.into_iter().rev(), NAME);
        assert_eq!(found.as_slice(), [b"two", b"one"]);
        assert!(!found.overflow());
    }

    #[test]
    fn equal_duplicates_are_one() {
        let line = "__Host-sid=one; ".repeat(500);
        let found = candidates([line.as_bytes()].into_iter(), NAME);
        assert_eq!(found.as_slice(), [b"one"]);
        assert!(!found.overflow());
    }

    #[test]
    fn a_fifth_value_makes_the_request_ambiguous() {
        let line = b"__Host-sid=1; __Host-sid=2; __Host-sid=3; __Host-sid=4";
        let found = candidates([&line[..]].into_iter(), NAME);
        assert_eq!((found.as_slice().len(), found.overflow()), (4, false));
        let found = candidates([&line[..], b"__Host-sid=5"].into_iter(), NAME);
        assert_eq!((found.as_slice().len(), found.overflow()), (4, true));
    }

    #[test]
    fn a_value_no_browser_stores_is_passed_over() {
        let line = format!("__Host-sid={}; __Host-sid=abc", "x".repeat(4097));
        let found = candidates([line.as_bytes()].into_iter(), NAME);
        assert!(found.oversized());
        assert_eq!(found.as_slice(), [b"abc"]);
        let line = format!("__Host-sid={}", "x".repeat(4096));
        let found = candidates([line.as_bytes()].into_iter(), NAME);
        assert!(!found.oversized());
        assert_eq!(found.as_slice().len(), 1);
    }

    #[test]
    fn headers_over_64_kib_are_not_searched_and_leave_no_choice() {
        let huge = "a=1; ".repeat(200_000);
        let found = candidates([&b"__Host-sid=abc"[..], huge.as_bytes()].into_iter(), NAME);
        assert!(found.overflow());
        assert_eq!(found.as_slice(), [b"abc"]);
        let exact = vec![b'a'; MOST_BYTES];
        assert!(candidates([&exact[..]].into_iter(), NAME).is_absent());
        assert!(candidates([&exact[..], b"a"].into_iter(), NAME).overflow());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic_and_yield_only_parts_of_the_input(
            lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..8),
        ) {
            let found = candidates(lines.iter().map(Vec::as_slice), "a");
            for value in found.as_slice() {
                prop_assert!(!value.contains(&b';') && !value.is_empty());
                let pair = [b"a=", *value].concat();
                prop_assert!(lines.iter().any(|line| memchr::memmem::find(line, &pair).is_some()));
            }
        }

        #[test]
        fn any_value_comes_back_between_any_neighbours(
            before in "[^;]{0,40}", value in "[!-:<-~]{1,200}", after in "[^;]{0,40}",
        ) {
            prop_assume!(value_of(before.as_bytes(), b"sid").is_none());
            prop_assume!(value_of(after.as_bytes(), b"sid").is_none());
            let line = format!("{before}; sid={value};{after}");
            let found = candidates([line.as_bytes()].into_iter(), "sid");
            prop_assert_eq!(found.as_slice(), [value.as_bytes()]);
        }
    }
}
