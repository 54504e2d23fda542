//! Requests as text, one after the other: a line for the method and the
//! target, lines for headers, an empty line, the body. Names in braces stand
//! for ids.

use edge_credits::Timestamp;
use edge_credits::worker::ids::to_hex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::world::{key, transaction_id};

/// What Stripe signs with: for live mode, for test mode.
pub(crate) const SECRETS: [&str; 2] = ["whsec_live", "whsec_test"];
/// Stands between requests.
const NEXT: &[u8] = b"\n----\n";

#[derive(Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What Stripe answers to whatever it is asked.
    pub(crate) stripe: Option<String>,
}

impl Request {
    pub(crate) fn all(input: &[u8]) -> Vec<Self> {
        let mut requests = Vec::new();
        let mut rest = input;
        while let Some(at) = find(rest, NEXT) {
            requests.push(Self::read(&rest[..at]));
            rest = &rest[at + NEXT.len()..];
        }
        requests.push(Self::read(rest));
        requests
    }

    fn read(input: &[u8]) -> Self {
        let at = find(input, b"\n\n");
        let (head, body) = at.map_or((input, &b""[..]), |at| (&input[..at], &input[at + 2..]));
        let head = filled(String::from_utf8_lossy(head).into_owned());
        let mut lines = head.split('\n');
        let (method, target) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or(("GET", "/"));
        let mut request = Self { method: method.to_owned(), target: target.to_owned(), ..Self::default() };
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match name {
                "stripe" => request.stripe = Some(value.replacen(' ', "\n", 1)),
                _ => request.headers.push((name.to_owned(), value.to_owned())),
            }
        }
        request.body = match String::from_utf8(body.to_vec()) {
            Ok(text) => filled(text).into_bytes(),
            Err(_) => body.to_vec(),
        };
        request
    }

    fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// The head as the shell hands it over, as the request of this number.
    pub(crate) fn head(&self, now: Timestamp, number: u32) -> String {
        let authorization = match (self.header("key"), self.header("Authorization")) {
            ("", authorization) => authorization.to_owned(),
            (word, _) => format!("Bearer {}", key(word).unwrap_or_else(|| word.to_owned())),
        };
        let is_event = self.target.starts_with("/webhooks/stripe");
        let signature = match self.header("Stripe-Signature") {
            _ if !is_event => String::new(),
            "live" => signature(now, &self.body, SECRETS[0]),
            "test" => signature(now, &self.body, SECRETS[1]),
            other => other.to_owned(),
        };
        let content_type = match self.header("Content-Type") {
            "" => "application/json",
            given => given,
        };
        let lines = [
            &self.method,
            &self.target,
            &authorization,
            self.header("Idempotency-Key"),
            content_type,
            self.header("X-Customer-Id"),
            &format!("req_{number}"),
            self.header("X-API-Key"),
            self.header("X-Deployment-ID"),
            self.header("X-Deployment-Secret"),
            &signature,
        ];
        lines.join("\n")
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// Ids for the names in braces.
fn filled(text: String) -> String {
    if !text.contains('{') {
        return text;
    }
    let mut text = text;
    for (name, seq) in [("{credits}", 1), ("{charge}", 2), ("{hold}", 3), ("{settled}", 4)] {
        if text.contains(name) {
            text = text.replace(name, &transaction_id("anna", seq));
        }
    }
    text.replace("{key}", &key("anna").unwrap())
}

/// The header of a body that Stripe signs.
pub(crate) fn signature(now: Timestamp, body: &[u8], secret: &str) -> String {
    let seconds = now.ms() / 1000;
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    let mac = mac.chain_update(seconds.to_string()).chain_update(".").chain_update(body);
    format!("t={seconds},v1={}", to_hex(&mac.finalize().into_bytes()))
}
