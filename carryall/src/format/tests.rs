use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;

const BOTH: [Format; 2] = [Format::Json, Format::MessagePack];

/// Any value that JSON can hold, with the bounds of integers and awkward strings made likely.
pub(crate) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof![Just(u64::MAX), Just(1 << 63), Just(128), Just(0)].prop_map(Value::from),
        prop_oneof![Just(i64::MIN), Just(-1), Just(-33), Just(-129)].prop_map(Value::from),
        any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        prop_oneof![Just(1.0), Just(-0.0), Just(1e300), Just(5e-324), Just(0.1)].prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[a-z\"\\\\\n\u{1}\u{7f}é😀]{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("[a-c.\"é]{0,3}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Nothing,
    One(u8),
    Two(i64, String),
    Named { at: IpAddr, on: Option<bool> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    A { n: u64 },
    B,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Whole(i64),
    Part(f64),
    Text(String),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    unit: Unit,
    nothing: (),
    choices: Vec<Choice>,
    tagged: Vec<Tagged>,
    untagged: Vec<Untagged>,
    letter: char,
    small: f32,
    pair: (i8, u64),
    bytes: Vec<u8>,
    map: BTreeMap<String, Option<i32>>,
    empty: HashMap<String, u8>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

fn everything() -> Everything {
    Everything {
        unit: Unit,
        nothing: (),
        choices: vec![
            Choice::Nothing,
            Choice::One(255),
            Choice::Two(i64::MIN, "é\"\n".into()),
            Choice::Named { at: IpAddr::from([127, 0, 0, 1]), on: None },
        ],
        tagged: vec![Tagged::A { n: u64::MAX }, Tagged::B],
        untagged: vec![Untagged::Whole(-1), Untagged::Part(2.0), Untagged::Text("2".into())],
        letter: '😀',
        small: 0.1,
        pair: (-128, 1 << 40),
        bytes: (0..=255).collect(),
        map: [("a".into(), Some(1)), ("b".into(), None)].into(),
        empty: HashMap::new(),
        rest: [("other".into(), json!([1, 1.0, {"x": {}}]))].into(),
    }
}

#[test]
fn a_type_with_everything_in_it_comes_back_from_both_formats_and_from_one_through_the_other() {
    let value = everything();
    for (from, to) in [(Format::Json, Format::MessagePack), (Format::MessagePack, Format::Json)] {
        let bytes = from.encode(&value).unwrap();
        assert_eq!(from.decode::<Everything>(&bytes).unwrap(), value);
        let other = from.transcode(&bytes, to).unwrap();
        assert_eq!(to.decode::<Everything>(&other).unwrap(), value);
    }
}

#[test]
fn a_type_with_everything_in_it_is_packed_as_another_serializer_packs_it() {
    let mut theirs = Vec::new();
    let mut serializer = rmp_serde::Serializer::new(&mut theirs).with_struct_map().with_human_readable();
    everything().serialize(&mut serializer).unwrap();
    assert_eq!(Format::MessagePack.encode(&everything()).unwrap(), theirs);
}

#[test]
fn json_says_what_was_meant() {
    let table: [(Value, &str); 9] = [
        (json!(1.0), "1.0"),
        (json!(1e16), "1e16"),
        (json!(-0.0), "-0.0"),
        (json!(u64::MAX), "18446744073709551615"),
        (json!(i64::MIN), "-9223372036854775808"),
        (json!({}), "{}"),
        (json!([]), "[]"),
        (json!("\"\\/\u{8}\u{1f}\u{7f}é"), r#""\"\\/\b\u001f"#),
        (json!({"a": [null, true, false]}), r#"{"a":[null,true,false]}"#),
    ];
    for (value, text) in table {
        let bytes = Format::Json.encode(&value).unwrap();
        let written = std::str::from_utf8(&bytes).unwrap();
        assert!(written.starts_with(text), "{written}");
        assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
    }
}

#[test]
fn what_one_format_cannot_hold_is_refused_by_both() {
    #[derive(Serialize)]
    struct Wrong {
        at: HashMap<u32, u8>,
    }
    for format in BOTH {
        for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(format.encode(&[float]).unwrap_err().kind(), ErrorKind::Encode);
        }
        assert_eq!(format.encode(&f32::NAN).unwrap_err().kind(), ErrorKind::Encode);
        let keyed = Wrong { at: [(1, 1)].into() };
        assert_eq!(format.encode(&keyed).unwrap_err().kind(), ErrorKind::Encode);
    }
}

fn nested(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, i| if i % 2 == 0 { json!([inner]) } else { json!({"k": inner}) })
}

#[test]
fn sixty_four_levels_are_stored_and_one_more_is_not() {
    for format in BOTH {
        let deepest = format.encode(&nested(64)).unwrap();
        assert_eq!(format.decode::<Value>(&deepest).unwrap(), nested(64));
        assert_eq!(format.encode(&nested(65)).unwrap_err().kind(), ErrorKind::Encode);
    }
    let text = serde_json::to_vec(&nested(65)).unwrap();
    assert_eq!(Format::Json.decode::<Value>(&text).unwrap_err().kind(), ErrorKind::Decode);
    let mut packed = vec![0x91; 65];
    packed.push(1);
    assert_eq!(Format::MessagePack.decode::<Value>(&packed).unwrap_err().kind(), ErrorKind::Decode);
}

#[test]
fn wrong_types_and_trailing_bytes_are_errors_of_the_reader() {
    for format in BOTH {
        let mut bytes = format.encode("text").unwrap();
        assert_eq!(format.decode::<u64>(&bytes).unwrap_err().kind(), ErrorKind::Decode);
        bytes.push(b'1');
        assert_eq!(format.decode::<String>(&bytes).unwrap_err().kind(), ErrorKind::Decode);
        assert_eq!(format.decode::<String>(&[]).unwrap_err().kind(), ErrorKind::Decode);
    }
}

#[test]
fn forged_lengths_and_broken_grammar_are_refused() {
    let packed: [&[u8]; 9] = [
        &[0xdd, 0xff, 0xff, 0xff, 0xff],
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
        &[0xdb, 0xff, 0xff, 0xff, 0xff, b'a'],
        &[0xc6, 0xff, 0xff, 0xff, 0xff, 1],
        &[0x81, 0x01, 0x01],
        &[0xd4, 0x01, 0x01],
        &[0xc1],
        &[0xa1, 0xff],
        &[0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
    ];
    for bytes in packed {
        assert!(Format::MessagePack.decode::<Value>(bytes).is_err(), "{bytes:x?}");
        assert!(Format::MessagePack.transcode(bytes, Format::Json).is_err(), "{bytes:x?}");
    }
    let texts = [
        "",
        "[1,]",
        "{,}",
        "{\"a\"}",
        "{a:1}",
        "{1:1}",
        "[1 2]",
        "01",
        "1.",
        ".5",
        "-",
        "1e",
        "+1",
        "nul",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\n\"",
        "\"",
        "[",
        "{\"a\":1",
        "1e999",
        "NaN",
        "]",
        "1]",
    ];
    for text in texts {
        assert!(Format::Json.decode::<Value>(text.as_bytes()).is_err(), "{text}");
        assert!(Format::Json.transcode(text.as_bytes(), Format::MessagePack).is_err(), "{text}");
    }
}

#[test]
fn equal_is_what_means_the_same() {
    let json: [(&str, &str, bool); 9] = [
        (r#"{"a":1,"b":[2]}"#, r#"{ "b" : [ 2 ] , "a" : 1 }"#, true),
        (r#""\u0041""#, r#""A""#, true),
        ("1", "1.0", false),
        ("1", "\"1\"", false),
        ("0.0", "-0.0", false),
        ("[1,2]", "[2,1]", false),
        (r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false),
        (r#"{"a":1,"a":1}"#, r#"{"a":1,"b":1}"#, false),
        ("[", "{", false),
    ];
    let more = [
        ("-0", "0", false),
        ("10", "1", false),
        ("-7", "7", false),
        ("12", "12.0", false),
        ("123456789012345678901", "123456789012345678901.0", true),
        (r#""a""#, r#""\u0061""#, true),
        (r#""a""#, r#""b""#, false),
    ];
    for (a, b, is_equal) in json.into_iter().chain(more) {
        assert_eq!(Format::Json.is_equal(a.as_bytes(), b.as_bytes()), is_equal, "{a} {b}");
    }
    let packed: [(&[u8], &[u8], bool); 5] = [
        (&[0x01], &[0xcd, 0x00, 0x01], true),
        (&[0x01], &[0xd3, 0, 0, 0, 0, 0, 0, 0, 1], true),
        (&[0xca, 0x3f, 0x80, 0, 0], &[0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], true),
        (&[0xa1, b'a'], &[0xc4, 1, b'a'], false),
        (&[0x82, 0xa1, b'a', 1, 0xa1, b'b', 2], &[0x82, 0xa1, b'b', 2, 0xa1, b'a', 1], true),
    ];
    for (a, b, is_equal) in packed {
        assert_eq!(Format::MessagePack.is_equal(a, b), is_equal, "{a:x?} {b:x?}");
    }
}

#[test]
fn children_are_found_by_key_and_by_canonical_index() {
    for format in BOTH {
        let bytes = format.encode(&json!({"items": [7, {"x": 8}], "0": 9})).unwrap();
        let items = &bytes[format.child(&bytes, "items").unwrap()];
        let second = &items[format.child(items, "1").unwrap()];
        assert_eq!(&second[format.child(second, "x").unwrap()], format.encode(&8).unwrap());
        assert_eq!(&bytes[format.child(&bytes, "0").unwrap()], format.encode(&9).unwrap());
        for absent in ["2", "01", "+1", "-1", "", "99999999999999999999999"] {
            assert!(format.child(items, absent).is_none(), "{absent}");
        }
    }
}

proptest! {
    #[test]
    fn values_come_back_identically_typed(value in any_value()) {
        for (format, other) in [(Format::Json, Format::MessagePack), (Format::MessagePack, Format::Json)] {
            let bytes = format.encode(&value).unwrap();
            prop_assert_eq!(&format.decode::<Value>(&bytes).unwrap(), &value);
            let there = format.transcode(&bytes, other).unwrap();
            prop_assert_eq!(&other.decode::<Value>(&there).unwrap(), &value);
            prop_assert!(other.is_equal(&there, &other.encode(&value).unwrap()));
            prop_assert!(format.is_equal(&other.transcode(&there, format).unwrap(), &bytes));
            if format == Format::Json {
                // Its own reader rounds some floats, so what it reads is not compared.
                prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
            }
        }
    }

    #[test]
    fn floats_of_both_widths_come_back_bit_for_bit(small: f32, large: f64) {
        for format in BOTH {
            if small.is_finite() {
                let bytes = format.encode(&small).unwrap();
                prop_assert_eq!(format.decode::<f32>(&bytes).unwrap().to_bits(), small.to_bits());
            }
            if large.is_finite() {
                let bytes = format.encode(&large).unwrap();
                prop_assert_eq!(format.decode::<f64>(&bytes).unwrap().to_bits(), large.to_bits());
            }
        }
    }

    #[test]
    fn two_values_are_equal_if_and_only_if_their_bytes_mean_the_same(a in any_value(), b in any_value()) {
        for format in BOTH {
            let bytes = (format.encode(&a).unwrap(), format.encode(&b).unwrap());
            // -0.0 == 0.0 for serde_json, and a change for us.
            if !format!("{a}{b}").contains("-0.0") {
                prop_assert_eq!(format.is_equal(&bytes.0, &bytes.1), a == b);
            }
        }
    }

    #[test]
    fn the_entries_of_a_map_are_its_values(map in prop::collection::btree_map(any::<String>(), any_value(), 0..20)) {
        for format in BOTH {
            let bytes = format.encode(&map).unwrap();
            let mut fields = format.fields(&bytes).unwrap();
            let mut found = Vec::new();
            while let Some(field) = fields.step().unwrap() {
                let key = std::str::from_utf8(&field.key).unwrap();
                let value = &bytes[field.value.clone()];
                prop_assert_eq!(&format.decode::<Value>(value).unwrap(), &map[key]);
                if let std::borrow::Cow::Borrowed(key) = field.key {
                    prop_assert_eq!(key, &bytes[field.key_at..field.key_at + key.len()]);
                }
                found.push((key.to_owned(), value, &bytes[field.start..field.value.end]));
            }
            prop_assert_eq!(found.len(), map.len());
            let (mut out, mut copy, mut length) = (Vec::new(), Vec::new(), Length::default());
            format.open_map(&mut out, found.len());
            format.open_map(&mut copy, found.len());
            format.open_map(&mut length, found.len());
            for (i, (key, value, field)) in found.iter().enumerate() {
                format.put_field(&mut out, i == 0, key.as_bytes(), value);
                format.put_field(&mut length, i == 0, key.as_bytes(), value);
                format.put_fields(&mut copy, i == 0, field);
            }
            format.close_map(&mut out);
            format.close_map(&mut copy);
            format.close_map(&mut length);
            prop_assert_eq!(&copy, &bytes);
            prop_assert_eq!(&out, &bytes);
            prop_assert_eq!(length.0, bytes.len());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for (format, other) in [(Format::Json, Format::MessagePack), (Format::MessagePack, Format::Json)] {
            _ = format.decode::<Value>(&bytes);
            _ = format.child(&bytes, "a");
            _ = format.is_equal(&bytes, &[0xc0]);
            if let Ok(there) = format.transcode(&bytes, other) {
                prop_assert!(other.check(&there).is_ok());
            }
        }
    }

    #[test]
    fn texts_that_look_like_json_are_judged_as_serde_json_judges_them(text in r#"[\[\]{}:,"a\\u0-3.eE+ \-]{0,12}"#) {
        let theirs = serde_json::from_str::<Value>(&text);
        let ours = Format::Json.check(text.as_bytes());
        if theirs.is_ok() {
            prop_assert!(ours.is_ok(), "{}", text);
        }
        if let Ok(value) = Format::Json.decode::<Value>(text.as_bytes()) {
            prop_assert_eq!(value, theirs.unwrap());
        }
    }

    #[test]
    fn cut_off_values_are_no_values(value in any_value(), keep in 0.0..1.0_f64) {
        let bytes = Format::MessagePack.encode(&value).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "a share of a short length")]
        let cut = (bytes.len() as f64 * keep) as usize;
        prop_assert!(Format::MessagePack.check(&bytes[..cut]).is_err());
    }
}

proptest! {
    #[test]
    fn decimal_digits_are_those_of_the_standard_library(n: u64, shift in 0_u32..64) {
        for n in [n, n >> shift, 10_u64.pow(shift % 20), 10_u64.pow(shift % 20) - 1] {
            let mut out = Vec::new();
            Format::put_decimal(&mut out, n);
            prop_assert_eq!(String::from_utf8(out).unwrap(), n.to_string());
        }
    }
}
