use serde::{Deserialize, Serialize};

use super::{read, write};
use crate::mismatch::Mismatch;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Held(Option<Box<Inner>>),
    Pair(i64, String),
    Fields {
        number: u8,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        more: Option<u64>,
    },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Inner {
    first: Option<String>,
    is_set: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Whole {
    kinds: Vec<Kind>,
    inner: Option<Inner>,
    pairs: Vec<(i32, Option<bool>)>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "super::as_json::optional")]
    rare: Option<Box<Inner>>,
}

fn whole() -> Whole {
    Whole {
        kinds: vec![
            Kind::Plain,
            Kind::Held(None),
            Kind::Held(Some(Box::new(Inner::default()))),
            Kind::Pair(i64::MIN, "a\u{1e}\n\u{1e}".to_owned()),
            Kind::Fields { number: 255, more: None },
            Kind::Fields { number: 0, more: Some(u64::MAX) },
        ],
        inner: Some(Inner { first: Some("é:1".to_owned()), is_set: true }),
        pairs: vec![(-1, None), (7, Some(false))],
        rare: Some(Box::new(Inner { first: None, is_set: true })),
    }
}

const WHOLE: &str = "(6;AB~B(~f)C(-9223372036854775808;1+a1+\n0:)D(255;~)D(0;18446744073709551615;)\
                     (4:é:1t)2;(-1;~)(7;f)28:{\"first\":null,\"is_set\":true})";

#[test]
fn each_kind_of_value_has_its_text() {
    assert_eq!(write("", &whole()), WHOLE);
    assert_eq!(read::<Whole>(WHOLE), Ok(whole()));
    let none = Whole { kinds: Vec::new(), inner: None, pairs: Vec::new(), rare: None };
    assert_eq!(write("v", &none), "v(0;~0;~)");
    assert_eq!(read("(0;~0;~)"), Ok(none));
}

#[test]
fn what_begins_with_no_value_is_not_itself_none() {
    let begins = Whole { inner: Some(Inner { first: None, is_set: true }), ..whole() };
    assert_eq!(read(&write("", &begins)), Ok(begins));
}

#[test]
fn what_is_no_text_of_the_type_is_refused() {
    for bad in [
        "",
        "0;~0;~",
        "(0;~0;~",
        "(0;~0;~))",
        "(0;~0;)",
        "(0;~0;~~)",
        "(~~~~)",
        "(1;~0;~)",
        "(2;A~0;~)",
        "(1;E~0;~)",
        "(1;[~0;~)",
        "(1;a~0;~)",
        "(1;D(256;~)~0;~)",
        "(1;D(-1;~)~0;~)",
        "(1;D(;~)~0;~)",
        "(1;D(1~)~0;~)",
        "(1;D(1;18446744073709551616;)~0;~)",
        "(1;C(9223372036854775808;0:)~0;~)",
        "(1;C(-9223372036854775809;0:)~0;~)",
        "(1;C(--1;0:)~0;~)",
        "(1;C(1;1:é)~0;~)",
        "(1;C(1;9:é)~0;~)",
        "(1;C(1;0+)~0;~)",
        "(1;C(1;0;)~0;~)",
        "(1;C(1;18446744073709551615:)~0;~)",
        "(18446744073709551615;~0;~)",
        "(0;(~x)0;~)",
        "(0;~1;~)",
        "(0;~1;(1;~)~)x",
        "(0;~0;2:{x)",
        "(0;~0;3:{}})",
    ] {
        assert_eq!(read::<Whole>(bad), Err(Mismatch), "{bad}");
    }
}

#[test]
fn what_has_no_text_is_not_written() {
    for refused in [
        serde_json::Value::Null.serialize(&mut super::Writer::behind("")),
        1.5_f64.serialize(&mut super::Writer::behind("")),
        std::collections::BTreeMap::from([(1, 2)]).serialize(&mut super::Writer::behind("")),
    ] {
        assert_eq!(refused, Err(Mismatch));
    }
}

proptest::proptest! {
    #[test]
    fn any_text_and_number_comes_back_without_a_separator(text: String, separated in "[a\u{1e}é]{0,9}", number: i64) {
        for text in [text, separated] {
            let kind = Kind::Pair(number, text);
            let packed = write("", &kind);
            proptest::prop_assert_eq!(packed.find('\u{1e}'), None);
            proptest::prop_assert_eq!(read(&packed), Ok(kind));
        }
    }

    #[test]
    fn no_text_makes_it_panic(text: String, place in 0..WHOLE.len(), byte: u8) {
        let _ = read::<Whole>(&text);
        let mut bytes = WHOLE.as_bytes().to_vec();
        bytes[place] = byte;
        if let Some(value) = std::str::from_utf8(&bytes).ok().and_then(|text| read::<Whole>(text).ok()) {
            proptest::prop_assert_eq!(read(&write("", &value)), Ok(value));
        }
        if let Some(cut) = WHOLE.get(..place) {
            proptest::prop_assert_eq!(read::<Whole>(cut), Err(Mismatch));
        }
    }
}
