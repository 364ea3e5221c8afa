use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use bytes::Bytes;
use carryall::id::RecordKey;
use carryall::store::Draft;

use super::*;
use crate::directory;

#[test]
fn a_sweeper_is_not_stopped_by_another_that_has_moved_all_marks_of_a_slot() {
    let private = std::fs::Permissions::from_mode(0o700);
    let scratch = tempfile::Builder::new().permissions(private).tempdir().expect("a directory");
    let disk = Disk::new(directory::open(scratch.path()).expect("a private directory"), 1024);
    let (now, key) = (Timestamp::from_secs(1_900_000_000), RecordKey::from_bytes([7; 16]));
    let minutes = |minutes| now.plus(Duration::from_mins(minutes));
    let header = Header { created: now, seen: now, expires: minutes(30), latest: minutes(90), subject: None };
    disk.commit(&key, None, &Draft { header, payload: Bytes::new() }, now).expect("a commit");
    assert!(disk.touch(&key, now, minutes(60), now).expect("a touch"));
    let (slot, due) = (Slot::of(minutes(30)), Due::open(&disk.root).expect("the marks"));
    let mark = due.marked(slot).expect("a slot").next().expect("a mark").expect("its name");
    assert_eq!(disk.sweep(minutes(35), 10).expect("the other's sweep"), 0);
    assert!(!disk.expire(&due, slot, &mark, minutes(35)).expect("nothing to do"));
    assert_eq!(disk.sweep(minutes(61), 10).expect("a sweep"), 1, "it is marked where the other put it");
}
