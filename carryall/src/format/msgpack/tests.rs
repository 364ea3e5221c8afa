//! What is packed, against another serializer, and against types that do not keep to what they announce.

use std::collections::HashMap;

use proptest::prelude::*;
use serde::ser::{Error as _, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple};
use serde::{Serialize, Serializer};

use super::super::buffer::Buffer;
use super::super::tests::any_value;
use super::*;
use crate::error::Error;

fn packed<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut out = Buffer::new();
    pack(value, &mut out, 64)?;
    check(out.as_slice(), 64).expect("what is packed is sound");
    Ok(out.as_slice().to_vec())
}

fn refusal<T: Serialize>(value: &T) -> String {
    packed(value).unwrap_err().to_string()
}

macro_rules! with {
    (|$serializer:ident| $body:expr) => {{
        struct Value;
        impl Serialize for Value {
            fn serialize<S: Serializer>(&self, $serializer: S) -> Result<S::Ok, S::Error> {
                $body
            }
        }
        Value
    }};
}

fn theirs<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    let mut serializer = rmp_serde::Serializer::new(&mut out).with_struct_map().with_human_readable();
    value.serialize(&mut serializer).unwrap();
    out
}

#[test]
fn a_value_that_breaks_off_what_it_announced_is_refused() {
    let announced = "this value serialized to something else than it announced; check its Serialize";
    let short = with!(|serializer| {
        let mut seq = serializer.serialize_seq(Some(2))?;
        seq.serialize_element(&1)?;
        seq.end()
    });
    let long = with!(|serializer| {
        let mut tuple = serializer.serialize_tuple(1)?;
        tuple.serialize_element(&1)?;
        tuple.serialize_element(&2)?;
        tuple.end()
    });
    let fields = with!(|serializer| {
        let mut fields = serializer.serialize_struct("Two", 2)?;
        fields.serialize_field("one", &1)?;
        fields.end()
    });
    let keys = with!(|serializer| {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_key("one")?;
        map.serialize_key("two")?;
        map.end()
    });
    let values = with!(|serializer| {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_value("one")?;
        map.serialize_value("two")?;
        map.end()
    });
    let half = with!(|serializer| {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_key("one")?;
        map.end()
    });
    let huge = with!(|serializer| serializer.serialize_seq(Some(usize::MAX))?.end());
    for refused in [
        refusal(&short),
        refusal(&long),
        refusal(&fields),
        refusal(&keys),
        refusal(&values),
        refusal(&half),
        refusal(&huge),
    ] {
        assert_eq!(refused, announced);
    }
}

#[test]
fn an_error_that_a_value_keeps_to_itself_is_found() {
    let element = with!(|serializer| {
        let mut seq = serializer.serialize_seq(None)?;
        _ = seq.serialize_element(&[f64::NAN]);
        seq.end()
    });
    let made_up = with!(|serializer| {
        let mut seq = serializer.serialize_seq(Some(2))?;
        _ = seq.serialize_element(&f64::NAN);
        seq.serialize_element(&1)?;
        seq.end()
    });
    let key = with!(|serializer| {
        let mut map = serializer.serialize_map(Some(1))?;
        _ = map.serialize_key(&1);
        map.serialize_value(&1)?;
        map.end()
    });
    for value in [packed(&element), packed(&made_up), packed(&key)] {
        assert_eq!(value.unwrap_err().kind(), crate::error::ErrorKind::Encode);
    }
}

#[test]
fn keys_are_whatever_serializes_to_a_string() {
    #[derive(Serialize, PartialEq, Eq, Hash)]
    enum Side {
        Left,
        Right,
    }
    #[derive(Serialize, PartialEq, Eq, Hash)]
    struct Name(String);
    let map = HashMap::from([(Name("k".repeat(40)), 1)]);
    assert_eq!(packed(&map).unwrap(), theirs(&map));
    let map = HashMap::from([(Some('é'), Side::Left), (Some('ö'), Side::Right)]);
    assert_eq!(packed(&map).unwrap(), theirs(&map));
    let map = HashMap::from([(std::net::IpAddr::from([127, 0, 0, 1]), 1)]);
    assert_eq!(packed(&map).unwrap(), theirs(&map));
    let not_text = "a map in this value has keys that are no strings; convert them first";
    assert_eq!(refusal(&HashMap::from([(1, 1)])), not_text);
    assert_eq!(refusal(&HashMap::from([(None::<String>, 1)])), not_text);
    assert_eq!(refusal(&HashMap::from([(vec!["a"], 1)])), not_text);
}

#[test]
fn what_a_value_says_of_its_own_refusal_is_kept_as_the_cause() {
    let refuses = with!(|_serializer| Err(S::Error::custom("not on a Sunday")));
    let error = packed(&refuses).unwrap_err();
    assert_eq!(error.to_string(), "this value cannot be serialized; its own Serialize refused");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "not on a Sunday");
}

#[test]
fn extension_types_are_refused() {
    let extension = with!(|serializer| serializer.serialize_newtype_struct("_ExtStruct", &(1_i8, 2_u8)));
    assert_eq!(refusal(&extension), "MessagePack extension types cannot be stored; store bytes or a string");
}

#[test]
fn lengths_take_no_more_bytes_than_they_need() {
    for len in [0, 1, 15, 16, 31, 32, 255, 256, 65_535, 65_536] {
        let text = "a".repeat(len);
        assert_eq!(packed(&text).unwrap(), theirs(&text), "{len}");
        let array = vec![(); len];
        assert_eq!(packed(&array).unwrap(), theirs(&array), "{len}");
        let uncounted = with_unknown_len(len);
        assert_eq!(packed(&uncounted).unwrap(), theirs(&uncounted), "{len}");
        let map: HashMap<_, _> = (0..len).map(|n| (n.to_string(), n)).collect();
        assert_eq!(packed(&map).unwrap(), theirs(&map), "{len}");
        let bytes = Bytes(vec![7; len]);
        assert_eq!(packed(&bytes).unwrap(), theirs(&bytes), "{len}");
    }
}

struct Bytes(Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

/// Entries whose number is not announced.
struct Uncounted(usize);

fn with_unknown_len(len: usize) -> [Uncounted; 2] {
    [Uncounted(len), Uncounted(1)]
}

impl Serialize for Uncounted {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for n in 0..self.0 {
            map.serialize_entry(&n.to_string(), &n)?;
        }
        map.end()
    }
}

proptest! {
    #[test]
    fn every_value_is_packed_as_another_serializer_packs_it(value in any_value()) {
        prop_assert_eq!(packed(&value).unwrap(), theirs(&value));
    }

    #[test]
    fn numbers_of_every_width_are_packed_as_another_serializer_packs_them(n: u64, shift in 0_u32..64, wide: i128) {
        let n = n >> shift;
        prop_assert_eq!(packed(&n).unwrap(), theirs(&n));
        prop_assert_eq!(packed(&n.cast_signed()).unwrap(), theirs(&n.cast_signed()));
        prop_assert_eq!(packed(&n.cast_signed().wrapping_neg()).unwrap(), theirs(&n.cast_signed().wrapping_neg()));
        prop_assert_eq!(packed(&wide).unwrap(), theirs(&wide));
    }
}
