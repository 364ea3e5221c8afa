//! A named map of values, apart from everybody else's: for a library or a feature.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Flash, Session};
use crate::error::{Error, ErrorKind};

/// A named segment of a session as a map of values: same verbs as [`Session`], other keys.
///
/// ```
/// # fn main() -> Result<(), carryall::Error> {
/// # let session = carryall::Session::for_test();
/// let shop = session.segment("vendor.shop")?;
/// shop.set("currency", "EUR")?;
/// assert!(session.get::<String>("currency")?.is_none());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct UntypedSegment {
    session: Session,
    name: Box<str>,
}

/// The longest segment name, in bytes.
pub(super) const MAX_NAME: usize = 64;

/// Whether a segment may have this name: 1 to 64 bytes, no control characters, not beginning with `~`, which
/// names the library's own segments.
pub(super) fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.len()) && !name.starts_with('~') && !name.chars().any(char::is_control)
}

impl Session {
    /// The untyped segment of this name, empty if it does not exist yet. Loads nothing by itself.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) unless the name has 1 to 64 bytes without control characters and does not
    /// begin with `~`.
    pub fn segment(&self, name: &str) -> Result<UntypedSegment, Error> {
        if !is_name(name) {
            return Err(Error::new(
                ErrorKind::Misuse,
                "a segment's name has 1 to 64 bytes, no control characters, and does not begin with `~`",
            ));
        }
        Ok(UntypedSegment { session: self.clone(), name: name.into() })
    }
}

impl UntypedSegment {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As [`Session::get`].
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.session.get_in(&self.name, key)
    }

    /// As [`Session::get_or`].
    pub fn get_or<T: DeserializeOwned>(&self, key: &str, default: T) -> Result<T, Error> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// As [`Session::set`].
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.session.set_in(&self.name, key, value)
    }

    /// As [`Session::set_all`].
    pub fn set_all<T: Serialize + ?Sized>(&self, values: &T) -> Result<(), Error> {
        self.session.set_all_in(&self.name, values)
    }

    /// As [`Session::update`].
    pub fn update<T, F>(&self, key: &str, f: F) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> T + Send + Sync + 'static,
    {
        self.session.update_in(&self.name, key, f)
    }

    /// As [`Session::contains`].
    pub fn contains(&self, key: &str) -> Result<bool, Error> {
        self.session.contains_in(&self.name, key)
    }

    /// As [`Session::remove`].
    pub fn remove(&self, key: &str) -> Result<bool, Error> {
        self.session.remove_in(&self.name, key)
    }

    /// As [`Session::take`].
    pub fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let value = self.get(key)?;
        if value.is_some() {
            self.remove(key)?;
        }
        Ok(value)
    }

    /// Removes every value of this segment.
    pub fn clear(&self) -> Result<(), Error> {
        self.session.state().write(&*self.session.engine, |contents| {
            contents.clear(&self.name);
            Ok(())
        })
    }

    /// The top-level keys, in the order in which they were first set.
    pub fn keys(&self) -> Result<Vec<String>, Error> {
        self.session.state().contents.keys(&self.name)
    }

    /// The flash messages of this segment.
    pub fn flash(&self) -> Flash {
        self.session.flash_of(Some(&self.name))
    }
}
