//! Contents that list a segment when they have to, and set many values at once, beside twins that have every segment
//! listed all the time and set one value after the other.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Get(&'static str, &'static str),
    Set(&'static str, &'static str, Value),
    SetAll(&'static str, Vec<(&'static str, Value)>),
    /// Set, and taken back.
    Tried(&'static str, Vec<(&'static str, Value)>),
    Add(&'static str, &'static str),
    Remove(&'static str, &'static str),
    SetBody(Value),
    Clear(&'static str),
    ClearAll,
    Undone(&'static str, &'static str, Value),
    Discard,
    Settle,
    Rebase(Value),
}

const SEGMENTS: [&str; 2] = ["", "map"];

fn key() -> impl Strategy<Value = &'static str> {
    let long = "a key that is longer than thirty-one bytes";
    prop::sample::select(vec!["a", "a", "b", "c", "a.x", "b.c", "", ".", "é", "q\"", long])
}

fn value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!(1),
        json!(1.0),
        json!("t"),
        json!({"x": 1, "c": {"y": 2}}),
        json!(null),
        json!({}),
    ])
}

fn pairs() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    prop::collection::vec((key(), value()), 1..5)
}

fn map() -> impl Strategy<Value = Value> {
    pairs().prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

fn any_step() -> impl Strategy<Value = Step> {
    let segment = || prop::sample::select(SEGMENTS.to_vec());
    prop_oneof![
        4 => (segment(), key()).prop_map(|(segment, key)| Step::Get(segment, key)),
        4 => (segment(), key(), value()).prop_map(|(segment, key, value)| Step::Set(segment, key, value)),
        4 => (segment(), pairs()).prop_map(|(segment, pairs)| Step::SetAll(segment, pairs)),
        2 => (segment(), pairs()).prop_map(|(segment, pairs)| Step::Tried(segment, pairs)),
        2 => (segment(), key()).prop_map(|(segment, key)| Step::Add(segment, key)),
        2 => (segment(), key()).prop_map(|(segment, key)| Step::Remove(segment, key)),
        1 => prop_oneof![map(), Just(json!({}))].prop_map(Step::SetBody),
        1 => segment().prop_map(Step::Clear),
        1 => Just(Step::ClearAll),
        1 => (segment(), key(), value()).prop_map(|(segment, key, value)| Step::Undone(segment, key, value)),
        1 => Just(Step::Discard),
        1 => Just(Step::Settle),
        2 => map().prop_map(Step::Rebase),
    ]
}

/// These values as a map says them, some of them twice.
struct Said<'a>(&'a [(&'static str, Value)]);

impl Serialize for Said<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

fn set_all(contents: &mut Contents, segment: &str, pairs: &[(&'static str, Value)], keeps: bool) -> bool {
    let checkpoint = contents.checkpoint();
    let done = contents.set_all(segment, Fields::pack(&Said(pairs)).unwrap(), 100_000);
    if done.is_err() || !keeps {
        contents.back_to(&checkpoint).unwrap();
    }
    done.is_ok()
}

fn set_each(contents: &mut Contents, segment: &str, pairs: &[(&'static str, Value)], keeps: bool) -> bool {
    let before = contents.clone();
    let done = pairs.iter().try_for_each(|(key, value)| contents.set(segment, key, &packed(value)));
    if done.is_err() || !keeps {
        *contents = before;
        // What was tried leaves the segment its place among the others.
        contents.open(segment).unwrap();
    }
    done.is_ok()
}

/// Does one step; what its caller is told.
fn step(contents: &mut Contents, step: &Step, is_twin: bool) -> String {
    let format = contents.format();
    if is_twin {
        for segment in SEGMENTS {
            // To look for what is not there would note it, and its place among the others.
            if contents.find(segment.as_bytes()).is_some() {
                contents.keys(segment).unwrap();
            }
        }
    }
    let all = if is_twin { set_each } else { set_all };
    match step {
        Step::Get(segment, key) => format!("{:?}", get(contents, segment, key)),
        Step::Set(segment, key, value) => contents.set(segment, key, &packed(value)).is_ok().to_string(),
        Step::SetAll(segment, pairs) => all(contents, segment, pairs, true).to_string(),
        Step::Tried(segment, pairs) => all(contents, segment, pairs, false).to_string(),
        Step::Add(segment, key) => match contents.peek(segment, key) {
            Ok(old) => {
                let update: Updater = Arc::new(move |_| format.encode(&1).map(Some));
                let made = format.encode(&1).unwrap();
                format!("{old:?} {}", contents.record_update(segment, key, update, Some(made)).is_ok())
            }
            Err(error) => error.to_string(),
        },
        Step::Remove(segment, key) => format!("{:?}", contents.remove(segment, key).ok()),
        Step::SetBody(body) => contents
            .set_body("map", 1, &format.encode(body).unwrap())
            .map_err(|error| error.kind())
            .is_ok()
            .to_string(),
        Step::Clear(segment) => {
            contents.clear(segment);
            String::new()
        }
        Step::ClearAll => {
            contents.clear_all();
            String::new()
        }
        Step::Undone(segment, key, value) => {
            let is_set = contents.set(segment, key, &packed(value)).is_ok();
            format!("{is_set} {}", !is_set || contents.undo_last().unwrap())
        }
        Step::Discard => {
            contents.discard();
            String::new()
        }
        Step::Settle => {
            contents.settle();
            String::new()
        }
        Step::Rebase(fresh) => match contents.rebase(loaded(format, fresh)) {
            Ok(rebased) => {
                *contents = rebased;
                String::new()
            }
            Err(Rebase::Conflict { segment, key }) => format!("{segment} {key:?}"),
            Err(Rebase::Failed(error)) => error.to_string(),
        },
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(400), ..ProptestConfig::default() })]

    #[test]
    fn nobody_can_tell_how_much_of_a_segment_is_listed(base in map(), steps in prop::collection::vec(any_step(), 1..14)) {
        for format in BOTH {
            let (mut contents, mut twin) = (loaded(format, &base), loaded(format, &base));
            for one in &steps {
                prop_assert_eq!(step(&mut contents, one, false), step(&mut twin, one, true), "{:?}", one);
                prop_assert_eq!(bytes(&contents), bytes(&twin), "{:?} {:?}", format, one);
                prop_assert_eq!(contents.is_changed(), twin.is_changed(), "{:?}", one);
                prop_assert_eq!(contents.is_empty(), twin.is_empty(), "{:?}", one);
                prop_assert!(contents.longest() >= contents.encoded_len());
            }
        }
    }
}
