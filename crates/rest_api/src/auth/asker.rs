//! Where a request comes from, as signing in needs it: the address and the program. Extracted, never documented.

use axum::extract::FromRequestParts;
use http::header;
use http::request::Parts;
use http_kit::Problem;
use http_kit::request_id::ClientAddress;
use services::auth::origin::Origin;

/// See the module; the device is said by the body, where it is.
#[derive(Clone, Debug)]
pub struct Asker(pub Origin);

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let agent = parts.headers.get(header::USER_AGENT);
        let agent = agent.and_then(|value| value.to_str().ok());
        Ok(Self(Origin {
            address: Some(ClientAddress::of(&parts.extensions).0),
            device: None,
            agent: agent.unwrap_or_default().to_owned(),
        }))
    }
}
