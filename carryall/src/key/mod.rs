//! Keys: one ring of root secrets, from which every other key is derived.
//!
//! ```
//! use carryall::key::{Key, KeyRing, KeyState};
//! use carryall::random::SystemRandom;
//!
//! // In production: KeyRing::from_env("CARRYALL_KEYS")? or KeyRing::from_file("/etc/app/keys")?
//! let old = Key::random(&SystemRandom)?;
//! let new = Key::random(&SystemRandom)?;
//! let ring = KeyRing::new(new).accept(old).build()?;
//! assert_eq!(ring.inventory()[0].1, KeyState::Active);
//! # Ok::<(), carryall::error::Error>(())
//! ```
//!
//! # Rotating without logging anyone out
//! 1. Add the new key as `announced:` everywhere. Every node now accepts it and none uses it.
//! 2. Make it `active:` and the old one `accepted:`, node by node. Sessions move to the new key at their next use.
//! 3. Once the longest lifetime has passed, take the old key out.
//!
//! # What is derived
//! HKDF-SHA256 (RFC 5869) with a label for each purpose and the application id in every `info` (a record at
//! rest has it in its associated data), so a cookie of one application or kind is never accepted as another. A key's id
//! is derived too: one id, one key, and a cookie names the key it was made with, so none is ever tried in vain.

mod binding;
mod hmac;
mod jwks;
mod key_id;
mod mac;
mod names;
mod purpose;
mod ring;
mod root;
mod signing;
mod signing_keys;
mod source;
mod weak;

pub(crate) use binding::Binding;
pub use key_id::KeyId;
pub(crate) use mac::Macs;
pub(crate) use names::Names;
pub(crate) use purpose::Purpose;
pub use ring::{KeyRing, KeyRingBuilder, KeyState};
pub use root::Key;
pub use signing::{Algorithm, SigningKey, VerifyingKey};
pub(crate) use signing::{Begun, MAX_SIGNATURE, Verifier};
pub use signing_keys::SigningKeys;
