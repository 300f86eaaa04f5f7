//! The one table of the interface: each operation with who may call it. Router, document, `docs/rights.md` and the test
//! that walks every role are made from it. An operation cannot be added without its rights, and nothing is routed that
//! is not added here.

use std::time::Duration;

use axum::Router;
use axum::handler::Handler as _;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;
use http_kit::layers::{Gate, TimeLimit, identify};
use http_kit::{HttpKit, Problem, ProblemCode, Rights};
use serde_json::json;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Paths};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{RefOr, Schema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use crate::openapi::finish::operations;

/// The extension under which the document says who may call.
pub const X_RIGHTS: &str = "x-rights";

type Schemas = Vec<(String, RefOr<Schema>)>;

/// An operation and who may call it.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `GET`, `POST` and so on.
    pub method: &'static str,
    /// The address with its parameters in braces.
    pub path: String,
    /// What it is for, in a few words; empty for a page.
    pub summary: String,
    /// Whether it stands in the OpenAPI document; pages don't.
    pub documented: bool,
    /// Who may call.
    pub rights: Rights,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
}

struct Row {
    entry: Entry,
    document: Option<(Schemas, Paths)>,
    methods: MethodRouter<HttpKit>,
}

impl Table {
    /// An empty table.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds one operation, made with `routes!`.
    ///
    /// # Panics
    /// If it is not one operation.
    pub(crate) fn add(mut self, rights: Rights, operation: UtoipaMethodRouter<HttpKit>) -> Self {
        let (schemas, mut paths, methods) = operation;
        let mut found = Vec::new();
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                describe(operation, &rights);
                found.push(Entry {
                    method,
                    path: path.clone(),
                    summary: operation.summary.clone().unwrap_or_default(),
                    documented: true,
                    rights,
                });
            }
        }
        let entry = found.pop().filter(|_| found.is_empty());
        self.rows.push(Row {
            entry: entry.expect("an entry of the table is one operation"),
            document: Some((schemas, paths)),
            methods,
        });
        self
    }

    /// This table and, after it, another.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.rows.extend(other.rows);
        self
    }

    /// Adds a page that anybody may read and that is not in the document.
    pub(crate) fn page(mut self, path: &'static str, methods: MethodRouter<HttpKit>) -> Self {
        self.rows.push(Row {
            entry: Entry {
                method: "GET",
                path: path.to_owned(),
                summary: String::new(),
                documented: false,
                rights: Rights::ANYONE,
            },
            document: None,
            methods,
        });
        self
    }

    /// The entries, their addresses below `prefix`.
    pub(crate) fn entries(&self, prefix: &str) -> Vec<Entry> {
        let below = |row: &Row| Entry {
            path: format!("{prefix}{}", row.entry.path),
            ..row.entry.clone()
        };
        self.rows.iter().map(below).collect()
    }

    /// The operations, each behind its gate and with this time to answer.
    pub(crate) fn gated(self, kit: &HttpKit, limit: Duration) -> Router<HttpKit> {
        self.rows.into_iter().fold(Router::new(), |router, row| {
            let gate = from_fn_with_state(Gate::new(kit, row.entry.rights), identify);
            let methods = row.methods.route_layer(TimeLimit::new(limit));
            router.route(&row.entry.path, methods.route_layer(gate))
        })
    }

    /// The operations without gates.
    ///
    /// # Panics
    /// If not everybody may call all of them.
    pub(crate) fn open(self) -> Router<HttpKit> {
        self.rows.into_iter().fold(Router::new(), |router, row| {
            let Entry { path, rights, .. } = &row.entry;
            assert!(rights.is_public(), "{path} is not for everybody");
            router.route(path, row.methods)
        })
    }

    /// The description of the operations.
    pub(crate) fn documented(self) -> OpenApiRouter<HttpKit> {
        let rows = self.rows.into_iter();
        let described = rows.filter_map(|row| Some((row.document?, row.methods)));
        described.fold(OpenApiRouter::new(), |all, ((schemas, paths), methods)| {
            all.routes((schemas, paths, methods))
        })
    }
}

/// What is answered below a prefix beside the operations: nothing that is there, and no other method. It counts towards
/// the caller's limit.
pub(crate) fn with_fallbacks(router: Router<HttpKit>, kit: &HttpKit) -> Router<HttpKit> {
    let gate = || from_fn_with_state(Gate::new(kit, Rights::ANYONE), identify);
    router
        .method_not_allowed_fallback(not_allowed.layer(gate()))
        .fallback(unknown.layer(gate()))
}

/// There is no such address.
pub(crate) async fn unknown() -> Problem {
    Problem::not_found()
}

async fn not_allowed() -> Problem {
    Problem::new(ProblemCode::MethodNotAllowed)
}

/// Writes into the operation who may call it.
fn describe(operation: &mut Operation, rights: &Rights) {
    let scheme = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    let named = [
        ("member", rights.has_members()),
        ("staff", rights.staff_roles().next().is_some()),
        ("operator", rights.operator_roles().next().is_some()),
        ("key", rights.scope().is_some()),
    ];
    let named = named.into_iter().filter(|(_, may)| *may);
    operation.security = Some(named.map(|(name, _)| scheme(name)).collect());
    let extensions = operation.extensions.get_or_insert_with(Extensions::default);
    extensions.insert(
        X_RIGHTS.to_owned(),
        json!({
            "roles": roles(rights),
            "scopes": rights.scope().into_iter().collect::<Vec<_>>(),
            "tenant": rights.tenant().as_str(),
            "step_up": rights.wants_step_up(),
        }),
    );
    if rights.wants_step_up() {
        let codes = extensions
            .entry(crate::openapi::finish::X_PROBLEMS.to_owned())
            .or_insert_with(|| json!([]));
        if let Some(codes) = codes.as_array_mut() {
            codes.push(json!(ProblemCode::StepUpRequired.as_str()));
        }
    }
}

/// The names of the roles that may call.
pub(crate) fn roles(rights: &Rights) -> Vec<&'static str> {
    let anyone = rights.is_public().then_some("anyone");
    let member = rights.has_members().then_some("member");
    let staff = rights.staff_roles().map(|role| role.as_str());
    let operators = rights.operator_roles().map(|role| role.as_str());
    let people = anyone.into_iter().chain(member);
    people.chain(staff).chain(operators).collect()
}
