//! Every place where a struct can be, with fixed and with random values.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// The fields are in alphabetical order, as in a `Value` of `serde_json`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Parcel {
    #[serde(skip_serializing_if = "Option::is_none")]
    a_label: Option<Label>,
    by_name: BTreeMap<u8, Label>,
    contents: Vec<Content>,
    #[serde(default)]
    kept: Wrapped,
    pair: (i64, Label),
    weight: f64,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Label {
    text: String,
    urgent: bool,
}

#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
struct Wrapped(Label);

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
enum Content {
    Nothing,
    Letter(Label),
    Pair(u128, Label),
    Thing { name: String, value: Option<i128> },
}

fn labels() -> impl Strategy<Value = Label> {
    (".{0,6}", any::<bool>()).prop_map(|(text, urgent)| Label { text, urgent })
}

fn contents() -> impl Strategy<Value = Content> {
    prop_oneof![
        Just(Content::Nothing),
        labels().prop_map(Content::Letter),
        (any::<u64>(), labels()).prop_map(|(n, label)| Content::Pair(n.into(), label)),
        (".{0,6}", any::<Option<i64>>()).prop_map(|(name, value)| Content::Thing {
            name,
            value: value.map(i128::from),
        }),
    ]
}

prop_compose! {
    fn parcels()(
        a_label in proptest::option::of(labels()),
        by_name in proptest::collection::btree_map(any::<u8>(), labels(), 0..3),
        contents in proptest::collection::vec(contents(), 0..4),
        kept in labels().prop_map(Wrapped),
        pair in (any::<i64>(), labels()),
        weight in -1e9..1e9,
    ) -> Parcel {
        Parcel { a_label, by_name, contents, kept, pair, weight }
    }
}

/// Turns the `n`th struct into an array of its fields. Returns false when there are fewer.
fn nth_as_array(value: &mut Value, n: &mut usize, is_struct: bool) -> bool {
    if let (true, Value::Object(fields)) = (is_struct, &*value) {
        if *n == 0 {
            *value = fields.values().cloned().collect();
            return true;
        }
        *n -= 1;
    }
    match value {
        // The entries are fields of a struct, keys of a map, or the name of a variant.
        Value::Object(fields) => fields.iter_mut().any(|(name, value)| {
            let holds_others = ["by_name", "contents", "Pair"].contains(&name.as_str());
            nth_as_array(value, n, !holds_others)
        }),
        Value::Array(items) => items.iter_mut().any(|item| {
            let is_variant = item.as_object().is_some_and(|fields| fields.len() == 1);
            nth_as_array(item, n, !is_variant)
        }),
        _ => false,
    }
}

proptest! {
    #[test]
    fn any_written_value_is_read_as_serde_json_reads_it(parcel in parcels()) {
        let text = serde_json::to_string(&parcel).unwrap();
        prop_assert_eq!(
            strict_json::from_str::<Parcel>(&text).unwrap(),
            serde_json::from_str::<Parcel>(&text).unwrap()
        );
        let read: Parcel = strict_json::from_slice(text.as_bytes()).unwrap();
        prop_assert_eq!(read.contents, parcel.contents);
    }

    #[test]
    fn no_struct_is_read_from_an_array_at_any_depth(parcel in parcels(), n in 0_usize..12) {
        let mut value = serde_json::to_value(&parcel).unwrap();
        let changed = nth_as_array(&mut value, &mut n.clone(), true);
        let read = strict_json::from_str::<Parcel>(&value.to_string());
        prop_assert_eq!(read.is_err(), changed, "{}: {:?}", value, read);
    }

    #[test]
    fn any_text_is_read_as_by_serde_json(text in r#"[\[\]{},:"\\ua0-9e.+\- tfn]{0,24}"#) {
        let outcome = |read: Result<Value, serde_json::Error>| read.map_err(|e| e.to_string());
        prop_assert_eq!(
            outcome(strict_json::from_str(&text)),
            outcome(serde_json::from_str(&text))
        );
    }
}

#[test]
fn each_place_of_a_struct_refuses_an_array_that_serde_json_takes() {
    fn check<T: for<'de> Deserialize<'de>>(text: &str) {
        assert!(serde_json::from_str::<T>(text).is_ok(), "{text}");
        let error = strict_json::from_str::<T>(text).err().expect(text);
        assert!(error.is_data(), "{text}: {error}");
        assert!(
            error.to_string().starts_with("invalid type: sequence"),
            "{error}"
        );
    }
    check::<Label>(r#"["a",true]"#);
    check::<Option<Label>>(r#"["a",true]"#);
    check::<Box<Label>>(r#"["a",true]"#);
    check::<Wrapped>(r#"["a",true]"#);
    check::<Vec<Label>>(r#"[{"text":"a","urgent":true},["a",true]]"#);
    check::<(u8, Label)>(r#"[1,["a",true]]"#);
    check::<BTreeMap<u8, Label>>(r#"{"1":["a",true]}"#);
    check::<Content>(r#"{"Letter":["a",true]}"#);
    check::<Content>(r#"{"Pair":[1,["a",true]]}"#);
    check::<Content>(r#"{"Thing":["a",null]}"#);
    check::<Result<Label, ()>>(r#"{"Ok":["a",true]}"#);
}

#[test]
fn arrays_are_read_where_no_struct_is_expected() {
    assert_eq!(strict_json::from_str::<(u8, u8)>("[1,2]").unwrap(), (1, 2));
    assert_eq!(
        strict_json::from_str::<Value>("[[1],{}]").unwrap(),
        json!([[1], {}])
    );
    let most = u128::MAX.to_string();
    assert_eq!(strict_json::from_str::<u128>(&most).unwrap(), u128::MAX);
    let raw: Box<RawValue> = strict_json::from_str("[1, 2]").unwrap();
    assert_eq!(raw.get(), "[1, 2]");
    let borrowed: &str = strict_json::from_slice(br#""text""#).unwrap();
    assert_eq!(borrowed, "text");
}

#[test]
fn text_after_the_value_is_an_error() {
    assert!(strict_json::from_str::<Label>(r#"{"text":"a","urgent":true} x"#).is_err());
}

#[test]
fn an_error_has_a_path() {
    let text = r#"{"by_name":{},"contents":[{"Letter":["a",true]}],"pair":[1,[]],"weight":1}"#;
    let mut reader = serde_json::Deserializer::from_str(text);
    let read: Result<Parcel, _> =
        serde_path_to_error::deserialize(strict_json::Strict(&mut reader));
    assert_eq!(read.unwrap_err().path().to_string(), "contents[0].Letter");
}
