//! Writing `Set-Cookie`: the value between a prepared beginning and a prepared tail.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;

use crate::base64url;
use crate::cookie::CookiePolicy;
use crate::error::{ConfigError, Error, ErrorKind};
use crate::lifetime::LONGEST;

/// Browsers drop a cookie silently when name and value together are longer (RFC 6265bis section 5.6).
const MOST_BYTES: usize = 4096;

const MAX_AGE: &str = "; Max-Age=";

/// Makes the `Set-Cookie` values of one [`CookiePolicy`].
///
/// A cookie that lasts longer than the browser session gets `Max-Age` alone, never `Expires`: the age does not
/// depend on the client's clock, and a client too old to know it merely forgets the cookie when it is closed. A
/// removal carries both, because there a client that knows only `Expires` would go on sending the cookie.
#[derive(Debug)]
pub(crate) struct Writer {
    /// `name=`
    start: Box<str>,
    /// Every attribute of the policy.
    tail: Box<str>,
    removal: HeaderValue,
}

impl Writer {
    /// A writer for a policy that browsers accept.
    pub(crate) fn new(policy: &CookiePolicy) -> Result<Self, ConfigError> {
        policy.check()?;
        let name = policy.effective_name();
        let attributes = policy.attributes();
        let removal =
            format!("{name}={MAX_AGE}0; Expires=Thu, 01 Jan 1970 00:00:00 GMT{attributes}").into_bytes();
        Ok(Self {
            start: format!("{name}=").into(),
            removal: sensitive(removal).map_err(|error| ConfigError::new(error.to_string()))?,
            tail: attributes.into(),
        })
    }

    /// The cookie's name.
    pub(crate) fn name(&self) -> &str {
        self.start.strip_suffix('=').unwrap_or_default()
    }

    /// How long a value may be, in bytes as sent.
    pub(crate) fn longest_value(&self) -> usize {
        MOST_BYTES.saturating_sub(self.name().len())
    }

    /// A buffer that ends in `name=`, with room for a value of `value_len` bytes and everything after it. If the
    /// length is exact, the header value takes the buffer over without another allocation.
    pub(crate) fn begin(&self, value_len: usize, max_age: Option<Duration>) -> Vec<u8> {
        let age = max_age
            .map_or(0, |age| MAX_AGE.len() + seconds(age).checked_ilog10().map_or(1, |log| log as usize + 1));
        let mut buffer = Vec::with_capacity(self.start.len() + value_len + age + self.tail.len());
        buffer.extend_from_slice(self.start.as_bytes());
        buffer
    }

    /// The header value with these bytes as base64url. As [`finish`](Self::finish).
    pub(crate) fn finish_bytes(&self, bytes: &[u8], max_age: Option<Duration>) -> Result<HeaderValue, Error> {
        let mut buffer = self.begin(base64url::encoded_len(bytes.len()), max_age);
        base64url::encode_into(bytes, &mut buffer);
        self.check_len(&buffer)?;
        self.complete(buffer, max_age)
    }

    /// The header value out of a buffer from [`begin`](Self::begin) to which the cookie's value was appended, in
    /// characters that a cookie can hold: tokens and tickets are base64url and dots.
    ///
    /// `max_age` is how long the browser keeps the cookie: `None` until it is closed, at most 400 days, and less
    /// than a second makes a removal of it. `TooLarge` when name and value exceed 4096 bytes.
    pub(crate) fn finish(&self, buffer: Vec<u8>, max_age: Option<Duration>) -> Result<HeaderValue, Error> {
        let Some(value) = buffer.strip_prefix(self.start.as_bytes()) else {
            return Err(Error::new(ErrorKind::Misuse, "the cookie's buffer was not begun by its writer"));
        };
        self.check_len(&buffer)?;
        debug_assert!(
            value.iter().all(|byte| is_cookie_octet(*byte)),
            "a carrier made what no cookie can hold"
        );
        self.complete(buffer, max_age)
    }

    /// Refuses name and value that are too long together; of the buffer, the `=` does not count.
    fn check_len(&self, buffer: &[u8]) -> Result<(), Error> {
        if buffer.len() > self.start.len() + self.longest_value() {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!(
                    "the session's cookie would be {} bytes, browsers keep 4096: store less, or place segments in a store",
                    buffer.len() - 1
                ),
            ));
        }
        Ok(())
    }

    /// The header value, with the attributes behind name and value.
    fn complete(&self, mut buffer: Vec<u8>, max_age: Option<Duration>) -> Result<HeaderValue, Error> {
        if let Some(age) = max_age {
            let seconds = seconds(age);
            if seconds == 0 {
                return Ok(self.removal());
            }
            buffer.extend_from_slice(MAX_AGE.as_bytes());
            write!(buffer, "{seconds}").map_err(|error| {
                Error::new(ErrorKind::Misuse, "the cookie's age could not be written").because(error)
            })?;
        }
        buffer.extend_from_slice(self.tail.as_bytes());
        sensitive(buffer)
    }

    /// The header value that makes the browser delete the cookie: same name, same attributes. No allocation.
    pub(crate) fn removal(&self) -> HeaderValue {
        self.removal.clone()
    }
}

fn seconds(age: Duration) -> u64 {
    age.min(LONGEST).as_secs()
}

/// A header value that takes the buffer over and stays out of logs and HPACK tables.
fn sensitive(buffer: Vec<u8>) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from(buffer)).map_err(|error| {
        Error::new(ErrorKind::Misuse, "the cookie holds bytes that a header cannot carry").because(error)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

/// A `cookie-octet` (RFC 6265bis section 4.1.1): visible ASCII without `"` `,` `;` and `\`.
fn is_cookie_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::SameSite;

    fn writer() -> Writer {
        Writer::new(&CookiePolicy::default()).unwrap()
    }

    fn write(writer: &Writer, value: &str, max_age: Option<Duration>) -> Result<HeaderValue, Error> {
        let mut buffer = writer.begin(value.len(), max_age);
        buffer.extend_from_slice(value.as_bytes());
        writer.finish(buffer, max_age)
    }

    #[test]
    fn a_browser_session_cookie_has_no_age() {
        let value = write(&writer(), "abc", None).unwrap();
        assert_eq!(value, "__Host-session=abc; Path=/; Secure; HttpOnly; SameSite=Lax");
        assert!(value.is_sensitive());
        assert!(!format!("{value:?}").contains("abc"));
    }

    #[test]
    fn a_lasting_cookie_carries_its_age_in_seconds_and_no_date() {
        let value = write(&writer(), "abc", Some(Duration::from_millis(3_600_999))).unwrap();
        assert_eq!(value, "__Host-session=abc; Max-Age=3600; Path=/; Secure; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn the_age_is_cut_to_400_days() {
        for years in
            [Duration::from_hours(10 * 365 * 24), Duration::from_secs(i64::MAX as u64), Duration::MAX]
        {
            let value = write(&writer(), "abc", Some(years)).unwrap();
            assert!(value.to_str().unwrap().contains("; Max-Age=34560000; "), "{years:?}");
        }
    }

    #[test]
    fn an_age_of_nothing_removes_the_cookie() {
        for age in [Duration::ZERO, Duration::from_millis(999)] {
            let value = write(&writer(), "secret", Some(age)).unwrap();
            assert_eq!(value, writer().removal());
        }
    }

    #[test]
    fn a_removal_repeats_every_attribute_of_its_policy() {
        assert_eq!(
            writer().removal(),
            "__Host-session=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax"
        );
        let policy = CookiePolicy::default()
            .name("__Secure-id")
            .domain("example.com")
            .path("/app")
            .same_site(SameSite::None)
            .partitioned(true);
        let writer = Writer::new(&policy).unwrap();
        let set = write(&writer, "", None).unwrap();
        let attributes = set.to_str().unwrap().strip_prefix("__Secure-id=").unwrap();
        let removal = writer.removal();
        assert!(removal.to_str().unwrap().ends_with(attributes));
        assert_eq!(removal.to_str().unwrap().matches("Max-Age").count(), 1);
        assert_eq!(
            attributes,
            "; Path=/app; Domain=example.com; Secure; HttpOnly; SameSite=None; Partitioned"
        );
    }

    #[test]
    fn name_and_value_may_be_4096_bytes_and_no_more() {
        let longest = writer().longest_value();
        assert_eq!(longest + writer().name().len(), 4096);
        assert!(write(&writer(), &"x".repeat(longest), None).is_ok());
        for over in [longest + 1, 8192] {
            let error = write(&writer(), &"x".repeat(over), None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::TooLarge);
        }
    }

    #[cfg(debug_assertions)]
    #[test]
    fn no_value_can_split_the_header_or_add_an_attribute() {
        for byte in (0x00..=0xff_u8).filter(|byte| !is_cookie_octet(*byte)) {
            let mut buffer = writer().begin(3, None);
            buffer.extend_from_slice(&[b'a', byte, b'b']);
            let finished = std::panic::catch_unwind(|| writer().finish(buffer, None));
            assert!(finished.is_err(), "{byte:#x}");
        }
        assert_eq!((0x00..=0xff_u8).filter(|byte| is_cookie_octet(*byte)).count(), 90);
    }

    #[test]
    fn bytes_are_written_in_characters_that_a_cookie_can_hold() {
        let bytes: Vec<u8> = (0..=u8::MAX).flat_map(|byte| [byte, byte.reverse_bits(), !byte]).collect();
        let text = base64url::encode(&bytes);
        assert!(text.bytes().all(is_cookie_octet));
        for age in [None, Some(Duration::ZERO), Some(Duration::from_mins(1))] {
            assert_eq!(
                writer().finish_bytes(&bytes, age).unwrap(),
                write(&writer(), &text, age).unwrap(),
                "{age:?}"
            );
        }
        let error = writer().finish_bytes(&[0; 3062], None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(writer().finish_bytes(&[0; 3061], None).is_ok());
    }

    #[test]
    fn a_buffer_of_another_writer_is_refused() {
        let error = writer().finish(b"other=abc".to_vec(), None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Misuse);
    }

    #[test]
    fn a_begun_buffer_has_room_for_the_whole_header_and_not_a_byte_more() {
        let ages = [None, Some(1), Some(9), Some(10), Some(34_560_000), Some(u64::MAX)];
        for age in ages.map(|age| age.map(Duration::from_secs)) {
            let buffer = writer().begin(3, age);
            let value = write(&writer(), "abc", age).unwrap();
            assert_eq!(buffer.capacity(), value.len(), "{age:?}");
        }
    }

    #[test]
    fn an_unsafe_policy_gets_no_writer() {
        assert!(Writer::new(&CookiePolicy::default().path("/app")).is_err());
    }
}
