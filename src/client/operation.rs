//! The calls that the engine takes, as the client sends them: one table. A
//! test holds it against the OpenAPI document, so a row cannot name a route or
//! a field that the engine does not have.

/// One call.
#[derive(Debug)]
pub struct Operation {
    /// How the faces name it.
    pub name: &'static str,
    /// The HTTP method. A `POST` carries an idempotency key.
    pub method: &'static str,
    /// The path; `{name}` is a field in it.
    pub path: &'static str,
    /// What it takes, in the order in which it is written.
    pub fields: &'static [Field],
    /// What the fields must satisfy together.
    pub rule: Rule,
}

/// One thing that a call takes.
#[derive(Debug)]
pub struct Field {
    /// Its name on the wire; a dot leads into a nested object.
    pub name: &'static str,
    /// Where it goes.
    pub place: Place,
    /// What it must be.
    pub kind: Kind,
    /// Whether the call is nothing without it.
    pub required: bool,
}

/// Where a field goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into the path, as one segment.
    Path,
    /// Into the query.
    Query,
    /// Into the body.
    Body,
}

/// What a field must be. Amounts and names are judged here, exactly as the
/// engine would; the rest is left to the engine where a mistake costs nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A caller's own id or name.
    Name,
    /// Any text.
    Text,
    /// An exact amount of credits, of either sign.
    Amount,
    /// An exact amount above zero.
    PositiveAmount,
    /// A whole number from zero.
    Count,
    /// `true` or `false`.
    Flag,
    /// JSON as it is, made by the face.
    Json,
}

/// What fields must satisfy together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing more.
    None,
    /// The price is named in exactly one way: an amount, a service with an
    /// action, or a model with tokens.
    OnePrice,
}

const fn field(name: &'static str, place: Place, kind: Kind, required: bool) -> Field {
    Field { name, place, kind, required }
}

const fn path(name: &'static str) -> Field {
    field(name, Place::Path, Kind::Name, true)
}

const fn query(name: &'static str, kind: Kind) -> Field {
    field(name, Place::Query, kind, false)
}

const fn body(name: &'static str, kind: Kind) -> Field {
    field(name, Place::Body, kind, false)
}

const fn must(name: &'static str, kind: Kind) -> Field {
    field(name, Place::Body, kind, true)
}

const fn get(name: &'static str, path: &'static str, fields: &'static [Field]) -> Operation {
    Operation { name, method: "GET", path, fields, rule: Rule::None }
}

const fn post(name: &'static str, path: &'static str, fields: &'static [Field]) -> Operation {
    Operation { name, method: "POST", path, fields, rule: Rule::None }
}

const CUSTOMER: Field = path("customer_id");
/// Whom a project key asks for, on routes where a customer key speaks for itself.
const HOLDER: Field = query("customer_id", Kind::Name);
const PERIOD: Field = query("period", Kind::Text);
const TRANSACTION: Field = path("transaction_id");

/// All calls.
pub static OPERATIONS: &[Operation] = &[
    Operation {
        name: "consume",
        method: "POST",
        path: "/v1/customers/{customer_id}/consume",
        fields: &[
            CUSTOMER,
            body("amount", Kind::PositiveAmount),
            body("service", Kind::Name),
            body("action", Kind::Name),
            body("quantity", Kind::Count),
            body("model", Kind::Name),
            body("tokens.input_tokens", Kind::Count),
            body("tokens.output_tokens", Kind::Count),
            body("tokens.cached_input_tokens", Kind::Count),
            body("description", Kind::Text),
            body("metadata", Kind::Json),
            body("feature", Kind::Name),
            body("deadline", Kind::Text),
        ],
        rule: Rule::OnePrice,
    },
    get(
        "balance",
        "/v1/customers/{customer_id}/balance",
        &[CUSTOMER, query("include", Kind::Text), query("consistency", Kind::Text)],
    ),
    post(
        "add",
        "/v1/customers/{customer_id}/credits",
        &[
            CUSTOMER,
            must("amount", Kind::Amount),
            must("type", Kind::Text),
            body("description", Kind::Text),
            body("metadata", Kind::Json),
            body("source", Kind::Text),
            body("product", Kind::Name),
            body("priority", Kind::Count),
            body("effective_at", Kind::Text),
            body("expires_at", Kind::Text),
            body("refund_of", Kind::Name),
        ],
    ),
    get(
        "transactions",
        "/v1/customers/{customer_id}/transactions",
        &[
            CUSTOMER,
            query("limit", Kind::Count),
            query("offset", Kind::Count),
            query("cursor", Kind::Text),
            query("type", Kind::Text),
            query("from", Kind::Text),
            query("to", Kind::Text),
        ],
    ),
    get("transaction", "/v1/transactions/{transaction_id}", &[TRANSACTION]),
    post(
        "usage-start",
        "/v1/usage-transactions",
        &[
            must("user_id", Kind::Name),
            body("model", Kind::Name),
            body("provisional_tokens.input_tokens", Kind::Count),
            body("provisional_tokens.output_tokens", Kind::Count),
            body("provisional_tokens.cached_input_tokens", Kind::Count),
            body("amount", Kind::PositiveAmount),
            body("feature_identifier", Kind::Name),
            body("expires_in", Kind::Count),
        ],
    ),
    post(
        "usage-complete",
        "/v1/usage-transactions/{transaction_id}/complete",
        &[
            TRANSACTION,
            must("success", Kind::Flag),
            body("finalized_tokens.input_tokens", Kind::Count),
            body("finalized_tokens.output_tokens", Kind::Count),
            body("finalized_tokens.cached_input_tokens", Kind::Count),
            body("amount", Kind::Amount),
        ],
    ),
    post(
        "usage-extend",
        "/v1/usage-transactions/{transaction_id}/extend",
        &[TRANSACTION, must("expires_in", Kind::Count)],
    ),
    get("usage", "/v1/usage-transactions/{transaction_id}", &[TRANSACTION]),
    post(
        "create-customer",
        "/v1/customers",
        &[must("id", Kind::Name), body("tier_id", Kind::Name), body("metadata", Kind::Json)],
    ),
    get("customer", "/v1/customers/{customer_id}", &[CUSTOMER]),
    get(
        "customers",
        "/v1/customers",
        &[query("limit", Kind::Count), query("offset", Kind::Count), query("cursor", Kind::Text)],
    ),
    Operation {
        name: "delete-customer",
        method: "DELETE",
        path: "/v1/customers/{customer_id}",
        fields: &[CUSTOMER],
        rule: Rule::None,
    },
    post(
        "change-tier",
        "/v1/customers/{customer_id}/tier",
        &[CUSTOMER, must("tier_id", Kind::Name), body("reset_balance", Kind::Flag)],
    ),
    get("predev-balance", "/credits-balance", &[HOLDER]),
    get("openrouter-credits", "/api/v1/credits", &[HOLDER]),
    get("hiveforge-balance", "/api/v1/entitlements/credits", &[]),
    get(
        "hiveforge-usage",
        "/api/v1/entitlements/credits/usage",
        &[query("startDate", Kind::Text), query("endDate", Kind::Text)],
    ),
    get("hiveforge-packs", "/api/v1/entitlements/credits/packs", &[]),
    get("hiveforge-costs", "/api/v1/entitlements/credits/costs", &[]),
    Operation {
        name: "hiveforge-settings",
        method: "PATCH",
        path: "/api/v1/entitlements/credits/settings",
        fields: &[body("overageMode", Kind::Text), body("aiProviderPriority", Kind::Text)],
        rule: Rule::None,
    },
    get("costs", "/v1/costs", &[]),
    get("models", "/v1/models", &[]),
    get("packs", "/v1/packs", &[]),
    get(
        "analytics-usage",
        "/v1/analytics/usage",
        &[
            PERIOD,
            query("from", Kind::Text),
            query("to", Kind::Text),
            query("group_by", Kind::Text),
            query("customer_id", Kind::Name),
        ],
    ),
    get("top-consumers", "/v1/analytics/top-consumers", &[PERIOD, query("limit", Kind::Count)]),
    get("analytics-actions", "/v1/analytics/actions", &[PERIOD]),
    get("burn-rate", "/v1/analytics/burn-rate", &[query("days", Kind::Count)]),
    get("analytics-summary", "/v1/analytics/summary", &[PERIOD]),
    post(
        "create-topup-session",
        "/v1/topup-sessions",
        &[
            must("customer_id", Kind::Name),
            must("success_url", Kind::Text),
            must("cancel_url", Kind::Text),
            body("pack_id", Kind::Name),
        ],
    ),
];

/// Finds a call by its name.
pub fn find(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::Value;

    use super::*;

    const OPENAPI: &str = include_str!("../api/openapi.json");

    fn resolve<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
        match node.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                resolve(document, document.pointer(reference.trim_start_matches('#')).unwrap())
            }
            None => node,
        }
    }

    /// The property of a schema, wherever its parts keep it.
    fn property<'a>(document: &'a Value, schema: &'a Value, name: &str) -> Option<&'a Value> {
        let schema = resolve(document, schema);
        let own = schema.get("properties").and_then(|all| all.get(name));
        let parts = ["allOf", "oneOf", "anyOf"].into_iter().filter_map(|word| schema.get(word));
        let mut parts = parts.filter_map(Value::as_array).flatten();
        own.or_else(|| parts.find_map(|part| property(document, part, name)))
    }

    #[test]
    fn every_call_and_field_is_in_the_openapi_document() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        for operation in OPERATIONS {
            let what = format!("{} {}", operation.method, operation.path);
            let item = &document["paths"][operation.path];
            let documented = &item[operation.method.to_lowercase()];
            assert!(documented.is_object(), "{what} is not documented");
            let parameters: Vec<(String, String)> = [&item["parameters"], &documented["parameters"]]
                .into_iter()
                .filter_map(Value::as_array)
                .flatten()
                .map(|parameter| resolve(&document, parameter))
                .map(|parameter| (parameter["in"].to_string(), parameter["name"].to_string()))
                .collect();
            let body = resolve(&document, &documented["requestBody"]);
            let schema = &body["content"]["application/json"]["schema"];
            for field in operation.fields {
                let place = match field.place {
                    Place::Path => "\"path\"",
                    Place::Query => "\"query\"",
                    Place::Body => {
                        let mut schema = schema;
                        for part in field.name.split('.') {
                            let inner = property(&document, schema, part);
                            schema = inner.unwrap_or_else(|| panic!("{what} takes no {}", field.name));
                        }
                        continue;
                    }
                };
                let parameter = (place.to_owned(), format!("\"{}\"", field.name));
                assert!(parameters.contains(&parameter), "{what} has no {parameter:?}");
            }
        }
    }

    #[test]
    fn names_are_unique_and_paths_have_their_fields() {
        let names: HashSet<_> = OPERATIONS.iter().map(|operation| operation.name).collect();
        assert_eq!(names.len(), OPERATIONS.len());
        for operation in OPERATIONS {
            let in_path = operation.fields.iter().filter(|field| field.place == Place::Path);
            assert_eq!(in_path.clone().count(), operation.path.matches('{').count(), "{}", operation.name);
            for field in in_path {
                assert!(operation.path.contains(&format!("{{{}}}", field.name)), "{}", operation.name);
            }
        }
    }
}
