//! The key ring.

use std::fmt;
use std::sync::Arc;

use super::{Binding, Key, KeyId, Macs, Purpose};
use crate::error::{ConfigError, Error};
use crate::random::SystemRandom;

/// What a key of the ring is used for at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Known ahead of its use: verifies what other nodes made with it, makes nothing here.
    Announced,
    /// Makes everything new. A ring has exactly one.
    Active,
    /// On its way out: verifies; whatever it made moves to the active key at its next use.
    Accepted,
}

impl KeyState {
    /// The word for this state in key files: `announced`, `active` or `accepted`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Announced => "announced",
            Self::Active => "active",
            Self::Accepted => "accepted",
        }
    }
}

/// The keys of an application, by id and state. Cheap to clone; `Debug` shows ids and states only.
///
/// Built from [the environment](Self::from_env), [a file](Self::from_file), [text](Self::parse), or
/// [keys](Self::new).
#[derive(Clone)]
pub struct KeyRing(Arc<Inner>);

struct Inner {
    active: usize,
    keys: Box<[(KeyState, Key)]>,
}

impl KeyRing {
    /// A ring of one random key: for tests and trials, as nothing survives the process.
    ///
    /// # Errors
    /// [`Outage`](crate::ErrorKind::Outage) if the operating system gives no randomness.
    pub fn random() -> Result<Self, Error> {
        let key = Key::random(&SystemRandom)?;
        Ok(Self(Arc::new(Inner { active: 0, keys: Box::from([(KeyState::Active, key)]) })))
    }

    /// Starts a ring with its active key.
    #[allow(clippy::new_ret_no_self, reason = "a ring has more to say before it is built")]
    pub fn new(active: Key) -> KeyRingBuilder {
        KeyRingBuilder { keys: vec![(KeyState::Active, active)] }
    }

    /// Checks and builds. Errors: no key, no or several active ones, one key twice.
    pub(super) fn from_keys(keys: Vec<(KeyState, Key)>) -> Result<Self, ConfigError> {
        if keys.is_empty() {
            return Err(ConfigError::new("the key ring is empty: give it one active key"));
        }
        for (i, (_, key)) in keys.iter().enumerate() {
            // Ids follow from the keys, so this finds a key given twice and the rare two of one id alike.
            if keys[..i].iter().any(|(_, earlier)| earlier.id() == key.id()) {
                return Err(ConfigError::new(format!("key {} is in the ring twice: remove one", key.id())));
            }
        }
        let mut active = keys.iter().enumerate().filter(|(_, (state, _))| *state == KeyState::Active);
        match (active.next(), active.next()) {
            (Some((active, _)), None) => Ok(Self(Arc::new(Inner { active, keys: keys.into() }))),
            (None, _) => Err(ConfigError::new("the key ring has no active key: mark one as `active:`")),
            (Some(_), Some(_)) => Err(ConfigError::new(
                "the key ring has several active keys: mark all but one as `accepted:` or `announced:`",
            )),
        }
    }

    /// Ids and states of the keys, in the order given; no secrets.
    pub fn inventory(&self) -> Vec<(KeyId, KeyState)> {
        self.keys().map(|(state, key)| (key.id(), state)).collect()
    }

    /// The MAC keys of a purpose. Costs one derivation a key: call it once, while building.
    pub(crate) fn macs(&self, purpose: Purpose, binding: &Binding) -> Macs {
        Macs::derive(self, purpose, binding)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = (KeyState, &Key)> {
        self.0.keys.iter().map(|(state, key)| (*state, key))
    }

    pub(crate) fn active_index(&self) -> usize {
        self.0.active
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyRing ")?;
        f.debug_map().entries(self.inventory()).finish()
    }
}

/// A [`KeyRing`] in the making.
#[derive(Debug)]
#[must_use]
pub struct KeyRingBuilder {
    keys: Vec<(KeyState, Key)>,
}

impl KeyRingBuilder {
    /// A key that was active before: what it made stays good.
    pub fn accept(mut self, key: Key) -> Self {
        self.keys.push((KeyState::Accepted, key));
        self
    }

    /// A key that will be active soon: what other nodes make with it is good.
    pub fn announce(mut self, key: Key) -> Self {
        self.keys.push((KeyState::Announced, key));
        self
    }

    /// Checks and builds. Errors: one key given twice.
    pub fn build(self) -> Result<KeyRing, ConfigError> {
        KeyRing::from_keys(self.keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key::random(&SystemRandom).unwrap()
    }

    fn copy(key: &Key) -> Key {
        Key::from_base64url(&key.to_base64url()).unwrap()
    }

    #[test]
    fn empty_rings_and_rings_without_one_active_key_are_refused() {
        assert!(KeyRing::from_keys(Vec::new()).is_err());
        assert!(KeyRing::from_keys(vec![(KeyState::Accepted, key())]).is_err());
        assert!(KeyRing::from_keys(vec![(KeyState::Active, key()), (KeyState::Active, key())]).is_err());
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        let one = key();
        let error = KeyRing::new(copy(&one)).accept(one).build().unwrap_err();
        assert!(error.to_string().contains("twice"), "{error}");
    }

    #[test]
    fn the_active_key_is_chosen_by_its_state_and_not_by_its_place() {
        let (first, second) = (key(), key());
        let id = second.id();
        let ring =
            KeyRing::from_keys(vec![(KeyState::Announced, first), (KeyState::Active, second)]).unwrap();
        assert_eq!(ring.macs(Purpose::Csrf, &Binding::new("shop", "s")).active().0, id);
        assert_eq!(ring.inventory()[1], (id, KeyState::Active));
    }

    #[test]
    fn debug_shows_ids_and_states_only() {
        let active = key();
        let (id, text) = (active.id(), active.to_base64url());
        let shown = format!("{:?}", KeyRing::new(active).build().unwrap());
        assert_eq!(shown, format!("KeyRing {{KeyId({id}): Active}}"));
        assert!(!shown.contains(&text[..6]));
    }
}
