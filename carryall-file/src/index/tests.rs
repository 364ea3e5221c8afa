use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::directory;

#[test]
fn an_entry_is_made_whatever_goes_with_the_last_one_of_others() {
    const ROUNDS: usize = 2_000;
    let private = std::fs::Permissions::from_mode(0o700);
    let scratch = tempfile::Builder::new().permissions(private).tempdir().expect("a directory");
    let root = directory::open(scratch.path()).expect("a private directory");
    let subject = SubjectHash([7; 16]);
    std::thread::scope(|scope| {
        for n in 0..3 {
            let owner = Owner::parse("07070707070707070707070707070707-0000000000000009").expect("a name");
            let (root, entry) = (&root, owner.entry(&RecordKey::from_bytes([n; 16])));
            scope.spawn(move || {
                let index = Index::open(root, &subject).expect("an index");
                for _ in 0..ROUNDS {
                    index.note(&entry).expect("an entry");
                    assert!(index.has(&entry).expect("an answer"));
                    assert!(index.sorted().expect("entries").contains(&entry));
                    index.forget(&entry).expect("no entry");
                    assert!(!index.has(&entry).expect("an answer"));
                }
            });
        }
    });
    let index = Index::open(&root, &subject).expect("an index");
    assert!(index.entries().expect("an answer").is_none(), "the folder went with the last one");
}
