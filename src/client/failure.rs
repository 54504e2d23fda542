//! What an error answer means to the caller.

/// The kind of error that an answer becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorClass {
    /// Refused for another reason, which its code names.
    Other,
    /// Not enough credits.
    InsufficientCredits,
    /// Too many requests.
    RateLimit,
    /// No key, a wrong one, or one that may not do this.
    Authentication,
}

impl ErrorClass {
    /// From an answer's status and its problem's code; empty if it has none.
    pub fn of(status: u16, code: &str) -> Self {
        match (status, code) {
            (_, "insufficient_credits") => Self::InsufficientCredits,
            (429, _) => Self::RateLimit,
            (401 | 403, _) => Self::Authentication,
            _ => Self::Other,
        }
    }

    /// The word by which the faces know it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::InsufficientCredits => "insufficient_credits",
            Self::RateLimit => "rate_limit",
            Self::Authentication => "authentication",
        }
    }
}

/// The code of an answer that carries no problem, such as a proxy's.
pub const fn code_of_status(status: u16) -> &'static str {
    match status {
        400 | 422 => "invalid_request",
        401 => "invalid_key",
        403 => "forbidden",
        404 => "not_found",
        408 => "timeout",
        409 => "conflict",
        413 => "body_too_large",
        429 => "rate_limited",
        502..=504 => "unavailable",
        200..=299 => "invalid_answer",
        _ => "unexpected_status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_become_kinds_of_errors() {
        for (status, code, class) in [
            (402, "insufficient_credits", ErrorClass::InsufficientCredits),
            (402, "limit_reached", ErrorClass::Other),
            (429, "rate_limited", ErrorClass::RateLimit),
            (429, "", ErrorClass::RateLimit),
            (401, "missing_key", ErrorClass::Authentication),
            (401, "", ErrorClass::Authentication),
            (403, "insufficient_scope", ErrorClass::Authentication),
            (503, "overloaded", ErrorClass::Other),
        ] {
            assert_eq!(ErrorClass::of(status, code), class, "{status} {code}");
        }
    }
}
