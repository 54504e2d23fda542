//! Keys: idempotency keys that the client makes, and which API keys may be
//! used where. No text that leaves here holds a part of an API key.

use super::request::Invalid;

/// The longest idempotency key, as for any name.
const MAX_KEY_BYTES: usize = 256;

/// An idempotency key from random bytes; 16 of them make a key that is met
/// once.
pub fn idempotency_key(random: &[u8]) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |four_bits: u8| HEX.get(usize::from(four_bits)).copied().map_or('0', char::from);
    let digits = random.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    "auto_".chars().chain(digits).collect()
}

/// Whether a caller's own idempotency key can travel in a header.
///
/// # Errors
/// [`Invalid`] for what is empty, too long, or not printable ASCII.
pub fn check_idempotency_key(key: &str) -> Result<(), Invalid> {
    let fits =
        (1..=MAX_KEY_BYTES).contains(&key.len()) && key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    // A header's value loses the blanks around it.
    match fits && key.trim() == key {
        true => Ok(()),
        false => Err(Invalid {
            code: "invalid_field",
            field: "idempotency_key".to_owned(),
            detail: "must be 1 to 256 printable ASCII characters",
        }),
    }
}

/// Whether an API key may be used here.
///
/// # Errors
/// [`Invalid`] if it is empty or cannot stand in a header, and for a project's
/// key in a browser, where everybody can read it; a customer's key may be
/// there.
pub fn check_api_key(key: &str, is_browser: bool) -> Result<(), Invalid> {
    let wrong = |code, detail| Err(Invalid { code, field: "apiKey".to_owned(), detail });
    if key.is_empty() {
        return wrong("missing_key", "is required");
    }
    if !key.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
        return wrong("invalid_key", "must be printable ASCII without blanks");
    }
    if is_browser && !key.starts_with("ck_") {
        return wrong(
            "secret_key_in_browser",
            "is a project's secret key and must not be in a browser, where everybody can read it; \
             use a customer key (ck_…), or call from your server",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idempotency_key_is_its_random_bytes() {
        assert_eq!(idempotency_key(&[0, 1, 0xab, 0xff]), "auto_0001abff");
        assert!(check_idempotency_key(&idempotency_key(&[7; 16])).is_ok());
    }

    #[test]
    fn an_idempotency_key_must_survive_a_header() {
        for key in ["a", "order 7", &"k".repeat(256)] {
            assert!(check_idempotency_key(key).is_ok(), "{key}");
        }
        for key in ["", " a", "a ", "a\nb", "ü", &"k".repeat(257)] {
            assert!(check_idempotency_key(key).is_err(), "{key}");
        }
    }

    #[test]
    fn a_projects_key_is_refused_in_a_browser_and_no_words_hold_a_key() {
        assert!(check_api_key("ce_live_secret1", false).is_ok());
        assert!(check_api_key("ck_live_secret1", true).is_ok());
        for (key, is_browser) in [("ce_live_secret1", true), ("ce_secret1\nX-A: b", false), ("", false)] {
            let refused = check_api_key(key, is_browser).unwrap_err();
            assert!(!format!("{refused:?}").contains("secret1"), "{refused:?}");
        }
    }
}
