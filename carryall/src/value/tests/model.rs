use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// The same as contents, the plain way.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    maps: BTreeMap<String, BTreeMap<String, Value>>,
    documents: BTreeMap<String, (u32, Value)>,
}

#[derive(Clone, Debug)]
enum Step {
    Get(&'static str, &'static str),
    Set(&'static str, &'static str, Value),
    Add(&'static str, &'static str),
    Take(&'static str, &'static str),
    Remove(&'static str, &'static str),
    RemoveSeen(&'static str, &'static str),
    Clear(&'static str),
    ClearAll,
    Read(&'static str),
    SetBody(&'static str, u32, Value),
    Nest(&'static str, u32),
    RemoveBody(&'static str),
}

fn any_step() -> impl Strategy<Value = Step> {
    let map = || prop::sample::select(vec!["", "map", "é\n"]);
    let document = || prop::sample::select(vec!["cart", "\"doc\""]);
    let key = || prop::sample::select(vec!["a", "b", "c", "\"", "ключ"]);
    let value = || {
        prop::sample::select(vec![
            json!(1),
            json!(1.0),
            json!("1"),
            json!({"x": 1, "y": [1, {}]}),
            json!([]),
            json!(null),
            json!("a longer text that does not fit into a short header"),
        ])
    };
    prop_oneof![
        (map(), key()).prop_map(|(map, key)| Step::Get(map, key)),
        (map(), key(), value()).prop_map(|(map, key, value)| Step::Set(map, key, value)),
        (map(), key(), value()).prop_map(|(map, key, value)| Step::Set(map, key, value)),
        (map(), key()).prop_map(|(map, key)| Step::Add(map, key)),
        (map(), key()).prop_map(|(map, key)| Step::Take(map, key)),
        (map(), key()).prop_map(|(map, key)| Step::Remove(map, key)),
        (map(), key()).prop_map(|(map, key)| Step::RemoveSeen(map, key)),
        map().prop_map(Step::Clear),
        Just(Step::ClearAll),
        document().prop_map(Step::Read),
        (document(), 0..3_u32, value())
            .prop_map(|(name, version, value)| Step::SetBody(name, version, value)),
        (document(), 0..3_u32).prop_map(|(name, version)| Step::Nest(name, version)),
        document().prop_map(Step::RemoveBody),
    ]
}

/// One more for a number, a number for anything else.
fn counted(old: Option<&Value>) -> Value {
    json!(old.and_then(Value::as_i64).unwrap_or(0) + 1)
}

impl Model {
    fn step(&mut self, step: &Step) {
        match step.clone() {
            Step::Get(..) | Step::Read(_) => {}
            Step::Set(map, key, value) => {
                self.maps.entry(map.into()).or_default().insert(key.into(), value);
            }
            Step::Add(map, key) => {
                let map = self.maps.entry(map.into()).or_default();
                let value = counted(map.get(key));
                map.insert(key.into(), value);
            }
            Step::Take(map, key) | Step::Remove(map, key) | Step::RemoveSeen(map, key) => {
                _ = self.maps.get_mut(map).map(|map| map.remove(key));
            }
            Step::Clear(map) => _ = self.maps.remove(map),
            Step::ClearAll => *self = Self::default(),
            Step::SetBody(name, version, value) => _ = self.documents.insert(name.into(), (version, value)),
            Step::Nest(name, version) => {
                let old = self.documents.remove(name).map(|(_, old)| old);
                self.documents.insert(name.into(), (version, json!([old])));
            }
            Step::RemoveBody(name) => _ = self.documents.remove(name),
        }
        self.maps.retain(|_, map| !map.is_empty());
    }
}

fn step(contents: &mut Contents, step: &Step) {
    let format = contents.format();
    match step.clone() {
        Step::Get(map, key) => _ = get(contents, map, key),
        Step::Set(map, key, value) => set(contents, map, key, value),
        Step::Add(map, key) => {
            let update: Updater = Arc::new(move |old| {
                let old: Option<Value> = old.map(|old| format.decode(old)).transpose()?;
                format.encode(&counted(old.as_ref())).map(Some)
            });
            contents.update(map, key, update).unwrap();
        }
        Step::Take(map, key) => _ = contents.update(map, key, Arc::new(|_| Ok(None))).unwrap(),
        Step::Remove(map, key) => _ = contents.remove(map, key).unwrap(),
        Step::RemoveSeen(map, key) => _ = contents.remove_seen(map, key).unwrap(),
        Step::Clear(map) => contents.clear(map),
        Step::ClearAll => contents.clear_all(),
        Step::Read(name) => _ = body(contents, name),
        Step::SetBody(name, version, value) => set_body(contents, name, version, value),
        Step::Nest(name, version) => {
            let update: BodyUpdater = Arc::new(move |old| {
                let old: Option<Value> = old.map(|(_, old)| format.decode(old)).transpose()?;
                format.encode(&[old]).map(Some)
            });
            contents.update_body(name, version, update).unwrap();
        }
        Step::RemoveBody(name) => _ = contents.remove_body(name),
    }
}

/// Everything that can be seen of contents, without leaving a trace on them.
fn visible(contents: &Contents) -> Model {
    let mut copy = reload(contents);
    let mut model = Model::default();
    for (name, _) in copy.segments() {
        if name == "cart" || name == "\"doc\"" {
            let document = body(&mut copy, &name).unwrap();
            model.documents.insert(name, document);
        } else {
            let keys = copy.keys(&name).unwrap();
            let map =
                keys.into_iter().map(|key| (key.clone(), get(&mut copy, &name, &key).unwrap())).collect();
            model.maps.insert(name, map);
        }
    }
    model
}

/// What contents say when they are asked directly, which leaves traces.
fn asked(contents: &mut Contents, model: &Model) -> Model {
    let mut said = Model::default();
    for name in model.maps.keys() {
        let keys = contents.keys(name).unwrap();
        let map = keys.into_iter().map(|key| (key.clone(), get(contents, name, &key).unwrap())).collect();
        said.maps.insert(name.clone(), map);
    }
    for name in model.documents.keys() {
        said.documents.insert(name.clone(), body(contents, name).unwrap());
    }
    said
}

fn steps(most: usize) -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec(any_step(), 0..most)
}

/// How many changes there are to take back.
fn count(contents: &Contents) -> u32 {
    let changes = contents.ops.iter().map(|op| match op.action {
        Action::Fill(run) => run.count(),
        _ => 1,
    });
    changes.sum()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(400), ..ProptestConfig::default() })]

    #[test]
    fn contents_do_what_plain_maps_do(before in steps(12), after in steps(16)) {
        for format in BOTH {
            let (mut contents, mut model) = (Contents::empty(format), Model::default());
            for one in &before {
                step(&mut contents, one);
                model.step(one);
            }
            contents.settle();
            prop_assert!(!contents.is_changed());
            let loaded = model.clone();
            let fresh = bytes(&contents);
            for one in &after {
                step(&mut contents, one);
                model.step(one);
                prop_assert_eq!(&visible(&contents), &model);
                prop_assert_eq!(contents.is_changed(), model != loaded);
                prop_assert_eq!(contents.is_empty(), model == Model::default());
            }
            let same = Contents::parse(format, fresh).unwrap();
            let replayed = contents.rebase(same).unwrap();
            prop_assert_eq!(&visible(&replayed), &model);
            prop_assert_eq!(replayed.is_changed(), contents.is_changed());
            prop_assert_eq!(&asked(&mut contents, &model), &model);
            let other = if format == Format::Json { Format::MessagePack } else { Format::Json };
            prop_assert_eq!(&visible(&contents.transcode(other).unwrap()), &model);
        }
    }

    #[test]
    fn taking_back_is_never_having_done(before in steps(8), kept in steps(8), undone in any_step()) {
        for format in BOTH {
            let mut contents = Contents::empty(format);
            for one in &before { step(&mut contents, one); }
            contents.settle();
            for one in &kept { step(&mut contents, one); }
            let (payload, changes) = (bytes(&contents), count(&contents));
            step(&mut contents, &undone);
            while count(&contents) > changes {
                prop_assert!(contents.undo_last().unwrap());
            }
            let was = Contents::parse(format, payload).unwrap();
            prop_assert_eq!(visible(&contents), visible(&was));
        }
    }

    #[test]
    fn replays_commute_with_what_others_did_elsewhere(ours in steps(8), theirs in steps(8)) {
        for format in BOTH {
            let mut mine = Contents::empty(format);
            let ours: Vec<_> = ours.iter().filter(|one| !matches!(one, Step::ClearAll)).collect();
            for one in &ours { step(&mut mine, one); }
            let mut fresh = Contents::empty(format);
            let mut model = Model::default();
            for one in &theirs {
                if let Step::Set(_, key, value) = one {
                    set(&mut fresh, "elsewhere", key, value);
                    model.step(&Step::Set("elsewhere", key, value.clone()));
                }
            }
            fresh.settle();
            for one in &ours { model.step(one); }
            prop_assert_eq!(visible(&mine.rebase(fresh).unwrap()), model);
        }
    }
}
