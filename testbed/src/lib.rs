//! What the tests of stores share: an application of several nodes, races over it, and throw-away servers.
//!
//! Not published. It has no tests of its own: every store's tests are its tests.

#![allow(clippy::missing_panics_doc, reason = "a helper for tests may stop them")]

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

pub mod crash;
pub mod dump;
pub mod fault;
/// Hears whatever is traced, and ends the test program when it hears a secret.
#[path = "../../carryall/tests/common/log.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "of which this is a part")]
mod log;
pub mod node;
pub mod race;
pub mod server;
pub mod subject;
pub mod sweep;

/// An empty directory that nobody else may enter; it goes when it is dropped.
pub fn scratch() -> TempDir {
    tempfile::Builder::new().permissions(Permissions::from_mode(0o700)).tempdir().unwrap()
}

/// How often a race is run: as `CARRYALL_REPEAT` says, else this often.
pub fn rounds(usual: usize) -> usize {
    std::env::var("CARRYALL_REPEAT").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
