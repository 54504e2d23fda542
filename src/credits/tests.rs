use super::*;

fn millionths(text: &str) -> Result<i64, AmountError> {
    Credits::parse(text).map(Credits::millionths)
}

#[test]
fn a_json_number_is_read_exactly() {
    for (text, expected) in [
        ("0", 0),
        ("-0", 0),
        ("0.0", 0),
        ("1", 1_000_000),
        ("0.1", 100_000),
        ("0.000001", 1),
        ("-2.5", -2_500_000),
        ("1e2", 100_000_000),
        ("1E+2", 100_000_000),
        ("1e-6", 1),
        ("10e-7", 1),
        ("0.0000010e0", 1),
        ("12.34e1", 123_400_000),
        ("9000000000", 9_000_000_000_000_000),
        ("-9000000000.000000", -9_000_000_000_000_000),
        ("0e999999", 0),
        ("0.00000000e-50", 0),
        ("100e-2", 1_000_000),
    ] {
        assert_eq!(millionths(text), Ok(expected), "{text}");
    }
}

#[test]
fn nothing_is_rounded_and_nothing_overflows() {
    for text in ["1e-7", "0.1234567", "1.0000000", "0.00000010", "1e-99999999999", "15e-7"] {
        assert_eq!(millionths(text), Err(AmountError::TooPrecise), "{text}");
    }
    for text in ["9000000000.000001", "9000000001", "1e400", "-1e10", "1e99999999999", "9007199254740992"] {
        assert_eq!(millionths(text), Err(AmountError::OutOfRange), "{text}");
    }
    for text in
        ["", "-", "+1", "01", "1.", ".5", "1e", "1e+", "NaN", "Infinity", "0x10", "1_000", " 1", "1,5"]
    {
        assert_eq!(millionths(text), Err(AmountError::NotANumber), "{text}");
    }
}

#[test]
fn an_amount_prints_as_its_shortest_number() {
    for (value, expected) in [
        (0, "0"),
        (1, "0.000001"),
        (100_000, "0.1"),
        (1_500_000, "1.5"),
        (-300_000, "-0.3"),
        (1_000_000, "1"),
        (10_000_000, "10"),
        (1_000_010, "1.00001"),
        (9_000_000_000_000_000, "9000000000"),
    ] {
        assert_eq!(Credits(value).to_string(), expected);
    }
}

#[test]
fn a_tenth_and_two_tenths_are_three_tenths() {
    let sum = Credits::parse("0.1").unwrap().checked_add(Credits::parse("0.2").unwrap()).unwrap();
    assert_eq!(sum.to_string(), "0.3");
}

proptest::proptest! {
    #[test]
    fn what_is_printed_reads_back(value in -9_000_000_000_000_000_i64..=9_000_000_000_000_000) {
        let amount = Credits(value);
        proptest::prop_assert_eq!(Credits::parse(&amount.to_string()), Ok(amount));
    }

    #[test]
    fn any_text_is_read_or_refused_but_never_panics(text in "[-+0-9.eE]{0,40}") {
        let _ = Credits::parse(&text);
    }

    #[test]
    fn what_is_read_the_short_way_is_read_the_same_the_long_way(text in "-?[0-9]{0,8}[.eE]?[-0-9.]{0,7}") {
        if let Some(value) = usual_millionths(&text) {
            let long = JsonNumber::split(&text).map(|number| number.millionths());
            proptest::prop_assert_eq!(long, Some(Ok(value)));
        }
    }
}
