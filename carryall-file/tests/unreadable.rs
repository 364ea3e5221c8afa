//! A file that its owner may not read: the trouble of one session, not of its user.
//!
//! The body is the ignored test, which this program runs as a child of itself, without the rights of root to read all.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::time::Duration;

use bytes::Bytes;
use carryall::id::RecordKey;
use carryall::store::{
    Admission, Cap, Draft, Header, ListSubjects, Store, StoreErrorKind, SubjectHash, Version, WhenFull,
};
use carryall_file::FileStore;
use carryall_testbed::crash::{NOW, command, directory};
use carryall_testbed::scratch;

const ADA: SubjectHash = SubjectHash([0xAD; 16]);

fn key(n: u8) -> RecordKey {
    RecordKey::from_bytes([n; 16])
}

fn draft(n: u8) -> Draft {
    let at = |minutes: u8| NOW.plus(Duration::from_mins(minutes.into()));
    let header = Header { created: at(n), seen: at(n), expires: at(90), latest: at(90), subject: Some(ADA) };
    Draft { header, payload: Bytes::from_static(b"hers") }
}

async fn listed(store: &FileStore) -> Vec<RecordKey> {
    let listed = store.list(&ADA, 9, NOW).await.expect("a list");
    assert_eq!(store.count(&ADA, NOW).await.expect("a number"), listed.len());
    listed.into_iter().map(|(key, _)| key).collect()
}

#[tokio::test]
#[ignore = "the child of `one_unreadable_file_keeps_its_user_neither_from_signing_in_nor_from_signing_out_everywhere`"]
async fn signs_in_and_out_beside_one() {
    let store = FileStore::open(directory()).expect("a store");
    for n in 1..4 {
        store.commit(&key(n), None, draft(n), NOW).await.expect("a commit");
    }
    let file = directory().join("02").join("02".repeat(16));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("its mode");
    assert_eq!(store.load(&key(2), NOW).await.expect_err("closed").kind(), StoreErrorKind::Unavailable);
    assert_eq!(listed(&store).await, [key(1), key(3)]);
    let cap = Cap { most: NonZeroUsize::new(2).expect("two"), when_full: WhenFull::EndOldest };
    let outcome = store.admit(&key(9), None, draft(9), cap, NOW).await.expect("an admission");
    let Admission::Committed { version: Version::FIRST, ended } = outcome else { panic!("{outcome:?}") };
    assert_eq!(ended.into_iter().map(|(key, _)| key).collect::<Vec<_>>(), [key(1)]);
    for n in [3, 9] {
        assert!(store.remove(&key(n), NOW).await.expect("a logout"));
    }
    assert_eq!(listed(&store).await, []);
    // It is kept for whoever looks after the machine, unless its visitor signs out.
    assert!(file.exists());
    store.remove(&key(2), NOW).await.expect("a logout");
    assert!(!file.exists());
}

#[test]
fn one_unreadable_file_keeps_its_user_neither_from_signing_in_nor_from_signing_out_everywhere() {
    let scratch = scratch();
    let is_root = fs::metadata(scratch.path()).expect("its facts").uid() == 0;
    let without_rights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    let before = if is_root { &without_rights[..] } else { &[] };
    let output = command(before, "signs_in_and_out_beside_one", scratch.path()).output().expect("a child");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && out.contains("1 passed"), "{out}{err}");
}
