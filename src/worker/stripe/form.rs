use std::fmt::Display;

/// The body of a request to Stripe: `application/x-www-form-urlencoded`, with
/// nested names in brackets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(String);

impl Form {
    /// With one more field; `name` has brackets where it is nested.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Display) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        encode(name, &mut self.0);
        self.0.push('=');
        encode(&value.to_string(), &mut self.0);
        self
    }

    /// Its text.
    pub fn into_text(self) -> String {
        self.0
    }
}

/// Leaves what no reader of forms changes, and the brackets of nested names.
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'[' | b']' => {
                into.push(char::from(byte));
            }
            byte => into.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_encoded_so_that_no_value_becomes_a_field() {
        let form = Form::default()
            .with("mode", "payment")
            .with("line_items[0][price_data][unit_amount]", 900)
            .with("success_url", "https://a.test/?id={CHECKOUT_SESSION_ID}&x=1+2 3")
            .with("metadata[customer]", "é\u{1f}%");
        assert_eq!(
            form.into_text(),
            "mode=payment&line_items[0][price_data][unit_amount]=900\
             &success_url=https%3A%2F%2Fa.test%2F%3Fid%3D%7BCHECKOUT_SESSION_ID%7D%26x%3D1%2B2%203\
             &metadata[customer]=%C3%A9%1F%25"
        );
    }
}
