//! Messages that live for the next request only.
//!
//! A message set now is read by the next page load that reads flash messages, and is gone after it. Images, scripts,
//! background fetches and prefetches in between do not use it up, and neither do redirects whose handlers do not look
//! at it. Messages are kept in the reserved segment `~flash`, so they are carried, stored and replayed like any value.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use super::engine::Engine;
use super::state::{Message, State};
use crate::error::Error;

/// The segment of messages for the next request.
pub(crate) const NEXT: &str = "~flash";

/// Flash messages: of the whole session, or of one segment.
///
/// ```
/// # fn main() -> Result<(), carryall::Error> {
/// # let session = carryall::Session::for_test();
/// session.flash().set("notice", "Saved.")?;               // for the next request
/// session.flash().now("hint", "Shown on this page.")?;    // for this one only
/// assert_eq!(session.flash().get::<String>("hint")?.as_deref(), Some("Shown on this page."));
/// assert_eq!(session.flash().peek_next::<String>("notice")?.as_deref(), Some("Saved."));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Flash {
    session: Session,
    prefix: String,
}

impl Session {
    /// The session's own flash messages.
    pub fn flash(&self) -> Flash {
        self.flash_of(None)
    }

    pub(super) fn flash_of(&self, segment: Option<&str>) -> Flash {
        // Segment names hold no control characters, so the separator keeps them apart from keys.
        Flash {
            session: self.clone(),
            prefix: segment.map_or_else(String::new, |name| format!("{name}\u{1f}")),
        }
    }

    /// Keeps every message of this request, of all segments, for one more.
    pub fn keep_all_flash(&self) -> Result<(), Error> {
        keep_matching(&mut self.state(), &*self.engine, |_| true)
    }

    /// Removes every message of this request and of the next, of all segments.
    pub fn clear_all_flash(&self) -> Result<(), Error> {
        let mut state = self.state();
        age(&mut state)?;
        state.flash_now.clear();
        state.write(&*self.engine, |contents| {
            contents.clear(NEXT);
            Ok(())
        })
    }
}

impl Flash {
    /// Sets a message for the next request.
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.session.age_flash()?;
        let encoded = self.encode(value)?;
        let key = self.qualified(key);
        self.session.state().write(&*self.session.engine, |contents| contents.set_exact(NEXT, &key, &encoded))
    }

    /// Sets a message for this request only. Writes nothing.
    pub fn now<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.session.age_flash()?;
        let encoded = self.encode(value)?;
        put_now(
            &mut self.session.state(),
            Message { name: self.qualified(key), bytes: encoded, came: false },
        );
        Ok(())
    }

    /// Sets a message for this request and the next.
    pub fn now_and_next<T: Serialize + ?Sized>(&self, key: &str, value: &T) -> Result<(), Error> {
        self.set(key, value)?;
        self.now(key, value)
    }

    /// The message of this request at `key`. Reading makes the request use its messages up, unless it is a
    /// prefetch.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.session.age_flash()?;
        let mut state = self.session.state();
        state.flash_shown = true;
        let key = self.qualified(key);
        let found = state.flash_now.iter().find(|message| message.name == key);
        found.map(|message| state.contents.format().decode(&message.bytes)).transpose()
    }

    /// The message that the next request will see at `key`.
    pub fn peek_next<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Error> {
        self.session.age_flash()?;
        let mut state = self.session.state();
        let format = state.contents.format();
        let bytes = state.contents.peek_exact(NEXT, &self.qualified(key))?;
        bytes.map(|bytes| format.decode(&bytes)).transpose()
    }

    /// The keys of this request's messages.
    pub fn keys(&self) -> Result<Vec<String>, Error> {
        self.session.age_flash()?;
        let mut state = self.session.state();
        state.flash_shown = true;
        Ok(state
            .flash_now
            .iter()
            .filter_map(|message| self.plain(&message.name))
            .map(str::to_owned)
            .collect())
    }

    /// Keeps the message at `key` for one more request; one already set for the next wins.
    pub fn keep(&self, key: &str) -> Result<(), Error> {
        let key = self.qualified(key);
        keep_matching(&mut self.session.state(), &*self.session.engine, |message| message.name == key)
    }

    /// Keeps all messages of this request for one more; those already set for the next win.
    pub fn keep_all(&self) -> Result<(), Error> {
        keep_matching(&mut self.session.state(), &*self.session.engine, |message| {
            self.plain(&message.name).is_some()
        })
    }

    /// Removes the messages of this request.
    pub fn clear_now(&self) -> Result<(), Error> {
        let mut state = self.session.state();
        age(&mut state)?;
        state.flash_now.retain(|message| self.plain(&message.name).is_none());
        Ok(())
    }

    /// Removes the messages of the next request.
    pub fn clear_next(&self) -> Result<(), Error> {
        let mut state = self.session.state();
        age(&mut state)?;
        for name in state.contents.keys(NEXT)? {
            if self.plain(&name).is_some() {
                state.write(&*self.session.engine, |contents| contents.remove_exact(NEXT, &name))?;
            }
        }
        Ok(())
    }

    /// Removes the messages of this request and the next.
    pub fn clear(&self) -> Result<(), Error> {
        self.clear_now()?;
        self.clear_next()
    }

    /// Outside the lock: what is encoded is the application's code, and may hold this very session.
    fn encode<T: Serialize + ?Sized>(&self, value: &T) -> Result<Vec<u8>, Error> {
        let format = self.session.state().contents.format();
        format.encode(value)
    }

    fn qualified(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }

    /// The key without its segment, if the name belongs to this one.
    fn plain<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(self.prefix.as_str())
            .filter(|key| !self.prefix.is_empty() || !key.contains('\u{1f}'))
    }
}

impl Session {
    /// Moves messages from "next" to "now", once a request.
    pub(crate) fn age_flash(&self) -> Result<(), Error> {
        age(&mut self.state())
    }
}

/// Moves messages from "next" to "now". A prefetch sees them without using them up.
pub(crate) fn age(state: &mut State) -> Result<(), Error> {
    if state.flash_aged {
        return Ok(());
    }
    state.flash_aged = true;
    for name in state.contents.keys(NEXT)? {
        if let Some(bytes) = state.contents.peek_exact(NEXT, &name)? {
            // What cannot be written is shown again: better twice than never.
            if state.flash_ages && !state.read_only {
                // Replayed on a fresh copy, this leaves a message alone that another request has set meanwhile.
                state.contents.remove_seen(NEXT, &name)?;
            }
            put_now(state, Message { name, bytes, came: true });
        }
    }
    Ok(())
}

/// A redirect shows nothing: messages that its handler did not look at are for the next request.
pub(crate) fn hold(state: &mut State, engine: &dyn Engine) -> Result<(), Error> {
    if state.flash_shown || state.flash_now.is_empty() {
        return Ok(());
    }
    keep_matching(state, engine, |message| message.came)
}

fn put_now(state: &mut State, message: Message) {
    match state.flash_now.iter_mut().find(|known| known.name == message.name) {
        Some(old) => *old = message,
        None => state.flash_now.push(message),
    }
}

fn keep_matching(
    state: &mut State,
    engine: &dyn Engine,
    matches: impl Fn(&Message) -> bool,
) -> Result<(), Error> {
    age(state)?;
    let kept: Vec<_> = state.flash_now.iter().filter(|message| matches(message)).cloned().collect();
    for Message { name, bytes, .. } in kept {
        if state.contents.peek_exact(NEXT, &name)?.is_none() {
            state.write(engine, |contents| contents.set_exact(NEXT, &name, &bytes))?;
        }
    }
    Ok(())
}
