//! Looking for secrets in what a backend has written.

use std::path::Path;

use crate::node::Browser;

/// Every file below a directory, one after the other.
pub fn files(directory: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend_from_slice(path.as_os_str().as_encoded_bytes());
        if path.is_dir() {
            bytes.extend(files(&path));
        } else {
            bytes.extend(std::fs::read(&path).unwrap());
        }
    }
    bytes
}

/// Nothing that this browser could show as its cookie is in the dump: not the cookie, not the end of it that
/// authenticates it, as text or as bytes, in hexadecimal either. And the dump is one of its session.
pub fn assert_no_usable_id(dump: &[u8], browser: &Browser, written: &str) {
    assert!(contains(dump, written.as_bytes()), "the dump lacks what the session holds: it proves nothing");
    let (_, cookie) = &browser.cookies()[0];
    let ticket = decoded(cookie);
    let tag = &ticket[ticket.len() - 12..];
    let hex = format!("{:024x}", tag.iter().fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte)));
    let ids = [cookie.as_bytes(), &cookie.as_bytes()[cookie.len() - 16..], tag, hex.as_bytes()];
    for id in ids {
        assert!(!contains(dump, id), "the dump shows {:?}", String::from_utf8_lossy(id));
    }
    assert!(!contains(&dump.to_ascii_lowercase(), hex.as_bytes()), "the dump shows {hex} in capitals");
}

/// What a session holds is in one dump, and in the other, of a backend that was encrypted, it is not.
pub fn assert_unreadable(plain: &[u8], encrypted: &[u8], written: &str) {
    assert!(contains(plain, written.as_bytes()), "the dump lacks what the session holds: it proves nothing");
    assert!(!encrypted.is_empty(), "nothing was written");
    assert!(!contains(encrypted, written.as_bytes()), "the dump shows {written}");
}

fn contains(dump: &[u8], what: &[u8]) -> bool {
    dump.windows(what.len()).any(|window| window == what)
}

/// The bytes of a text in base64url.
fn decoded(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut bits = Vec::new();
    for c in text.bytes() {
        let value = ALPHABET.iter().position(|&known| known == c).expect("base64url");
        bits.extend((0..6).rev().map(|bit| value >> bit & 1));
    }
    let spare = bits.len() % 8;
    bits[..bits.len() - spare]
        .chunks(8)
        .map(|byte| byte.iter().fold(0, |sum, &bit| sum << 1 | u8::try_from(bit).unwrap_or(1)))
        .collect()
}
