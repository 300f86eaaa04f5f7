//! How values of the domain look in JSON: schema types to be named with `#[schema(value_type = …)]`, and the reading of
//! what a schema alone cannot check.

use std::borrow::Cow;

use domain::phone::Phone;
use domain::{people, rights};
use http_kit::problem::{FieldError, Problem};
use services::context::Context;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

/// A schema type for an enum of the domain whose values have one stable name each.
macro_rules! named {
    ($($(#[$doc:meta])* $name:ident = $of:ty;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .enum_values(Some(<$of>::ALL.iter().map(|value| value.as_str())))
                    .into()
            }
        }

        impl ToSchema for $name {}
    )*};
}

named! {
    /// A person's role at a business.
    StaffRole = rights::StaffRole;
    /// What an integration key may do.
    Scope = rights::Scope;
    /// A language.
    Locale = people::Locale;
    /// Who delivers push messages.
    PushProvider = people::PushProvider;
    /// What is agreed to.
    ConsentKind = domain::consents::ConsentKind;
    /// What messages are about.
    Topic = domain::preferences::Topic;
    /// A way to a person.
    NotificationChannel = domain::preferences::NotificationChannel;
    /// How a member stands to the programme.
    MemberStatus = people::MemberStatus;
    /// The state of a business.
    BusinessStatus = people::BusinessStatus;
    /// The form of a file of purchases.
    ImportFormat = services::imports::ImportFormat;
    /// How far an import is.
    ImportState = services::imports::ImportState;
    /// What is known to be done and written down.
    AuditAction = domain::audit::Action;
    /// What something is done to.
    AuditObjectKind = domain::audit::ObjectKind;
    /// Who does something.
    AuditActorKind = domain::audit::ActorKind;
    /// What can be wrong with the audit log.
    LogCheck = services::audit_log::LogCheck;
    /// Why a row of a file was not posted.
    RowCode = services::imports::row::RowCode;
}

/// A schema type for amounts of money in kopecks and points in hundredths that are not negative.
#[derive(Debug)]
pub enum Hundredths {}

impl PartialSchema for Hundredths {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .minimum(Some(0))
            .maximum(Some(MAX_HUNDREDTHS))
            .description(Some("Money or points in hundredths"))
            .into()
    }
}

impl ToSchema for Hundredths {}

/// The largest amount of one purchase, in hundredths: ten billion.
pub const MAX_HUNDREDTHS: i64 = 1_000_000_000_000;

/// The form of a phone as a request may have it.
pub const PHONE_PATTERN: &str = r"^\+?[0-9][0-9 ().-]{4,38}$";

/// Reads a phone; one without a calling code is of the programme's country.
///
/// # Errors
/// `invalid_fields` at `pointer`, without the number.
pub fn phone(ctx: &Context, text: &str, pointer: &'static str) -> Result<Phone, Problem> {
    Phone::parse(text, ctx.config().default_region)
        .map_err(|error| field(pointer, "bad_format", error.to_string()))
}

/// One wrong field that only the handler could find.
#[must_use]
pub fn field(pointer: &'static str, code: &'static str, detail: String) -> Problem {
    Problem::invalid_fields(vec![FieldError {
        pointer: pointer.to_owned(),
        code: Cow::Borrowed(code),
        detail,
    }])
}

/// A field that is needed here, which no schema can say.
#[must_use]
pub fn missing(pointer: &'static str) -> Problem {
    field(
        pointer,
        "missing_field",
        "this field is required".to_owned(),
    )
}

/// A field that does not go with the others.
#[must_use]
pub fn superfluous(pointer: &'static str) -> Problem {
    let detail = "does not go with the other fields".to_owned();
    field(pointer, "unknown_field", detail)
}

/// An address of ours as the value of a header.
///
/// # Panics
/// If it holds what no header may.
#[must_use]
pub fn header_value(address: &str) -> http::HeaderValue {
    http::HeaderValue::from_str(address).expect("our own addresses are plain ASCII")
}

/// Wrong fields that a use case found, as (pointer, what is allowed).
#[must_use]
pub fn faults(found: &[(&'static str, &'static str)]) -> Problem {
    let errors = found.iter().map(|(pointer, allowed)| FieldError {
        pointer: (*pointer).to_owned(),
        code: Cow::Borrowed("invalid_value"),
        detail: format!("must be {allowed}"),
    });
    Problem::invalid_fields(errors.collect())
}

/// For a field of a PATCH that may be left out (unchanged), null (emptied) or given:
/// `#[serde(default, deserialize_with = "wire::present")] field: Option<Option<T>>`.
///
/// # Errors
/// Those of `T`.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

/// Bytes as small hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('0');
    let pairs = bytes
        .iter()
        .map(|byte| [digit(byte >> 4), digit(byte & 15)]);
    pairs.flatten().collect()
}
