use serde::{Deserialize, Serialize};

use super::*;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Inner {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<Box<Inner>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape {
    Unit,
    New(i64),
    Pair(u8, bool),
    Named {
        amount: i64,
        #[serde(default)]
        late: bool,
    },
    Empty {},
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct All {
    text: String,
    whole: u64,
    negative: i64,
    none: Option<u32>,
    list: Vec<Shape>,
    tuple: (u64, Option<String>),
    map: std::collections::BTreeMap<String, Inner>,
    unit: (),
}

fn all() -> All {
    let inner = Inner { name: "é\u{1f600}\u{7f}".to_owned(), note: Some(Box::default()) };
    All {
        text: "quote\" back\\ slash/ \u{8}\u{c}\n\r\t\u{0}\u{1f} end".to_owned(),
        whole: u64::MAX,
        negative: i64::MIN,
        none: None,
        list: vec![
            Shape::Unit,
            Shape::New(-1),
            Shape::Pair(0, true),
            Shape::Named { amount: 10, late: true },
            Shape::Empty {},
        ],
        tuple: (7, Some(String::new())),
        map: [("a\"b".to_owned(), inner), (String::new(), Inner::default())].into(),
        unit: (),
    }
}

#[test]
fn a_value_is_written_as_serde_json_writes_it_and_read_back() {
    let text = write(&all());
    assert_eq!(text, serde_json::to_string(&all()).unwrap());
    assert_eq!(read::<All>(&text), Ok(all()));
    let spaced = serde_json::to_string_pretty(&all()).unwrap();
    assert_eq!(read::<All>(&spaced), Ok(all()));
}

#[test]
fn fields_come_in_any_order_and_unknown_ones_are_passed_over() {
    let inner = |text| read::<Inner>(text);
    let plain = Inner { name: "x".to_owned(), note: None };
    for text in [
        r#"{"name":"x"}"#,
        r#"{"note":null,"name":"x"}"#,
        r#"{"other":[{"name":"y"}],"name":"x","more":{}}"#,
        r#"{"n\u0061me":"\u0078"}"#,
        r#"["x",null]"#,
    ] {
        assert_eq!(inner(text), Ok(plain.clone()), "{text}");
    }
    let deep = inner(r#"{"note":{"note":{"name":"c"},"name":"b"},"name":"a"}"#).unwrap();
    assert_eq!(deep.note.unwrap().note.unwrap().name, "c");
}

#[test]
fn what_is_not_of_its_type_is_refused_with_its_field() {
    let wrong = |text| read::<Inner>(text).unwrap_err();
    assert_eq!(wrong(r#"{"name":1}"#), Unreadable::Value { field: Some("name") });
    assert_eq!(wrong(r#"{"name":"a","note":{"name":[]}}"#), Unreadable::Value { field: Some("name") });
    assert_eq!(wrong(r#"{"name":"a","note":5}"#), Unreadable::Value { field: Some("note") });
    assert_eq!(wrong("{}"), Unreadable::Value { field: Some("name") });
    assert_eq!(wrong("null"), Unreadable::Value { field: None });
    for text in ["5.0", "1e2", "\"5\"", "256", "-1", "null", "true"] {
        assert!(read::<u8>(text).is_err(), "{text}");
    }
    for text in ["\"other\"", "{}", r#"{"new":1,"unit":null}"#, r#"{"unit":1}"#, r#"{"pair":[1]}"#, "\"new\""]
    {
        assert!(read::<Shape>(text).is_err(), "{text}");
    }
    assert_eq!(read::<Shape>(r#"{"unit":null}"#), Ok(Shape::Unit));
    assert_eq!(read::<Shape>(r#"{"named":{"amount":3}}"#), Ok(Shape::Named { amount: 3, late: false }));
    assert!(read::<(u8, u8)>("[1,2,3]").is_err());
}

#[test]
fn a_text_is_json_exactly_when_serde_json_says_so() {
    let values = [
        "",
        " ",
        "null",
        "nul",
        "nulls",
        "true",
        "truefalse",
        "0",
        "00",
        "01",
        "-",
        "-0",
        "-01",
        "1.",
        ".5",
        "1.5",
        "1e",
        "1e+",
        "1e5",
        "1E-5",
        "1.e5",
        "+1",
        "\"",
        "\"a",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\u00e9\"",
        "\"\u{1}\"",
        "\"\u{7f}\"",
        "[",
        "[]",
        "[1",
        "[1,",
        "[1,]",
        "[,]",
        "[1 2]",
        "{",
        "{}",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\":1,\"a\":2}",
        "{\"a\" : [ ] }",
        "[[[]]]",
        "]",
        "1 1",
        "\u{feff}1",
        "\u{a0}1",
        "'a'",
        "NaN",
        "[1]\n\t\r ",
        "{\"a\":}",
        "{:1}",
        "{\"a\"1}",
    ];
    for text in values {
        let expected = serde_json::from_str::<&serde_json::value::RawValue>(text);
        assert_eq!(Tape::of(text).is_ok(), expected.is_ok(), "{text}");
    }
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(Tape::of(&nested(128)).is_ok() && Tape::of(&nested(129)).is_err());
    assert!(Tape::of(&"[".repeat(1_000_000)).is_err());
}

#[test]
fn an_escape_stands_for_its_character_and_half_of_one_for_none() {
    let text = |json: &str| read::<String>(json).ok();
    assert_eq!(text(r#""\"\\\/\b\f\n\r\t\u0041\u00E9""#).as_deref(), Some("\"\\/\u{8}\u{c}\n\r\tAé"));
    assert_eq!(text(r#""\ud83d\ude00!""#).as_deref(), Some("\u{1f600}!"));
    for half in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83dx""#, r#""\ud83d\u0041""#, r#""\ud83d\n""#] {
        assert_eq!(text(half), None, "{half}");
    }
}

#[test]
fn a_value_can_stay_as_it_stands() {
    #[derive(Serialize, Deserialize)]
    struct Kept<'a> {
        #[serde(borrow)]
        amount: Raw<'a>,
        object: JsonText,
        #[serde(borrow)]
        absent: Option<Raw<'a>>,
    }
    let text = r#"{ "amount" : 1.50e0, "object": {"a" : [ "\u0061" ]}, "absent": null }"#;
    let kept: Kept<'_> = read(text).unwrap();
    assert_eq!((kept.amount.get(), kept.object.0.as_str()), ("1.50e0", r#"{"a" : [ "\u0061" ]}"#));
    assert_eq!(write(&kept), r#"{"amount":1.50e0,"object":{"a" : [ "\u0061" ]},"absent":null}"#);
}

#[test]
fn the_canonical_text_is_that_of_serde_json_as_far_as_a_double_is_exact() {
    let numbers = [
        "0",
        "-0",
        "0.0",
        "-0.0",
        "0e9",
        "1",
        "-1",
        "5.0",
        "5e0",
        "0.5e1",
        "1.50",
        "123.456",
        "1e15",
        "1e16",
        "1e17",
        "12345678901234.5",
        "1.5e300",
        "1e-5",
        "1e-6",
        "0.00001",
        "0.000001",
        "123e-7",
        "9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
        "100000000000000000000",
        "1e21",
        "1E+2",
        "1.0E-2",
        "0.1",
        "250e-2",
        "1234567890123456",
        "12345678901234560.0",
    ];
    for number in numbers {
        for text in [number.to_owned(), format!("{{\"b\":[ {number} ],\"a\":\"\\u0041\\n\",\"b\":{number}}}")]
        {
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(canonical(&text, |_, _| Shown::AsItIs), value.to_string(), "{text}");
        }
    }
    assert_eq!(canonical("0.12345678901234567890", |_, _| Shown::AsItIs), "0.1234567890123456789");
    for text in ["1e308", "-1.7976931348623157e308", "0e999", "1e-999", "17976931348623157e292"] {
        assert!(serde_json::from_str::<f64>(text).is_ok() && canonical(text, |_, _| Shown::AsItIs) != "null");
    }
    for text in ["1e309", "-1e400", "1.7976931348623159e308", "1e99999999999999999999"] {
        assert!(
            serde_json::from_str::<f64>(text).is_err() && canonical(text, |_, _| Shown::AsItIs) == "null"
        );
    }
    for broken in ["", "{", "\u{0}", r#"{"a":"\ud800"}"#] {
        assert_eq!(canonical(broken, |_, _| Shown::AsItIs), "null");
    }
    let show = |name: &str, value: &str| match name {
        "gone" => Shown::LeftOut,
        "seen" => Shown::As(format!("<{value}>")),
        _ => Shown::AsItIs,
    };
    let text = r#"{"seen":1.0,"x":{"gone":1,"seen":2},"gone":3}"#;
    assert_eq!(canonical(text, show), r#"{"seen":<1.0>,"x":{"gone":1,"seen":2}}"#);
}
