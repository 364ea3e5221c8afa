//! Whose directory it may be, and what in it is no record.

use std::fs::{self, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use carryall::clock::Timestamp;
use carryall::id::RecordKey;
use carryall::store::{Commit, Draft, Header, Store, StoreErrorKind, SubjectHash, Sweep, Version};
use carryall_file::{FileStore, OpenErrorKind};
use carryall_testbed::scratch;

const KEY: RecordKey = RecordKey::from_bytes([0x3f; 16]);
const NAME: &str = "3f/3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f3f";
const NOW: Timestamp = Timestamp::from_secs(1_900_000_000);

fn minutes(minutes: u64) -> Timestamp {
    NOW.plus(Duration::from_mins(minutes))
}

fn draft(payload: impl Into<Bytes>) -> Draft {
    let header =
        Header { created: NOW, seen: NOW, expires: minutes(30), latest: minutes(720), subject: None };
    Draft { header, payload: payload.into() }
}

/// A directory with one record, and the record's file.
async fn one_record() -> (tempfile::TempDir, FileStore, PathBuf) {
    let scratch = scratch();
    let store = FileStore::open(scratch.path()).expect("a store");
    let outcome = store.commit(&KEY, None, draft("kept"), NOW).await.expect("a commit");
    assert_eq!(outcome, Commit::Committed(Version::FIRST));
    let file = scratch.path().join(NAME);
    (scratch, store, file)
}

async fn assert_corrupt(store: &FileStore, what: &str) {
    let loaded = store.load(&KEY, NOW).await.expect_err(what);
    assert_eq!(loaded.kind(), StoreErrorKind::Corrupt, "{what}: {loaded:?}");
    let commit = store.commit(&KEY, Some(Version::FIRST), draft("new"), NOW).await.expect_err(what);
    assert_eq!(commit.kind(), StoreErrorKind::Corrupt, "{what}: {commit:?}");
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").mode() & 0o7777
}

#[tokio::test]
async fn files_and_folders_are_closed_to_everybody_else() {
    let scratch = scratch();
    let path = scratch.path().join("sessions");
    let store = FileStore::open(&path).expect("a store");
    store.commit(&KEY, None, draft("kept"), NOW).await.expect("a commit");
    let mut users = draft("kept");
    users.header.subject = Some(SubjectHash([7; 16]));
    store.commit(&RecordKey::from_bytes([7; 16]), None, users, NOW).await.expect("a commit");
    let (mut folders, mut files) = (vec![path], 0);
    while let Some(folder) = folders.pop() {
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                files += 1;
            }
        }
    }
    assert_eq!(
        files, 6,
        "two records, the marks of their deadlines, an entry, and that no index lacks anything"
    );
}

#[test]
fn a_directory_that_others_may_enter_or_that_is_none_is_refused() {
    let scratch = scratch();
    let at = |name: &str| scratch.path().join(name);
    fs::create_dir(at("open")).expect("a folder");
    for open in [0o750, 0o701, 0o720, 0o704, 0o777] {
        fs::set_permissions(at("open"), Permissions::from_mode(open)).expect("its mode");
        let error = FileStore::open(at("open")).expect_err("an open directory");
        assert_eq!(error.kind(), OpenErrorKind::NotPrivate, "{open:o}");
        assert!(error.to_string().contains("chmod 700"), "{error}");
    }
    fs::set_permissions(at("open"), Permissions::from_mode(0o700)).expect("its mode");
    FileStore::open(at("open")).expect("it is private now");
    symlink(at("open"), at("link")).expect("a link");
    fs::write(at("file"), "text").expect("a file");
    for name in ["link", "file"] {
        let error = FileStore::open(at(name)).expect_err(name);
        assert_eq!(error.kind(), OpenErrorKind::NoDirectory, "{name}: {error}");
    }
    fs::remove_dir_all(at("open/subjects")).expect("the indexes");
    fs::create_dir(at("elsewhere")).expect("a folder");
    symlink(at("elsewhere"), at("open/subjects")).expect("a link");
    let error = FileStore::open(at("open")).expect_err("its indexes are elsewhere");
    assert_eq!(error.kind(), OpenErrorKind::Unavailable);
    assert_eq!(fs::read_dir(at("elsewhere")).expect("a folder").count(), 0);
    let error = FileStore::open(at("missing/sessions")).expect_err("its parent is not there");
    assert_eq!(error.kind(), OpenErrorKind::Unavailable);
    assert!(error.to_string().contains("missing/sessions"), "{error}");
}

#[test]
fn a_directory_of_another_user_is_refused() {
    // The root of the file system belongs to root; a test that is root gives a directory away.
    let scratch = scratch();
    let mut path = PathBuf::from("/");
    if fs::metadata(scratch.path()).expect("its facts").uid() == 0 {
        path = scratch.path().join("given");
        fs::create_dir(&path).expect("a folder");
        fs::set_permissions(&path, Permissions::from_mode(0o700)).expect("its mode");
        std::os::unix::fs::chown(&path, Some(65534), None).expect("another owner");
    }
    let error = FileStore::open(&path).expect_err("another user's directory");
    assert_eq!(error.kind(), OpenErrorKind::NotOwned, "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_an_error_and_can_be_removed() {
    for (what, damage) in [
        ("cut", (|bytes| bytes.truncate(bytes.len() - 1)) as fn(&mut Vec<u8>)),
        ("empty", Vec::clear),
        ("longer", |bytes| bytes.push(0)),
        ("another payload", |bytes| *bytes.last_mut().expect("a byte") ^= 1),
        ("another version", |bytes| bytes[39] ^= 1),
    ] {
        let (_scratch, store, file) = one_record().await;
        let mut bytes = fs::read(&file).expect("the file");
        damage(&mut bytes);
        fs::write(&file, bytes).expect("the file");
        let loaded = store.load(&KEY, NOW).await.expect_err(what);
        assert_eq!(loaded.kind(), StoreErrorKind::Corrupt, "{what}: {loaded:?}");
        store.remove(&KEY, NOW).await.expect(what);
        assert!(store.load(&KEY, NOW).await.expect(what).is_none(), "{what}");
    }
}

#[tokio::test]
async fn links_folders_and_other_records_are_not_taken_for_the_record() {
    let (scratch, store, file) = one_record().await;
    let elsewhere = scratch.path().join("elsewhere");
    fs::rename(&file, &elsewhere).expect("moved");
    symlink(&elsewhere, &file).expect("a link");
    assert_corrupt(&store, "a link").await;
    let touched = store.touch(&KEY, minutes(1), minutes(40), NOW).await;
    assert_eq!(touched.expect_err("a link").kind(), StoreErrorKind::Corrupt);
    fs::remove_file(&file).expect("removed");
    fs::create_dir(&file).expect("a folder");
    assert_corrupt(&store, "a folder").await;
    fs::remove_dir(&file).expect("removed");
    let other = RecordKey::from_bytes([0x3e; 16]);
    store.commit(&other, None, draft("another"), NOW).await.expect("a commit");
    fs::rename(scratch.path().join("3e/3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e3e"), &file).expect("moved");
    assert_corrupt(&store, "another record's file").await;
    fs::remove_dir(scratch.path().join("3e")).expect("an empty folder");
    symlink(scratch.path().join("3f"), scratch.path().join("3e")).expect("a link");
    let error = store.commit(&other, None, draft("new"), NOW).await.expect_err("a folder that is a link");
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
}

#[tokio::test]
async fn a_link_where_a_new_record_is_written_is_replaced_and_not_followed() {
    let (scratch, store, file) = one_record().await;
    let precious = scratch.path().join("precious");
    fs::write(&precious, "precious").expect("a file");
    symlink(&precious, file.with_extension("new")).expect("a link");
    store.commit(&KEY, Some(Version::FIRST), draft("new"), NOW).await.expect("a commit");
    assert_eq!(fs::read_to_string(&precious).expect("the file"), "precious");
    assert_eq!(&store.load(&KEY, NOW).await.expect("a load").expect("a record").payload[..], b"new");
    assert!(!file.with_extension("new").exists());
}

#[tokio::test]
async fn a_record_that_is_too_large_is_neither_written_nor_read() {
    let (scratch, store, file) = one_record().await;
    let small = FileStore::builder(scratch.path()).max_record(3).open().expect("a store");
    let error = small.commit(&KEY, Some(Version::FIRST), draft("four"), NOW).await.expect_err("too large");
    assert_eq!(error.kind(), StoreErrorKind::TooLarge);
    assert_eq!(small.load(&KEY, NOW).await.expect_err("too large").kind(), StoreErrorKind::Corrupt);
    small.commit(&KEY, Some(Version::FIRST), draft("abc"), NOW).await.expect("a commit");
    assert!(small.load(&KEY, NOW).await.expect("a load").is_some());
    // Larger than any memory: refused by its length, not read to its end.
    let huge = OpenOptions::new().write(true).open(&file).expect("the file");
    huge.set_len(1 << 40).expect("a sparse file");
    assert_corrupt(&store, "a huge file").await;
}

#[tokio::test]
async fn a_touch_writes_its_instants_in_place_and_a_torn_one_is_not_believed() {
    let (_scratch, store, file) = one_record().await;
    let before = fs::metadata(&file).expect("its facts").ino();
    for minute in 1..=2 {
        assert!(store.touch(&KEY, minutes(minute), minutes(30 + minute), NOW).await.expect("a touch"));
    }
    assert_eq!(fs::metadata(&file).expect("its facts").ino(), before, "the same file");
    let seen = async || store.load(&KEY, NOW).await.expect("a load").expect("a record").header.seen;
    assert_eq!(seen().await, minutes(2));
    // The second touch wrote the second slot; half of it is lost.
    let torn = OpenOptions::new().write(true).open(&file).expect("the file");
    torn.write_all_at(&[0xAA; 10], 80).expect("a write");
    let first = seen().await;
    torn.write_all_at(&[0xAA; 10], 100).expect("a write");
    assert!(first == minutes(1) || first == minutes(2), "{first:?}");
    assert_corrupt(&store, "both are torn").await;
}

#[tokio::test]
async fn what_a_crash_leaves_beside_a_record_is_swept_with_it() {
    let (scratch, store, file) = one_record().await;
    let left = ["new", "next"].map(|extension| file.with_extension(extension));
    for left in &left {
        fs::write(left, "half a rec").expect("a file");
    }
    assert_eq!(store.sweep_once(minutes(31), 10).await.expect("a sweep"), 1);
    assert!(!left.iter().any(|left| left.exists()) && !file.exists());
    let slots = fs::read_dir(scratch.path().join("due")).expect("a folder").count();
    assert_eq!(slots, 0, "nothing is left of its mark");
}
