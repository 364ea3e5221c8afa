use proptest::prelude::*;

use super::*;

/// A session with a visitor's values, a typed cart and a package's own segment.
fn sample(format: Format) -> Contents {
    let mut contents = Contents::empty(format);
    set(&mut contents, "", "n", 1);
    set(&mut contents, "", "é\"", true);
    set_body(&mut contents, "cart", 300, ["a"]);
    set(&mut contents, "vendor.package", "k", ());
    contents
}

const PACKED: &[u8] = b"\x03\x00\x00\x09\x82\xa1n\x01\xa3\xc3\xa9\"\xc3\x04cart\xac\x02\x03\x91\xa1a\x0evendor.package\x00\x04\x81\xa1k\xc0";

const TEXT: &str =
    r#"{"data":{"n":1,"é\"":true},"segments":{"cart":[300,["a"]],"vendor.package":[0,{"k":null}]}}"#;

#[test]
fn both_layouts_are_these_bytes() {
    assert_eq!(bytes(&sample(Format::Json)), TEXT.as_bytes());
    assert_eq!(bytes(&sample(Format::MessagePack)), PACKED);
    assert_eq!(bytes(&Contents::empty(Format::Json)), b"{}"[..]);
    assert_eq!(bytes(&Contents::empty(Format::MessagePack)), [0][..]);
    let mut without_default = Contents::empty(Format::Json);
    set_body(&mut without_default, "cart", 1, json!({}));
    assert_eq!(bytes(&without_default), br#"{"segments":{"cart":[1,{}]}}"#[..]);
}

#[test]
fn both_layouts_are_read_and_carried_over_into_each_other() {
    for (format, payload, other, expected) in [
        (Format::Json, TEXT.as_bytes(), Format::MessagePack, PACKED),
        (Format::MessagePack, PACKED, Format::Json, TEXT.as_bytes()),
    ] {
        let mut contents = Contents::parse(format, Bytes::from_static(payload)).unwrap();
        assert_eq!(get(&mut contents, "", "é\""), Some(json!(true)));
        assert_eq!(body(&mut contents, "cart"), Some((300, json!(["a"]))));
        assert_eq!(contents.keys("vendor.package").unwrap(), ["k"]);
        assert!(!contents.is_changed());
        let carried = contents.transcode(other).unwrap();
        assert_eq!(bytes(&carried), expected);
        assert!(!carried.is_changed());
        assert_eq!(carried.format(), other);
    }
}

#[test]
fn what_nobody_touched_is_written_back_byte_for_byte() {
    // The unknown segment is no value at all in one format, and oddly written in both.
    let packed = Bytes::from_static(b"\x02\x00\x00\x04\x81\xa1n\x01\x01x\x05\x03\xc1\xff\x00");
    let text = Bytes::from_static(br#" {"segments":{"x":[5, {"b" : 1.00e0} ]},"data":{"n":1}}"#);
    for (format, payload, kept) in [
        (Format::MessagePack, packed, &b"\x01x\x05\x03\xc1\xff\x00"[..]),
        (Format::Json, text, br#"{"b" : 1.00e0}"#),
    ] {
        let mut contents = Contents::parse(format, payload.clone()).unwrap();
        assert_eq!(get(&mut contents, "", "n"), Some(json!(1)));
        assert_eq!(get(&mut contents, "", "absent"), None);
        assert_eq!(bytes(&contents), payload);
        set(&mut contents, "", "n", 2);
        let written = bytes(&contents);
        assert!(written.windows(kept.len()).any(|window| window == kept), "{written:?}");
        assert_eq!(get(&mut reload(&contents), "", "n"), Some(json!(2)));
    }
}

#[test]
fn a_broken_segment_is_an_error_for_its_reader_alone() {
    let payload = Bytes::from_static(b"\x02\x00\x00\x04\x81\xa1n\x01\x01x\x00\x02\x82\xa1");
    let mut contents = Contents::parse(Format::MessagePack, payload).unwrap();
    assert_eq!(contents.get("x", "k").unwrap_err().kind(), ErrorKind::Decode);
    assert_eq!(get(&mut contents, "", "n"), Some(json!(1)));
    contents.clear("x");
    set(&mut contents, "x", "k", 1);
    assert_eq!(get(&mut reload(&contents), "x", "k"), Some(json!(1)));
}

#[test]
fn keys_that_occur_twice_are_refused_however_many_there_are() {
    for count in [1, 100] {
        let mut map: Vec<String> = (0..count).map(|i| format!("\"k{i}\":1")).collect();
        map.push("\"k0\":2".into());
        let payload = format!("{{\"data\":{{{}}}}}", map.join(","));
        let mut contents = Contents::parse(Format::Json, payload.into()).unwrap();
        assert_eq!(contents.get("", "k0").unwrap_err().kind(), ErrorKind::Decode);
    }
}

#[test]
fn payloads_that_are_not_strictly_so_are_refused() {
    let packed: [&[u8]; 12] = [
        b"",
        b"\x80\x00",
        b"\x01",
        b"\x00\x00",
        b"\x81\x02",
        b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        b"\x01\x00\x01\x01\x80",
        b"\x01\x00\x00\x01\x90",
        b"\x02\x01x\x00\x01\x80\x01x\x00\x01\x80",
        b"\x01\x01\xff\x00\x01\x80",
        b"\x01\x01x\xff\xff\xff\xff\x1f\x01\x80",
        b"\x01\x01x\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    ];
    for payload in packed {
        let parsed = Contents::parse(Format::MessagePack, Bytes::from_static(payload));
        assert_eq!(parsed.unwrap_err(), Unreadable, "{payload:x?}");
    }
    let long = format!(r#"{{"segments":{{"{}":[0,1]}}}}"#, "n".repeat(65));
    let texts = [
        "",
        "[]",
        "{",
        "{}{}",
        r#"{"other":1}"#,
        r#"{"data":1}"#,
        r#"{"data":{},"data":{}}"#,
        r#"{"segments":{},"segments":{}}"#,
        r#"{"segments":{"x":[0,1],"x":[0,1]}}"#,
        r#"{"segments":{"":[0,{}]}}"#,
        r#"{"segments":{"x":{}}}"#,
        r#"{"segments":{"x":[0]}}"#,
        r#"{"segments":{"x":[0,1,2]}}"#,
        r#"{"segments":{"x":[-1,1]}}"#,
        r#"{"segments":{"x":[1.0,1]}}"#,
        r#"{"segments":{"x":[4294967296,1]}}"#,
        r#"{"segments":[]}"#,
        &long,
    ];
    for payload in texts {
        let parsed = Contents::parse(Format::Json, Bytes::copy_from_slice(payload.as_bytes()));
        assert_eq!(parsed.unwrap_err(), Unreadable, "{payload}");
    }
}

fn touch_everything(mut contents: Contents) {
    let names: Vec<String> = contents.segments().into_iter().map(|(name, _)| name).collect();
    for name in names {
        _ = contents.get(&name, "a.b");
        _ = contents.keys(&name);
        _ = contents.set(&name, "a", &[1]);
        _ = contents.remove(&name, "b.c");
        _ = contents.body(&name);
    }
    _ = bytes(&contents);
    _ = contents.is_changed();
    () = contents.settle();
    for format in BOTH {
        let same = Contents::parse(contents.format(), contents.base.clone());
        _ = same.map(|same| same.transcode(format));
    }
}

proptest! {
    #[test]
    fn arbitrary_payloads_never_panic(payload in prop::collection::vec(any::<u8>(), 0..80)) {
        for format in BOTH {
            if let Ok(contents) = Contents::parse(format, Bytes::from(payload.clone())) {
                prop_assert_eq!(&bytes(&contents), &payload);
                touch_everything(contents);
            }
        }
    }

    #[test]
    fn payloads_with_a_few_wrong_bytes_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4)
    ) {
        for (format, payload) in [(Format::Json, TEXT.as_bytes()), (Format::MessagePack, PACKED)] {
            let mut payload = payload.to_vec();
            for (at, byte) in &changes {
                let at = at.index(payload.len());
                payload[at] = *byte;
            }
            if let Ok(contents) = Contents::parse(format, Bytes::from(payload)) {
                touch_everything(contents);
            }
        }
    }
}
