//! Writing a JSON object. The client's bodies are flat, or one level deep, so
//! this is all that it takes; a JSON library would weigh more than the rest.

/// A JSON object while it is written. A name with a dot, `tokens.input`, goes
/// into an object of its own; names with the same prefix must be adjacent.
#[derive(Debug, Default)]
pub(super) struct Object {
    text: String,
    nested: Option<&'static str>,
}

impl Object {
    /// A member whose value is JSON already.
    pub(super) fn raw(&mut self, name: &'static str, value: &str) {
        let (prefix, name) = match name.split_once('.') {
            Some((prefix, name)) => (Some(prefix), name),
            None => (None, name),
        };
        if self.nested != prefix {
            self.leave();
            if let Some(prefix) = prefix {
                self.name(prefix);
                self.text.push('{');
                self.nested = Some(prefix);
            }
        }
        self.name(name);
        self.text.push_str(value);
    }

    /// A member whose value is a text.
    pub(super) fn text(&mut self, name: &'static str, value: &str) {
        self.raw(name, &quoted(value));
    }

    /// The whole object.
    pub(super) fn finish(mut self) -> String {
        self.leave();
        ["{", &self.text, "}"].concat()
    }

    fn leave(&mut self) {
        if self.nested.take().is_some() {
            self.text.push('}');
        }
    }

    fn name(&mut self, name: &str) {
        if !self.text.is_empty() && !self.text.ends_with('{') {
            self.text.push(',');
        }
        // Names are the table's own: nothing in them needs an escape.
        self.text.push('"');
        self.text.push_str(name);
        self.text.push_str("\":");
    }
}

/// A text as a JSON string (RFC 8259, section 7).
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len().saturating_add(2));
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' => {
                quoted.push_str("\\u00");
                quoted.push(if control < '\u{10}' { '0' } else { '1' });
                quoted.push(char::from_digit(u32::from(control) & 15, 16).unwrap_or('0'));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_nests_one_level() {
        let mut object = Object::default();
        object.text("model", "gpt");
        object.raw("tokens.input_tokens", "1");
        object.raw("tokens.output_tokens", "2");
        object.raw("amount", "0.3");
        assert_eq!(
            object.finish(),
            r#"{"model":"gpt","tokens":{"input_tokens":1,"output_tokens":2},"amount":0.3}"#
        );
        let mut last = Object::default();
        last.raw("tokens.input_tokens", "1");
        assert_eq!(last.finish(), r#"{"tokens":{"input_tokens":1}}"#);
        assert_eq!(Object::default().finish(), "{}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_survives_quoting(text in "\\PC*|[\u{0}-\u{ff}\"\\\\]*") {
            let read: String = serde_json::from_str(&quoted(&text)).unwrap();
            proptest::prop_assert_eq!(read, text);
        }
    }
}
