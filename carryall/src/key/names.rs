//! The names that are hashed from a session's id and a user's id. They depend on no key, so they outlive rotation.

use aws_lc_rs::digest;

use crate::base64url;
use crate::id::{Family, Handle, RecordKey, Subject};
use crate::store::SubjectHash;

/// Names everything for one application.
#[derive(Debug)]
pub(crate) struct Names {
    record: Kind,
    handle: Kind,
    subject: Kind,
}

impl Names {
    pub(crate) fn new(app: &str) -> Self {
        let kind = |label| Kind::new(label, app);
        Self { record: kind("record"), handle: kind("handle"), subject: kind("subject") }
    }

    /// The name under which a store keeps a session. Nobody gets from it to the cookie.
    pub(crate) fn record_key(&self, family: &Family) -> RecordKey {
        RecordKey::from_bytes(self.record.of_family(family))
    }

    /// The name under which logs and pages show a session.
    pub(crate) fn handle(&self, family: &Family) -> Handle {
        let bytes: [u8; 12] = self.handle.of_family(family);
        Handle::new(base64url::encode(&bytes))
    }

    /// The name under which a store finds a user's sessions.
    pub(crate) fn subject_hash(&self, tenant: Option<&str>, subject: &Subject) -> SubjectHash {
        let mut input = Vec::with_capacity(128);
        input.extend_from_slice(&self.subject.0);
        // No tenant and a tenant of empty name are two things, so the former has a part less.
        for part in [Some(subject.as_str()), tenant].into_iter().flatten() {
            put(&mut input, part);
        }
        SubjectHash(hash(&input))
    }
}

/// What is named, and in which application, as SHA-256 of both: hashed once, so that a family fills up the one block
/// of its own hash.
#[derive(Debug)]
struct Kind([u8; 32]);

impl Kind {
    fn new(label: &str, app: &str) -> Self {
        let mut input = b"carryall names 1".to_vec();
        put(&mut input, label);
        put(&mut input, app);
        Self(hash(&input))
    }

    fn of_family<const N: usize>(&self, family: &Family) -> [u8; N] {
        let mut input = [0; 32 + Family::LEN];
        input[..32].copy_from_slice(&self.0);
        input[32..].copy_from_slice(family.as_bytes());
        hash(&input)
    }
}

/// Appends a part after its length, so that moving a byte from one to the next changes what is hashed.
fn put(input: &mut Vec<u8>, part: &str) {
    input.extend_from_slice(&(part.len() as u64).to_be_bytes());
    input.extend_from_slice(part.as_bytes());
}

/// The first `N` bytes of SHA-256.
fn hash<const N: usize>(input: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&digest::digest(&digest::SHA256, input).as_ref()[..N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_released() {
        let family = Family::from_bytes([7; 16]);
        assert_eq!(
            base64url::encode(Names::new("shop").record_key(&family).as_bytes()),
            "fvn8Is_bdIetF4nzU5t07w"
        );
        assert_eq!(Names::new("shop").handle(&family).as_str(), "wG5-Osk_sR50QRBa");
        let alice = Subject::new("alice").unwrap();
        assert_eq!(
            base64url::encode(&Names::new("shop").subject_hash(None, &alice).0),
            "b5kh7z9mNwh3zbnSb4u_cQ"
        );
    }

    #[test]
    fn names_differ_by_application_tenant_and_what_they_name() {
        let family = Family::from_bytes([7; 16]);
        let alice = Subject::new("alice").unwrap();
        assert_ne!(Names::new("shop").record_key(&family), Names::new("blog").record_key(&family));
        assert_ne!(
            Names::new("shop").record_key(&family),
            Names::new("shop").record_key(&Family::from_bytes([8; 16]))
        );
        assert_ne!(Names::new("shop").handle(&family), Names::new("blog").handle(&family));
        let hashes = [
            Names::new("shop").subject_hash(None, &alice),
            Names::new("shop").subject_hash(Some(""), &alice),
            Names::new("shop").subject_hash(Some("eu"), &alice),
            Names::new("blog").subject_hash(None, &alice),
            Names::new("shop").subject_hash(None, &Subject::new("bob").unwrap()),
        ];
        for (i, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..i].contains(hash), "{i}");
        }
    }
}
