//! The two sides of a `fork` never share an id.
#![cfg(unix)]

use std::fs;

use carryall::random::{Random, SystemRandom};
use fork::{Fork, fork, waitpid};

fn ids(count: usize) -> Vec<u8> {
    let mut ids = vec![0; 16 * count];
    for id in ids.chunks_exact_mut(16) {
        SystemRandom.secret(id).unwrap();
    }
    ids
}

#[test]
fn parent_and_child_never_share_an_id() {
    let file = std::env::temp_dir().join(format!("carryall-fork-{}", std::process::id()));
    // From here on some are in stock.
    ids(1);
    match fork().unwrap() {
        Fork::Child => {
            let written = fs::write(&file, ids(100));
            std::process::exit(i32::from(written.is_err()));
        }
        Fork::Parent(child) => {
            let ours = ids(100);
            waitpid(child).unwrap();
            let theirs = fs::read(&file).unwrap();
            fs::remove_file(&file).unwrap();
            assert_eq!(theirs.len(), ours.len());
            for id in ours.chunks_exact(16) {
                assert!(!theirs.chunks_exact(16).any(|other| other == id));
            }
        }
    }
}
