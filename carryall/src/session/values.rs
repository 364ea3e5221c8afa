//! Values of the default segment, and the plumbing that every segment shares.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use crate::error::{Error, ErrorKind};
use crate::format::{Buffer, Format, pack};
use crate::value::{Fields, Updater};

/// The segment that plain `get` and `set` use.
pub(crate) const DEFAULT: &str = "";

impl Session {
    /// The value at `key`, if there is one. `key` is an exact key, else a dotted path (`user.profile.name`).
    ///
    /// Decodes one value, copies nothing else. Reading a key makes a later [`set`](Self::set) of it careful: if
    /// another request changed it meanwhile, the commit is a [`Conflict`](ErrorKind::Conflict).
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) if the value has another type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.get_in(DEFAULT, key)
    }

    /// The value at `key`, or `default` if there is none. `default` is not stored.
    pub fn get_or<T: DeserializeOwned>(&self, key: &str, default: T) -> Result<T, Error> {
        Ok(self.get(key)?.unwrap_or(default))
    }

    /// Sets the value at `key`. Setting an equal value, or changing and changing back, is no change.
    ///
    /// A dotted path enters nested maps and creates those that are missing.
    ///
    /// # Errors
    /// [`Encode`](ErrorKind::Encode) for NaN, keys that are no strings, nesting deeper than 64, or a path through
    /// something that is no map; [`TooLarge`](ErrorKind::TooLarge) if the session would outgrow its cookie or
    /// record; [`Superseded`](ErrorKind::Superseded) if it was ended; [`Conflict`](ErrorKind::Conflict) if an earlier
    /// commit of this request has found that the value it had read was changed by another. The session is unchanged
    /// then.
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.set_in(DEFAULT, key, value)
    }

    /// Sets several values: every field of a struct, or entry of a map, as [`set`](Self::set) does under a key of its own.
    /// All or none of them are set.
    ///
    /// ```
    /// # #[derive(serde::Serialize)] struct Profile { name: String, theme: String }
    /// # fn main() -> Result<(), carryall::Error> {
    /// # let session = carryall::Session::for_test();
    /// session.set_all(&Profile { name: "Ada".to_owned(), theme: "dark".to_owned() })?;
    /// assert_eq!(session.get::<String>("theme")?.as_deref(), Some("dark"));
    /// # Ok(()) }
    /// ```
    ///
    /// To fill a session so takes about half the time that as many `set`s take.
    ///
    /// # Errors
    /// As [`set`](Self::set); [`Encode`](ErrorKind::Encode) for what is neither a struct nor a map.
    pub fn set_all<T: Serialize + ?Sized>(&self, values: &T) -> Result<(), Error> {
        self.set_all_in(DEFAULT, values)
    }

    /// Changes the value at `key` by a pure function of what is there, and answers the provisional result.
    ///
    /// With a store, the closure runs again on the freshest copy if another request was faster, so no update is
    /// lost. It runs outside every lock; if it panics, nothing is changed and the answer is a
    /// [`Misuse`](ErrorKind::Misuse). Answer visitors with [`update_now`](Self::update_now) instead when they see
    /// the number.
    pub fn update<T, F>(&self, key: &str, f: F) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> T + Send + Sync + 'static,
    {
        self.update_in(DEFAULT, key, f)
    }

    /// [`update`](Self::update), then [`commit`](Self::commit): answers the committed value.
    ///
    /// Commits everything else that this request changed as well.
    pub async fn update_now<T, F>(&self, key: &str, f: F) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> T + Send + Sync + 'static,
    {
        self.update(key, f)?;
        self.commit().await?;
        self.get(key)?.ok_or_else(|| Error::new(ErrorKind::Superseded, "the session was ended meanwhile"))
    }

    /// Whether there is a value at `key`, `null` included.
    pub fn contains(&self, key: &str) -> Result<bool, Error> {
        self.contains_in(DEFAULT, key)
    }

    /// Removes the value at `key`; answers whether there was one.
    pub fn remove(&self, key: &str) -> Result<bool, Error> {
        self.remove_in(DEFAULT, key)
    }

    /// Removes and answers the value at `key`.
    pub fn take<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        let value = self.get(key)?;
        if value.is_some() {
            self.remove(key)?;
        }
        Ok(value)
    }

    /// Removes every value of every segment and every flash message. The identity stays: see
    /// [`logout`](Self::logout) for the end of the session. An anonymous session left empty is removed with its
    /// cookie.
    pub fn clear(&self) -> Result<(), Error> {
        let mut state = self.state();
        state.flash_now.clear();
        state.write(&*self.engine, |contents| {
            contents.clear_all();
            Ok(())
        })
    }

    /// The top-level keys, in the order in which they were first set.
    pub fn keys(&self) -> Result<Vec<String>, Error> {
        self.state().contents.keys(DEFAULT)
    }

    pub(super) fn get_in<T: DeserializeOwned>(&self, segment: &str, key: &str) -> Result<Option<T>, Error> {
        let mut state = self.state();
        let format = state.contents.format();
        state.contents.get(segment, key)?.map(|bytes| format.decode(bytes)).transpose()
    }

    pub(super) fn set_in<T: Serialize + ?Sized>(
        &self,
        segment: &str,
        key: &str,
        value: &T,
    ) -> Result<(), Error> {
        // Outside the lock: what is encoded is the application's code, and may hold this very session.
        let mut packed = Buffer::new();
        pack(value, &mut packed)?;
        self.set_packed(segment, key, packed.as_slice())
    }

    /// Apart from [`set_in`](Self::set_in), so that there is one of it for all types.
    fn set_packed(&self, segment: &str, key: &str, packed: &[u8]) -> Result<(), Error> {
        self.state().write(&*self.engine, |contents| contents.set(segment, key, packed))
    }

    pub(super) fn set_all_in<T: Serialize + ?Sized>(&self, segment: &str, values: &T) -> Result<(), Error> {
        // Outside the lock, as above.
        let fields = Fields::pack(values)?;
        self.state().write_all(&*self.engine, |contents, most| contents.set_all(segment, fields, most))
    }

    pub(super) fn contains_in(&self, segment: &str, key: &str) -> Result<bool, Error> {
        self.state().contents.contains(segment, key)
    }

    pub(super) fn remove_in(&self, segment: &str, key: &str) -> Result<bool, Error> {
        self.state().write(&*self.engine, |contents| contents.remove(segment, key))
    }

    pub(super) fn update_in<T, F>(&self, segment: &str, key: &str, f: F) -> Result<T, Error>
    where
        T: Serialize + DeserializeOwned,
        F: Fn(Option<T>) -> T + Send + Sync + 'static,
    {
        let format = self.state().contents.format();
        let updater: Updater = Arc::new(move |old| {
            let old = old.map(|bytes| format.decode(bytes)).transpose()?;
            let new = guarded(|| f(old))?;
            format.encode(&new).map(Some)
        });
        let written = self.run_update(segment, key, &updater)?;
        decode_written(format, &written)
    }

    /// Runs the closure on a copy of the value, without the lock, until nobody wrote in between.
    fn run_update(&self, segment: &str, key: &str, updater: &Updater) -> Result<Vec<u8>, Error> {
        for _ in 0..ATTEMPTS {
            let (old, revision) = {
                let mut state = self.state();
                state.check_writable()?;
                (state.contents.peek(segment, key)?, state.revision)
            };
            let new = updater(old.as_deref())?;
            let mut state = self.state();
            if state.revision == revision {
                let kept = new.clone().unwrap_or_default();
                state.write(&*self.engine, |contents| {
                    contents.record_update(segment, key, Arc::clone(updater), new)
                })?;
                return Ok(kept);
            }
        }
        Err(Error::new(
            ErrorKind::Misuse,
            "an update closure changes the session it is updating: keep it pure",
        ))
    }
}

/// How often an update is tried when other tasks of the same request write in between.
pub(super) const ATTEMPTS: usize = 100;

/// Runs a closure of the application; its panic becomes an error.
pub(super) fn guarded<R>(f: impl FnOnce() -> R) -> Result<R, Error> {
    catch_unwind(AssertUnwindSafe(f))
        .map_err(|_| Error::new(ErrorKind::Misuse, "an update closure panicked: nothing was changed"))
}

fn decode_written<T: DeserializeOwned>(format: Format, bytes: &[u8]) -> Result<T, Error> {
    format.decode(bytes)
}
