//! The headers of answers, described once: operations refer to them.

use serde_json::Value;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{Header, KnownFormat, RefOr, SchemaFormat};

/// Name, what it tells, its form, an example.
const TEXTS: [(&str, &str, &str, &str); 9] = [
    (
        "Access-Control-Allow-Origin",
        "The one origin whose pages may read the answer: the service's own.",
        "^(https?://[^/]+|null)$",
        "https://circle.example",
    ),
    (
        "RateLimit",
        "How many requests are left (r) and in how many seconds the quota is whole again (t).",
        "^\"[a-z_]+\";r=[0-9]+;t=[0-9]+$",
        "\"default\";r=199;t=1",
    ),
    (
        "RateLimit-Policy",
        "The quota (q) and its window in seconds (w).",
        "^\"[a-z_]+\";q=[0-9]+;w=[0-9]+$",
        "\"default\";q=200;w=2",
    ),
    (
        "X-Request-Id",
        "The name of this request: yours, if you sent a sane one.",
        "^[A-Za-z0-9._-]+$",
        "019cadf4-6c80-7000-8000-000000000001",
    ),
    (
        "Location",
        "Where what was made is found.",
        "^/[!-~]*$",
        "/api/v1/transactions/019cadf4-6c80-7000-8000-000000000001",
    ),
    (
        "ETag",
        "The version, for `If-Match` of a change and `If-None-Match` of the next read.",
        "^\"v[0-9]+\"$",
        "\"v3\"",
    ),
    (
        "Deprecation",
        "Since when the operation should not be used any more (RFC 9745), in seconds since 1970.",
        "^@[0-9]+$",
        "@1798761600",
    ),
    (
        "Sunset",
        "When the operation ends (RFC 8594).",
        "^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT$",
        "Sat, 01 Jan 2028 00:00:00 GMT",
    ),
    (
        "Link",
        "Where to read what takes the operation's place.",
        "^<[!-~]+>; rel=\"[a-z]+\"(, <[!-~]+>; rel=\"[a-z]+\")*$",
        "</docs>; rel=\"deprecation\"",
    ),
];

/// Those that stand only on deprecated operations: left out of a document that has none.
pub(super) const FAREWELL: [&str; 3] = ["Deprecation", "Sunset", "Link"];

/// All of them, by name.
pub(super) fn all() -> impl Iterator<Item = (String, RefOr<Header>)> {
    let texts = TEXTS.iter().map(|(name, description, pattern, example)| {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(200))
            .pattern(Some(*pattern));
        let example = Value::from(*example);
        (*name, header(schema.build().into(), description, example))
    });
    let seconds = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .minimum(Some(0))
        .maximum(Some(86_400));
    let wait = header(
        seconds.build().into(),
        "Seconds to wait before trying again.",
        1.into(),
    );
    texts
        .chain([("Retry-After", wait)])
        .map(|(name, header)| (name.to_owned(), RefOr::T(header)))
}

fn header(schema: Schema, description: &str, example: Value) -> Header {
    HeaderBuilder::new()
        .schema(Some(schema))
        .description(Some(description))
        .example(Some(example))
        .build()
}
