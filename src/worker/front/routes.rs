//! The routes: one table, which also answers 404 and 405, and which a test
//! holds against the OpenAPI document.

use std::cmp::Ordering;

use crate::worker::keys::Scopes;

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is one row below
pub enum Operation {
    Healthz,
    OpenApi,
    CreateProject,
    ListProjects,
    CreateKey,
    ListKeys,
    RevokeKey,
    RotateKey,
    CreateCustomer,
    ListCustomers,
    AnalyzeUsage,
    TopConsumers,
    AnalyzeActions,
    BurnRate,
    Summarize,
    GetCustomer,
    UpdateCustomer,
    DeleteCustomer,
    ChangeTier,
    GetCustomerSettings,
    PatchCustomerSettings,
    Balance,
    Check,
    Consume,
    ConsumeBatch,
    AddCredits,
    ListTransactions,
    Audit,
    Export,
    Import,
    GetTransaction,
    ListEvents,
    GetEvent,
    StartUsage,
    GetUsage,
    ExtendUsage,
    CompleteUsage,
    GetGateRules,
    PutGateRules,
    GetCosts,
    PutCosts,
    GetModels,
    PutModels,
    GetTiers,
    PutTiers,
    GetPacks,
    PutPacks,
    GetSettings,
    PatchSettings,
    CreateTopupSession,
    StripeWebhook,
    Gate,
    PredevBalance,
    OpenRouterCredits,
    HiveForgeBalance,
    HiveForgeUsage,
    HiveForgePacks,
    HiveForgeCosts,
    HiveForgeSettings,
}

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody.
    Public,
    /// The operator.
    Operator,
    /// A project key with this scope.
    Project(Scopes),
    /// A project key with this scope, or a customer key for its own customer.
    Customer(Scopes),
    /// A project key with the one scope, or a customer key with the other for
    /// its own customer.
    Either {
        /// Of the project key.
        project: Scopes,
        /// Of the customer key.
        own: Scopes,
    },
}

/// One row: a method, a path whose `{}` segments are parameters, what it does
/// and who may.
#[derive(Debug)]
pub struct Route {
    /// The HTTP method; `*` takes any.
    pub method: &'static str,
    /// The path by its segments; a last `**` takes any rest, of one segment at
    /// least.
    pub path: &'static [&'static str],
    /// What it does.
    pub operation: Operation,
    /// Who may.
    pub access: Access,
}

const fn route(
    method: &'static str,
    path: &'static [&'static str],
    operation: Operation,
    access: Access,
) -> Route {
    Route { method, path, operation, access }
}

const READ: Access = Access::Project(Scopes::READ);
const WRITE: Access = Access::Project(Scopes::WRITE);
const ADMIN: Access = Access::Project(Scopes::ADMIN);
const OWN_READ: Access = Access::Customer(Scopes::READ);
const OWN_CONSUME: Access = Access::Customer(Scopes::CONSUME);
const OWN_SETTINGS: Access = Access::Either { project: Scopes::ADMIN, own: Scopes::CONSUME };

/// All routes, the busiest first.
pub static ROUTES: &[Route] = &[
    route("POST", &["v1", "customers", "{}", "consume"], Operation::Consume, OWN_CONSUME),
    route("GET", &["v1", "customers", "{}", "balance"], Operation::Balance, OWN_READ),
    route("*", &["gate", "**"], Operation::Gate, OWN_CONSUME),
    route("GET", &["healthz"], Operation::Healthz, Access::Public),
    route("POST", &["v1", "customers", "{}", "check"], Operation::Check, OWN_CONSUME),
    route("POST", &["v1", "customers", "{}", "consume-batch"], Operation::ConsumeBatch, OWN_CONSUME),
    route("POST", &["v1", "customers", "{}", "credits"], Operation::AddCredits, WRITE),
    route("POST", &["v1", "usage-transactions"], Operation::StartUsage, OWN_CONSUME),
    route("GET", &["v1", "usage-transactions", "{}"], Operation::GetUsage, OWN_READ),
    route("POST", &["v1", "usage-transactions", "{}", "complete"], Operation::CompleteUsage, OWN_CONSUME),
    route("POST", &["v1", "usage-transactions", "{}", "extend"], Operation::ExtendUsage, OWN_CONSUME),
    route("GET", &["v1", "customers", "{}", "transactions"], Operation::ListTransactions, READ),
    route("GET", &["v1", "customers", "{}", "audit"], Operation::Audit, READ),
    route("GET", &["v1", "customers", "{}", "export"], Operation::Export, READ),
    route("GET", &["v1", "transactions", "{}"], Operation::GetTransaction, READ),
    route("GET", &["v1", "events"], Operation::ListEvents, READ),
    route("GET", &["v1", "events", "{}"], Operation::GetEvent, READ),
    route("GET", &["v1", "customers"], Operation::ListCustomers, READ),
    route("POST", &["v1", "customers"], Operation::CreateCustomer, WRITE),
    route("POST", &["v1", "import"], Operation::Import, WRITE),
    route("GET", &["v1", "customers", "{}"], Operation::GetCustomer, READ),
    route("PATCH", &["v1", "customers", "{}"], Operation::UpdateCustomer, WRITE),
    route("DELETE", &["v1", "customers", "{}"], Operation::DeleteCustomer, WRITE),
    route("POST", &["v1", "customers", "{}", "tier"], Operation::ChangeTier, WRITE),
    route("GET", &["v1", "customers", "{}", "settings"], Operation::GetCustomerSettings, READ),
    route("PATCH", &["v1", "customers", "{}", "settings"], Operation::PatchCustomerSettings, ADMIN),
    route("GET", &["v1", "analytics", "usage"], Operation::AnalyzeUsage, READ),
    route("GET", &["v1", "analytics", "top-consumers"], Operation::TopConsumers, READ),
    route("GET", &["v1", "analytics", "actions"], Operation::AnalyzeActions, READ),
    route("GET", &["v1", "analytics", "burn-rate"], Operation::BurnRate, READ),
    route("GET", &["v1", "analytics", "summary"], Operation::Summarize, READ),
    route("GET", &["v1", "keys"], Operation::ListKeys, ADMIN),
    route("POST", &["v1", "keys"], Operation::CreateKey, ADMIN),
    route("DELETE", &["v1", "keys", "{}"], Operation::RevokeKey, ADMIN),
    route("POST", &["v1", "keys", "{}", "rotate"], Operation::RotateKey, ADMIN),
    route("GET", &["v1", "gate-rules"], Operation::GetGateRules, READ),
    route("PUT", &["v1", "gate-rules"], Operation::PutGateRules, ADMIN),
    route("GET", &["v1", "costs"], Operation::GetCosts, READ),
    route("PUT", &["v1", "costs"], Operation::PutCosts, ADMIN),
    route("GET", &["v1", "models"], Operation::GetModels, READ),
    route("PUT", &["v1", "models"], Operation::PutModels, ADMIN),
    route("GET", &["v1", "tiers"], Operation::GetTiers, READ),
    route("PUT", &["v1", "tiers"], Operation::PutTiers, ADMIN),
    route("GET", &["v1", "packs"], Operation::GetPacks, READ),
    route("PUT", &["v1", "packs"], Operation::PutPacks, ADMIN),
    route("GET", &["v1", "settings"], Operation::GetSettings, READ),
    route("PATCH", &["v1", "settings"], Operation::PatchSettings, ADMIN),
    route("GET", &["v1", "projects"], Operation::ListProjects, Access::Operator),
    route("POST", &["v1", "projects"], Operation::CreateProject, Access::Operator),
    route("GET", &["credits-balance"], Operation::PredevBalance, OWN_READ),
    route("GET", &["api", "v1", "credits"], Operation::OpenRouterCredits, OWN_READ),
    route("GET", &["api", "v1", "entitlements", "credits"], Operation::HiveForgeBalance, OWN_READ),
    route("GET", &["api", "v1", "entitlements", "credits", "usage"], Operation::HiveForgeUsage, OWN_READ),
    route("GET", &["api", "v1", "entitlements", "credits", "packs"], Operation::HiveForgePacks, OWN_READ),
    route("GET", &["api", "v1", "entitlements", "credits", "costs"], Operation::HiveForgeCosts, OWN_READ),
    route(
        "PATCH",
        &["api", "v1", "entitlements", "credits", "settings"],
        Operation::HiveForgeSettings,
        OWN_SETTINGS,
    ),
    route("POST", &["v1", "topup-sessions"], Operation::CreateTopupSession, WRITE),
    route("POST", &["webhooks", "stripe"], Operation::StripeWebhook, Access::Public),
    route("GET", &["openapi.json"], Operation::OpenApi, Access::Public),
];

/// What came of looking a request up.
#[derive(Debug)]
pub enum Found {
    /// A route; `HEAD` finds the route of `GET`.
    Route(&'static Route),
    /// The path is known, with these methods only.
    OtherMethods(Vec<&'static str>),
    /// Nothing is here.
    Nothing,
}

/// Finds the route of a method and a path's segments.
pub fn find(method: &str, segments: &[&str]) -> Found {
    let method = if method == "HEAD" { "GET" } else { method };
    let mut others = Vec::new();
    for route in ROUTES.iter().filter(|route| matches(route.path, segments)) {
        if route.method == "*" || route.method == method {
            return Found::Route(route);
        }
        others.push(route.method);
    }
    if others.is_empty() { Found::Nothing } else { Found::OtherMethods(others) }
}

fn matches(path: &[&str], segments: &[&str]) -> bool {
    let has_length = match path.len().cmp(&segments.len()) {
        Ordering::Equal => true,
        Ordering::Less => path.last() == Some(&"**"),
        Ordering::Greater => false,
    };
    let fits = |(pattern, segment): (&&str, &&str)| {
        matches!(pattern.as_bytes().first(), Some(b'{' | b'*')) || pattern == segment
    };
    // From the end, where paths differ soonest.
    has_length && path.iter().zip(segments).rev().all(fits)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::worker::front::compat::Vendor;
    use crate::worker::front::path::MOST_SEGMENTS;

    /// A method, a path with `{}` for parameters, and who may: of each kind of
    /// key its name and scopes.
    type Row = (String, String, Vec<(String, Vec<String>)>);

    fn words(scopes: &serde_json::Value) -> Vec<String> {
        let scopes = scopes.as_array().unwrap().iter();
        scopes.map(|scope| scope.as_str().unwrap().to_owned()).collect()
    }

    fn documented() -> BTreeSet<Row> {
        let document: serde_json::Value =
            serde_json::from_str(include_str!("../../api/openapi.json")).unwrap();
        let mut rows = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let segment = |text: &str| match text.starts_with('{') {
                true => "{}".to_owned(),
                false => text.to_owned(),
            };
            let path: Vec<_> = path.split('/').map(segment).collect();
            for (method, operation) in item.as_object().unwrap() {
                let keys = operation["security"].as_array().unwrap();
                let keys = keys.iter().flat_map(|key| key.as_object().unwrap());
                let keys = keys.map(|(kind, scopes)| (kind.clone(), words(scopes)));
                rows.insert((method.to_uppercase(), path.join("/"), keys.collect()));
            }
        }
        rows
    }

    fn routed() -> BTreeSet<Row> {
        let mut rows = BTreeSet::new();
        for route in ROUTES {
            let path: Vec<_> = route.path.iter().map(|part| part.replace("**", "{}")).collect();
            let key = |kind: &str, scopes: Scopes| {
                let words = scopes.words().into_iter().map(str::to_owned);
                (kind.to_owned(), words.collect())
            };
            let keys = match route.access {
                Access::Public => vec![],
                Access::Operator => vec![key("operator_token", Scopes::default())],
                Access::Project(scope) => vec![key("project_key", scope)],
                Access::Customer(scope) => {
                    vec![key("project_key", scope), key("customer_key", scope)]
                }
                Access::Either { project, own } => {
                    vec![key("project_key", project), key("customer_key", own)]
                }
            };
            let own_headers: &[&str] = match Vendor::of(route.path) {
                Some(Vendor::Predev) => &["api_key_header"],
                Some(Vendor::HiveForge) => &["deployment_id", "deployment_secret"],
                Some(Vendor::OpenRouter) | None => &[],
            };
            let own_headers = own_headers.iter().map(|name| key(name, Scopes::default()));
            let keys: Vec<_> = keys.into_iter().chain(own_headers).collect();
            // OpenAPI has no word for any method: the usual ones stand for all.
            let methods: &[&str] = match route.method {
                "*" => &["GET", "POST", "PUT", "PATCH", "DELETE"],
                ref method => std::slice::from_ref(method),
            };
            for method in methods {
                let path = format!("/{}", path.join("/"));
                rows.insert(((*method).to_owned(), path, keys.clone()));
            }
        }
        rows
    }

    #[test]
    fn the_openapi_document_has_every_route_and_its_keys_and_no_other() {
        let (documented, routed) = (documented(), routed());
        let only = |left: &BTreeSet<Row>, right| left.difference(right).cloned().collect();
        let missing: Vec<Row> = only(&routed, &documented);
        let invented: Vec<Row> = only(&documented, &routed);
        assert!(missing.is_empty(), "not in the document: {missing:?}");
        assert!(invented.is_empty(), "not in the Worker: {invented:?}");
    }

    #[test]
    fn a_path_finds_its_route_or_its_methods_or_nothing() {
        let operation = |method, path: &[&str]| match find(method, path) {
            Found::Route(route) => Some(route.operation),
            _ => None,
        };
        assert_eq!(operation("POST", &["v1", "customers", "a", "consume"]), Some(Operation::Consume));
        assert_eq!(operation("HEAD", &["healthz"]), Some(Operation::Healthz));
        assert_eq!(operation("PURGE", &["gate", "a", "b"]), Some(Operation::Gate));
        assert!(
            matches!(find("PUT", &["v1", "customers"]), Found::OtherMethods(methods) if methods == ["GET", "POST"])
        );
        assert!(matches!(find("GET", &["v1"]), Found::Nothing));
        assert!(matches!(find("GET", &["gate"]), Found::Nothing));
        assert!(ROUTES.iter().all(|route| route.path.len() < MOST_SEGMENTS));
        assert!(matches!(find("GET", &["v1", "customers", "a", "b", "c"]), Found::Nothing));
    }
}
