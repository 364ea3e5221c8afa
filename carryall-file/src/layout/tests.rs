use proptest::prelude::*;

use super::*;

const KEY: RecordKey = RecordKey::from_bytes(*b"0123456789abcdef");

fn read(file: &[u8]) -> Option<Record> {
    Head::read(file, &KEY)?.with(Bytes::copy_from_slice(&file[HEAD..]))
}

fn draft(subject: Option<[u8; 16]>, payload: &'static [u8]) -> Draft {
    let at = Timestamp::from_millis;
    let (created, seen, expires, latest) = (at(1), at(0x0102), at(0x0304), at(0x0506));
    let header = Header { created, seen, expires, latest, subject: subject.map(SubjectHash) };
    Draft { header, payload: Bytes::from_static(payload) }
}

#[test]
fn version_1_is_written_and_read_as_released() {
    let file = file(&KEY, Version(7), &draft(Some(*b"fedcba9876543210"), b"cart")).expect("a file");
    let hex: Vec<_> = file.iter().map(|byte| format!("{byte:02x}")).collect();
    let released = concat!(
        "6361727279616c6c01010000000000043031323334353637383961626364656600000000000000070000000000000001",
        "0000000000000506666564636261393837363534333231300ba388b78397cab7",
        "0000000000000102000000000000030425947bb5",
        "0000000000000102000000000000030425947bb5",
        "63617274",
    );
    assert_eq!(hex.concat(), released);
    let record = read(&file).expect("a record");
    let Draft { header, payload } = draft(Some(*b"fedcba9876543210"), b"cart");
    assert_eq!(record, Record { version: Version(7), header, payload });
}

#[test]
fn a_file_that_was_cut_lengthened_or_changed_in_one_bit_is_no_record() {
    let whole = file(&KEY, Version(7), &draft(None, b"a payload")).expect("a file");
    let good = read(&whole).expect("a record");
    for cut in 0..whole.len() {
        let known = Head::read(&whole[..cut], &KEY);
        let record = known.and_then(|head| head.with(Bytes::copy_from_slice(&whole[HEAD..cut])));
        assert!(record.is_none(), "cut at {cut}");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(read(&longer).is_none());
    for bit in 0..8 * whole.len() {
        let mut changed = whole.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        let in_a_sight = (SIGHTS[0]..HEAD).contains(&(bit / 8));
        // Either of two equal sights stands in for the other.
        assert_eq!(read(&changed), Some(good.clone()).filter(|_| in_a_sight), "bit {bit}");
    }
    assert!(Head::read(&whole, &RecordKey::from_bytes([0; 16])).is_none(), "another record's file");
}

proptest! {
    #[test]
    fn a_touch_that_is_torn_anywhere_leaves_the_instants_before_it(
        seen in 0x0102..u64::MAX, expires in 0x0304..u64::MAX, torn in 0..SIGHT, garbage: u8
    ) {
        let at = Timestamp::from_millis;
        let mut bytes = file(&KEY, Version(7), &draft(None, b"kept")).expect("a file");
        let mut before = Head::read(&bytes, &KEY).expect("a head");
        // Whole touches alternate between the two; the last one is torn.
        for step in 0..3 {
            let (seen, expires) = (at(seen / 4 + 0x0102 + step), at(expires / 4 + 0x0304 + step));
            let (place, sight) = before.touched(&KEY, seen, expires);
            let place = usize::try_from(place).expect("an offset");
            bytes[place..place + SIGHT].copy_from_slice(&sight);
            let after = Head::read(&bytes, &KEY).expect("a head");
            prop_assert_eq!((after.header.seen, after.header.expires), (seen, expires));
            prop_assert_ne!(after.spare, before.spare);
            before = after;
        }
        let (place, sight) = before.touched(&KEY, at(u64::MAX), at(u64::MAX));
        let place = usize::try_from(place).expect("an offset");
        bytes[place..place + torn].copy_from_slice(&sight[..torn]);
        bytes[place + torn] = garbage;
        let after = Head::read(&bytes, &KEY).expect("a head");
        let whole = bytes[place..place + SIGHT] == sight;
        let (seen, expires) = (after.header.seen, after.header.expires);
        prop_assert!(whole || (seen, expires) == (before.header.seen, before.header.expires));
    }
}
