//! Completes the document: what holds for every operation is said here once instead of in every endpoint. That is
//! the problems that any operation can answer, those that an endpoint lists under `x-problems`, the headers
//! of every answer, the security schemes, and the bounds of every schema.

use std::collections::BTreeMap;

use super::{examples, headers, marks, shared};
use http_kit::bounds;
use http_kit::problem::{PROBLEM_JSON, ProblemDocument};
use http_kit::problem_codes::ProblemCode;
use serde_json::{Value, json};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::schema::{Schema, SchemaType, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Header, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

/// The extension under which an endpoint lists the codes that are its own. It is not published: the responses name them.
pub const X_PROBLEMS: &str = "x-problems";

/// Completes `document`.
pub fn finish(document: &mut OpenApi) {
    add_components(document);
    for server in document.servers.iter_mut().flatten() {
        server.extensions = Some(ExtensionsBuilder::new().add("x-internal", false).build());
    }
    let mut any_deprecated = false;
    for (path, item) in &mut document.paths.paths {
        for (_, operation) in operations(item) {
            finish_operation(path, operation);
            any_deprecated |= operation.deprecated.is_some();
        }
    }
    if let Some(components) = &mut document.components {
        if !any_deprecated {
            components
                .headers
                .retain(|name, _| !headers::FAREWELL.contains(&name.as_str()));
        }
        for (name, schema) in &mut components.schemas {
            bounds::fill(schema);
            marks::fields_that_fit(name, schema);
        }
    }
    examples::add(document);
    shared::responses(document);
}

/// The operations of a path with their methods.
pub fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn finish_operation(path: &str, operation: &mut Operation) {
    fill_bounds(operation);
    marks::versioned(operation);
    marks::deprecated(operation);
    let signed_in = operation
        .security
        .as_ref()
        .is_some_and(|needs| !needs.is_empty());
    let for_roles = operation
        .security
        .iter()
        .flatten()
        .filter_map(|need| serde_json::to_value(need).ok())
        .any(|need| need.get("staff").is_some() || need.get("operator").is_some());
    let responses = &mut operation.responses.responses;
    for (status, response) in responses.iter_mut() {
        if let RefOr::T(response) = response {
            add_headers(response);
            if status == "201" {
                let place = response.headers.entry("Location".to_owned());
                place.or_insert_with(|| header_ref("Location"));
            }
        }
    }
    let has_query = operation.parameters.iter().flatten().any(|parameter| {
        matches!(parameter, RefOr::T(one) if matches!(one.parameter_in, utoipa::openapi::path::ParameterIn::Query))
    });
    let mut codes = common_codes(path, signed_in, operation.request_body.is_some());
    if has_query {
        codes.extend([ProblemCode::InvalidFields]);
    }
    // What a body or a query names may be another's.
    if signed_in && (has_query || operation.request_body.is_some()) {
        codes.push(ProblemCode::NotFound);
    }
    if for_roles {
        codes.push(ProblemCode::MfaRequired);
    }
    let speaks = responses
        .values()
        .any(|response| matches!(response, RefOr::T(response) if !response.content.is_empty()));
    if speaks {
        codes.push(ProblemCode::NotAcceptable);
    }
    // Consumed: the responses name the codes, and one extension alone keeps the document's text the same each time.
    if let Some(Value::Array(own)) = operation
        .extensions
        .as_mut()
        .and_then(|extra| extra.remove(X_PROBLEMS))
    {
        codes.extend(own.iter().filter_map(Value::as_str).map(|name| {
            ProblemCode::from_name(name).expect("x-problems names codes of the catalogue")
        }));
    }
    let mut by_status: BTreeMap<u16, Vec<ProblemCode>> = BTreeMap::new();
    for code in codes {
        let same = by_status.entry(code.status().as_u16()).or_default();
        if !same.contains(&code) {
            same.push(code);
        }
    }
    for (status, codes) in by_status {
        responses
            .entry(status.to_string())
            .or_insert_with(|| RefOr::T(problem_response(&codes)));
    }
}

/// Fills in the bounds of everything that an operation says itself.
fn fill_bounds(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(Parameter {
            schema: Some(schema),
            ..
        }) = parameter
        {
            bounds::fill(schema);
            never_null(schema);
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        for content in body.content.values_mut() {
            if let RefOr::T(content) = content {
                content.schema.iter_mut().for_each(bounds::fill);
            }
        }
    }
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else {
            continue;
        };
        for header in response.headers.values_mut() {
            if let RefOr::T(header) = header {
                header.schema.iter_mut().for_each(bounds::fill);
            }
        }
    }
}

/// A parameter that may be left out is still never null: a header or a query holds texts.
fn never_null(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && let SchemaType::Array(types) = &mut object.schema_type
    {
        types.retain(|one| *one != Type::Null);
        if let [only] = types.as_slice() {
            object.schema_type = SchemaType::Type(only.clone());
        }
    }
}

/// What any operation of this form can answer.
fn common_codes(path: &str, signed_in: bool, has_body: bool) -> Vec<ProblemCode> {
    use ProblemCode as P;
    let mut codes = vec![
        P::BadRequest,
        P::TooManyRequests,
        P::Internal,
        P::Unavailable,
        P::Overloaded,
        P::TimedOut,
    ];
    if signed_in {
        codes.extend([P::Unauthenticated, P::Forbidden]);
    }
    if path.contains('{') {
        codes.push(P::NotFound);
    }
    if has_body {
        codes.extend([
            P::InvalidJson,
            P::BodyTooLarge,
            P::UnsupportedMediaType,
            P::InvalidFields,
        ]);
    }
    codes
}

fn problem_response(codes: &[ProblemCode]) -> Response {
    let lines: Vec<String> = codes
        .iter()
        .map(|code| format!("`{}`: {}", code.as_str(), code.title_en()))
        .collect();
    let code = codes[0];
    let example = json!({
        "type": code.type_uri("https://circle.example"),
        "title": code.title_en(),
        "status": code.status().as_u16(),
        "detail": code.title_en(),
        "instance": "/api/v1",
        "code": code.as_str(),
        "request_id": "019cadf4-6c80-7000-8000-000000000001",
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name(ProblemDocument::name())))
        .example(Some(example))
        .build();
    let mut response = ResponseBuilder::new()
        .description(lines.join("; "))
        .content(PROBLEM_JSON, content)
        .build();
    add_headers(&mut response);
    if matches!(code.status().as_u16(), 429 | 503) {
        response
            .headers
            .insert("Retry-After".into(), header_ref("Retry-After"));
    }
    response
}

pub(super) fn header_ref(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

fn add_headers(response: &mut Response) {
    for name in [
        "Access-Control-Allow-Origin",
        "RateLimit",
        "RateLimit-Policy",
        "X-Request-Id",
    ] {
        response
            .headers
            .entry(name.to_owned())
            .or_insert_with(|| header_ref(name));
    }
}

fn add_components(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let mut schemas = vec![(
        ProblemDocument::name().into_owned(),
        ProblemDocument::schema(),
    )];
    ProblemDocument::schemas(&mut schemas);
    components.schemas.extend(schemas);
    name_all_codes(components.schemas.get_mut(ProblemDocument::name().as_ref()));
    components.headers.extend(headers::all());
    let bearer = |format: &str, description: &str| {
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format(format)
                .description(Some(description))
                .build(),
        )
    };
    components.add_security_scheme(
        "member",
        bearer("JWT", "The access token of a signed-in member (RFC 9068, verified as RFC8725 asks), ten minutes long."),
    );
    components.add_security_scheme(
        "staff",
        bearer("JWT", "The access token of a member who works at the business (RFC 9068, verified as RFC8725 asks)."),
    );
    components.add_security_scheme(
        "operator",
        bearer("JWT", "The access token of a member who runs the programme (RFC 9068, verified as RFC8725 asks)."),
    );
    components.add_security_scheme(
        "key",
        bearer(
            "integration key",
            "The integration key of a till or CRM, made by the owner of the business.",
        ),
    );
}

/// The catalogue is closed, so the document can say which codes there are.
fn name_all_codes(problem: Option<&mut RefOr<Schema>>) {
    if let Some(RefOr::T(Schema::Object(problem))) = problem
        && let Some(RefOr::T(Schema::Object(code))) = problem.properties.get_mut("code")
    {
        let names = ProblemCode::ALL.iter().map(|code| code.as_str().into());
        code.enum_values = Some(names.collect());
    }
}
