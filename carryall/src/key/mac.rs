//! Short authentication tags for other parts of the library: tickets, CSRF tokens, fingerprints.

use std::fmt;

use aws_lc_rs::constant_time;

use super::hmac::Hmac;
use super::{Binding, KeyId, KeyRing, KeyState, Purpose};

/// The MAC keys of one purpose: one for each key of the ring, bound to an application and a cookie.
#[derive(Clone, Debug)]
pub(crate) struct Macs {
    active: usize,
    keys: Box<[(KeyId, KeyState, MacKey)]>,
}

impl Macs {
    pub(super) fn derive(ring: &KeyRing, purpose: Purpose, binding: &Binding) -> Self {
        let context = [binding.app.as_str(), binding.cookie.as_str()];
        let keys = ring.keys().map(|(state, key)| {
            let secret = key.derive::<32>(purpose, &context);
            (key.id(), state, MacKey::new(&secret))
        });
        Self { active: ring.active_index(), keys: keys.collect() }
    }

    /// The key for new tags.
    pub(crate) fn active(&self) -> (KeyId, &MacKey) {
        let (id, _, key) = &self.keys[self.active];
        (*id, key)
    }

    /// Every key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (KeyId, &MacKey)> {
        self.keys.iter().map(|(id, _, key)| (*id, key))
    }

    /// The key that a tag names.
    pub(crate) fn by_id(&self, id: KeyId) -> Option<&MacKey> {
        self.find(id).map(|(_, key)| key)
    }

    /// The key that a tag names, with its state.
    pub(crate) fn find(&self, id: KeyId) -> Option<(KeyState, &MacKey)> {
        self.keys.iter().find(|(known, ..)| *known == id).map(|(_, state, key)| (*state, key))
    }
}

/// A key for HMAC-SHA256 (RFC 2104) tags of 16 bytes.
#[derive(Clone)]
pub(crate) struct MacKey(Hmac);

impl MacKey {
    fn new(secret: &[u8; 32]) -> Self {
        Self(Hmac::sha256(secret))
    }

    /// The tag of a list of parts. Each follows its length, so moving a byte from one to the next changes the tag.
    pub(crate) fn tag16(&self, parts: &[&[u8]]) -> [u8; 16] {
        let whole = self.0.tag(|message| {
            for part in parts {
                message.update(&(part.len() as u64).to_be_bytes());
                message.update(part);
            }
        });
        let mut tag = [0; 16];
        tag.copy_from_slice(&whole.as_ref()[..16]);
        tag
    }

    /// Whether `tag` is the tag of these parts; takes the same time wherever it differs.
    pub(crate) fn verify16(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.tag16(parts), tag).is_ok()
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;

    use super::*;

    #[test]
    fn tags_are_those_of_hmac_with_sha_256() {
        let secret = std::array::from_fn(|i| u8::try_from(i).unwrap() * 7);
        let (key, known) = (MacKey::new(&secret), hmac::Key::new(hmac::HMAC_SHA256, &secret));
        let text = [0x5a; 200];
        for length in 0..=text.len() {
            let (one, other) = text[..length].split_at(length / 3);
            let lengths = [one, other].map(|part| (part.len() as u64).to_be_bytes());
            let input = [&lengths[0], one, &lengths[1], other].concat();
            assert_eq!(key.tag16(&[one, other]), hmac::sign(&known, &input).as_ref()[..16], "{length}");
        }
    }

    #[test]
    fn a_tag_fits_its_parts_key_and_binding_alone() {
        let ring = KeyRing::random().unwrap();
        let macs = |purpose, app, cookie| ring.macs(purpose, &Binding::new(app, cookie));
        let csrf = macs(Purpose::Csrf, "shop", "session");
        let (id, key) = csrf.active();
        let parts: [&[u8]; 2] = [b"ab", b"c"];
        let tag = key.tag16(&parts);
        assert!(csrf.by_id(id).is_some_and(|key| key.verify16(&parts, &tag)));
        assert!(!key.verify16(&[b"a", b"bc"], &tag));
        assert!(!key.verify16(&[b"abc"], &tag));
        for length in [0, 1, 15] {
            assert!(!key.verify16(&parts, &tag[..length]));
        }
        for other in [
            macs(Purpose::Ticket, "shop", "session"),
            macs(Purpose::Csrf, "blog", "session"),
            macs(Purpose::Csrf, "shop", "other"),
        ] {
            assert!(!other.active().1.verify16(&parts, &tag));
        }
        assert!(csrf.by_id(KeyId::from_bytes([0; 8])).is_none());
    }
}
