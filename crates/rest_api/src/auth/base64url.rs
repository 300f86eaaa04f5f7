//! Bytes as WebAuthn writes them in JSON: base64url without padding.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, schema};
use utoipa::{PartialSchema, ToSchema};

/// See the module. At most `MAX` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base64Url<const MAX: usize>(pub Vec<u8>);

impl<const MAX: usize> Serialize for Base64Url<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(&self.0))
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Base64Url<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = URL_SAFE_NO_PAD.decode(text);
        bytes
            .map(Self)
            .map_err(|_| serde::de::Error::custom("must be base64url without padding"))
    }
}

impl<const MAX: usize> PartialSchema for Base64Url<MAX> {
    fn schema() -> RefOr<Schema> {
        let object: schema::Object = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(MAX.div_ceil(3) * 4))
            .pattern(Some("^[A-Za-z0-9_-]+$"))
            .description(Some("Bytes in base64url without padding"))
            .examples(["AQID"])
            .build();
        object.into()
    }
}

impl<const MAX: usize> ToSchema for Base64Url<MAX> {
    fn name() -> std::borrow::Cow<'static, str> {
        format!("Base64Url{MAX}").into()
    }
}
