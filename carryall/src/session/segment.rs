//! A typed document of a session, with a version and an upgrade path.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use super::untyped::is_name;
use super::values::{ATTEMPTS, guarded};
use crate::error::{Error, ErrorKind};
use crate::format::Format;
use crate::value::BodyUpdater;

/// A type that lives in a session as one document.
///
/// ```
/// use carryall::{Error, Outdated, SegmentData};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Default, Serialize, Deserialize)]
/// struct Cart { items: Vec<(String, u32)> }
///
/// impl SegmentData for Cart {
///     const NAME: &'static str = "cart";
///     const VERSION: u32 = 2;
///     fn upgrade(old: Outdated<'_>) -> Result<Self, Error> {
///         // Version 1 had names only.
///         let names: Vec<String> = old.decode()?;
///         Ok(Cart { items: names.into_iter().map(|name| (name, 1)).collect() })
///     }
/// }
/// # fn main() -> Result<(), Error> {
/// # let session = carryall::Session::for_test();
/// let cart = session.document::<Cart>()?;
/// cart.update(|cart| cart.items.push(("tea".into(), 2)))?;
/// assert_eq!(cart.read()?.items.len(), 1);
/// # Ok(()) }
/// ```
pub trait SegmentData: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The segment's name: 1 to 64 bytes, not beginning with `~`. One name, one type.
    const NAME: &'static str;

    /// The version that [`Serialize`] writes. Raise it when an old document no longer deserializes.
    const VERSION: u32 = 1;

    /// Reads a document of an older version. The result is written with the next change, not before.
    ///
    /// # Errors
    /// Whatever [`Outdated::decode`] answers; the reader gets it, the session is kept as it is.
    fn upgrade(old: Outdated<'_>) -> Result<Self, Error> {
        Err(Error::new(
            ErrorKind::Decode,
            format!("segment `{}` of version {} needs `SegmentData::upgrade`", Self::NAME, old.version()),
        ))
    }
}

/// A document of an older version, still encoded.
#[derive(Clone, Copy)]
pub struct Outdated<'a> {
    version: u32,
    format: Format,
    bytes: &'a [u8],
}

impl Outdated<'_> {
    /// The version it was written with.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Decodes it as what it was then.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, Error> {
        self.format.decode(self.bytes)
    }
}

impl fmt::Debug for Outdated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outdated").field("version", &self.version).finish_non_exhaustive()
    }
}

/// A session's document of type `T`. An axum extractor (feature `axum`).
///
/// Unknown and unreadable documents of others are kept byte for byte; one that fails to decode is an error for its
/// reader alone.
pub struct Segment<T> {
    session: Session,
    kind: PhantomData<fn() -> T>,
}

impl Session {
    /// The document of type `T`, which may not exist yet.
    ///
    /// # Errors
    /// [`Misuse`](ErrorKind::Misuse) if `T::NAME` is no segment name.
    pub fn document<T: SegmentData>(&self) -> Result<Segment<T>, Error> {
        if !is_name(T::NAME) {
            return Err(Error::new(
                ErrorKind::Misuse,
                "`SegmentData::NAME` has 1 to 64 bytes and no `~` in front",
            ));
        }
        Ok(Segment { session: self.clone(), kind: PhantomData })
    }
}

impl<T: SegmentData> Segment<T> {
    /// The document, if it exists.
    ///
    /// # Errors
    /// [`Decode`](ErrorKind::Decode) if it cannot be read or was written by a newer version of the application.
    pub fn get(&self) -> Result<Option<T>, Error> {
        let mut state = self.session.state();
        let format = state.contents.format();
        state.contents.body(T::NAME).map(|(version, bytes)| decode(format, version, &bytes)).transpose()
    }

    /// Replaces the document.
    ///
    /// # Errors
    /// As [`Session::set`]; [`Decode`](ErrorKind::Decode) if a newer version of the application wrote the present
    /// one, which an older one must not overwrite.
    pub fn set(&self, document: &T) -> Result<(), Error> {
        let format = self.session.state().contents.format();
        // Outside the lock: what is encoded is the application's code, and may hold this very session.
        let encoded = format.encode(document)?;
        let mut state = self.session.state();
        state.check_writable()?;
        if let Some(version) = state.contents.version_of(T::NAME) {
            refuse_newer::<T>(version)?;
        }
        state.write(&*self.session.engine, |contents| contents.set_body(T::NAME, T::VERSION, &encoded))
    }

    /// Removes the document; answers whether there was one.
    pub fn remove(&self) -> Result<bool, Error> {
        self.session.state().write(&*self.session.engine, |contents| Ok(contents.remove_body(T::NAME)))
    }

    /// The session it belongs to.
    pub fn session(&self) -> &Session {
        &self.session
    }
}

impl<T: SegmentData + Default> Segment<T> {
    /// The document, or its default if it does not exist yet.
    pub fn read(&self) -> Result<T, Error> {
        Ok(self.get()?.unwrap_or_default())
    }

    /// Changes the document by a pure function; creates it from its default.
    ///
    /// Provisional like [`Session::update`]: with a store the closure runs again on the freshest copy if another
    /// request was faster.
    pub fn update<F>(&self, f: F) -> Result<(), Error>
    where
        F: Fn(&mut T) + Send + Sync + 'static,
    {
        let format = self.session.state().contents.format();
        let updater: BodyUpdater = Arc::new(move |old| {
            let mut document = match old {
                Some((version, bytes)) => decode(format, version, bytes)?,
                None => T::default(),
            };
            guarded(|| f(&mut document))?;
            format.encode(&document).map(Some)
        });
        for _ in 0..ATTEMPTS {
            let (old, revision) = {
                let state = self.session.state();
                state.check_writable()?;
                (state.contents.peek_body(T::NAME), state.revision)
            };
            let new = updater(old.as_ref().map(|(version, bytes)| (*version, bytes.as_slice())))?;
            let mut state = self.session.state();
            if state.revision == revision {
                return state.write(&*self.session.engine, |contents| {
                    contents.record_update_body(T::NAME, T::VERSION, Arc::clone(&updater), new)
                });
            }
        }
        Err(Error::new(
            ErrorKind::Misuse,
            "an update closure changes the session it is updating: keep it pure",
        ))
    }
}

fn decode<T: SegmentData>(format: Format, version: u32, bytes: &[u8]) -> Result<T, Error> {
    refuse_newer::<T>(version)?;
    if version < T::VERSION {
        return T::upgrade(Outdated { version, format, bytes });
    }
    format.decode(bytes)
}

fn refuse_newer<T: SegmentData>(version: u32) -> Result<(), Error> {
    if version > T::VERSION {
        return Err(Error::new(
            ErrorKind::Decode,
            format!("segment `{}` was written by a newer version of the application", T::NAME),
        ));
    }
    Ok(())
}

impl<T> Clone for Segment<T> {
    fn clone(&self) -> Self {
        Self { session: self.session.clone(), kind: PhantomData }
    }
}

impl<T: SegmentData> fmt::Debug for Segment<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment").field("name", &T::NAME).finish_non_exhaustive()
    }
}
