//! The names that are hashed from a session's id and a user's id. They depend on no key, so they outlive rotation.

use aws_lc_rs::digest;

use crate::base64url;
use crate::id::{Family, Handle, RecordKey, Subject};
use crate::store::SubjectHash;

/// The name under which a store keeps a session. Nobody gets from it to the cookie.
pub(crate) fn record_key(app: &str, family: &Family) -> RecordKey {
    RecordKey::from_bytes(hash("record", &[app.as_bytes(), family.as_bytes()]))
}

/// The name under which logs and pages show a session.
pub(crate) fn handle(app: &str, family: &Family) -> Handle {
    let bytes: [u8; 12] = hash("handle", &[app.as_bytes(), family.as_bytes()]);
    Handle::new(base64url::encode(&bytes))
}

/// The name under which a store finds a user's sessions.
pub(crate) fn subject_hash(app: &str, tenant: Option<&str>, subject: &Subject) -> SubjectHash {
    // No tenant and a tenant of empty name are two things, so the former has a part less.
    SubjectHash(match tenant {
        Some(tenant) => hash("subject", &[app.as_bytes(), subject.as_str().as_bytes(), tenant.as_bytes()]),
        None => hash("subject", &[app.as_bytes(), subject.as_str().as_bytes()]),
    })
}

/// SHA-256 over label and parts, each after its length; the first `N` bytes of it.
fn hash<const N: usize>(label: &str, parts: &[&[u8]]) -> [u8; N] {
    // In one go: a hash of so little costs less than to feed it piece by piece.
    let mut input = Vec::with_capacity(128);
    input.extend_from_slice(b"carryall names 1");
    for part in [label.as_bytes()].iter().chain(parts) {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part);
    }
    let mut out = [0; N];
    out.copy_from_slice(&digest::digest(&digest::SHA256, &input).as_ref()[..N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_as_released() {
        let family = Family::from_bytes([7; 16]);
        assert_eq!(base64url::encode(record_key("shop", &family).as_bytes()), "WWBx7QSTVjJ3lj3H1qrWkQ");
        assert_eq!(handle("shop", &family).as_str(), "eGTRg39ayRFNE9iV");
        let alice = Subject::new("alice").unwrap();
        assert_eq!(base64url::encode(&subject_hash("shop", None, &alice).0), "HqKG0rQBPsp0Vw763NMbnA");
    }

    #[test]
    fn names_differ_by_application_tenant_and_what_they_name() {
        let family = Family::from_bytes([7; 16]);
        let alice = Subject::new("alice").unwrap();
        assert_ne!(record_key("shop", &family), record_key("blog", &family));
        assert_ne!(record_key("shop", &family), record_key("shop", &Family::from_bytes([8; 16])));
        assert_ne!(handle("shop", &family), handle("blog", &family));
        let hashes = [
            subject_hash("shop", None, &alice),
            subject_hash("shop", Some(""), &alice),
            subject_hash("shop", Some("eu"), &alice),
            subject_hash("blog", None, &alice),
            subject_hash("shop", None, &Subject::new("bob").unwrap()),
        ];
        for (i, hash) in hashes.iter().enumerate() {
            assert!(!hashes[..i].contains(hash), "{i}");
        }
    }
}
