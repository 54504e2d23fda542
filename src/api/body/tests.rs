use super::*;

fn code(body: &str, known: &[&str]) -> Option<Code> {
    Body::parse(body.as_bytes(), known).err().map(|problem| problem.code)
}

#[test]
fn a_body_is_one_object_with_known_fields_each_once() {
    assert_eq!(code(r#"{"a":1}"#, &["a"]), None);
    assert_eq!(code(r#"{"a":1,"b":2}"#, &["a"]), Some(Code::UnknownField));
    for bad in [
        "",
        "null",
        "[]",
        "1",
        "{",
        r#"{"a":1,"a":1}"#,
        r#"{"a":1,"\u0061":1}"#,
        r#"{"a":1} x"#,
        r#"{"b":1,"b":1}"#,
        r#"{"\ud800":1}"#,
    ] {
        assert_eq!(code(bad, &["a"]), Some(Code::InvalidJson), "{bad}");
    }
}

#[test]
fn a_body_of_unknown_fields_is_not_read_to_its_end() {
    let fields: String = (0..MOST_UNKNOWN).map(|number| format!(r#""{number}":0,"#)).collect();
    assert_eq!(code(&format!(r#"{{{fields}"0":0}}"#), &["a"]), Some(Code::UnknownField));
    assert_eq!(code(&format!(r#"{{"0":0,{fields}"a":0}}"#), &["a"]), Some(Code::InvalidJson));
}

#[test]
fn amounts_are_numbers_and_nothing_else() {
    let amount = |text: &str| {
        let body = format!(r#"{{"amount":{text}}}"#);
        Body::parse(body.as_bytes(), &["amount"])
            .unwrap()
            .require_amount("amount")
            .map_err(|problem| problem.code)
    };
    assert_eq!(amount("0.3"), Ok(Credits::parse("0.3").unwrap()));
    for bad in ["\"5\"", "null", "true", "[]", "{}", "1e-7", "1e400", "9000000000.1"] {
        assert_eq!(amount(bad), Err(Code::InvalidAmount), "{bad}");
    }
}

#[test]
fn a_problem_names_the_place() {
    let body = Body::parse(br#"{"items":[{"amount":1},{"amuont":1}]}"#, &["items"]).unwrap();
    let items = body.require("items").unwrap().list().unwrap();
    let problem = items[1].object(&["amount"]).unwrap_err();
    assert_eq!(problem.code, Code::UnknownField);
    assert!(problem.detail.starts_with("items[1].amuont "), "{}", problem.detail);
}
