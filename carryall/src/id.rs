//! Names of sessions and users: the secret family, the public handle, the store's key, the subject.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::random::Random;

/// A session's lasting random id (128 bits). Secret: `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Family([u8; Family::LEN]);

impl Family {
    /// Bytes in a family id.
    pub const LEN: usize = 16;

    /// A fresh id from the operating system's randomness.
    pub fn random(random: &dyn Random) -> Result<Self, Error> {
        let mut bytes = [0; Self::LEN];
        random.secret(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes. Whoever holds them and a key can make a cookie: keep them out of logs.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Family(redacted)")
    }
}

/// A session's public name: safe to log and to show, useless as a cookie.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(Box<str>);

impl Handle {
    pub(crate) fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// The handle as text: 16 characters of base64url.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Handle {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handle({})", self.0)
    }
}

/// The name under which a store keeps a record: a hash of application id and family.
///
/// A dump of the store holds these and no id that works in a cookie.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey([u8; RecordKey::LEN]);

impl RecordKey {
    /// Bytes in a record key.
    pub const LEN: usize = 16;

    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    /// Its bytes, evenly distributed.
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

impl fmt::Debug for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecordKey(")?;
        for byte in &self.0[..4] {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("..)")
    }
}

/// The application's user id, attached to a session at login. At most 255 bytes, never empty.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subject(Arc<str>);

impl Subject {
    /// The longest subject, in bytes.
    pub const MAX_LEN: usize = 255;

    /// Checks and wraps a user id. Errors: [`ErrorKind::Misuse`] if it is empty or longer than 255 bytes.
    pub fn new(id: impl AsRef<str>) -> Result<Self, Error> {
        let id = id.as_ref();
        if id.is_empty() || id.len() > Self::MAX_LEN {
            return Err(Error::new(
                ErrorKind::Misuse,
                "a subject has 1 to 255 bytes: pass the user's id, not a document",
            ));
        }
        Ok(Self(id.into()))
    }

    /// The user id as the application gave it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Subject {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A user id is often an address or a name, so it stays out of logs.
        f.write_str("Subject(redacted)")
    }
}
