//! What browsers take and give in a passkey's ceremonies, in the JSON form of WebAuthn Level 3: what we answer is taken by
//! `PublicKeyCredential.parseCreationOptionsFromJSON` and `parseRequestOptionsFromJSON`, what we take is what `toJSON` gives.
//! Its names are the standard's; fields that browsers add are let pass.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use services::auth::factors::{PasskeyOffer, PasskeyView};
use services::auth::passkey_sign_in::PasskeyChallenge;
use utoipa::ToSchema;
use uuid::Uuid;

use super::base64url::Base64Url;

/// A passkey.
#[derive(Serialize, ToSchema)]
pub struct Passkey {
    /// Identifier.
    pub id: Uuid,
    /// What you called it; empty when you named none.
    #[schema(max_length = 100, example = "My phone")]
    pub name: String,
    /// Whether it is kept in several devices.
    pub backed_up: bool,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
    /// When somebody last signed in with it.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl From<PasskeyView> for Passkey {
    fn from(view: PasskeyView) -> Self {
        Self {
            id: view.id.as_uuid(),
            name: view.name,
            backed_up: view.backed_up,
            created_at: view.created_at,
            last_used_at: view.last_used_at,
        }
    }
}

/// The one type of credential that there is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub enum CredentialType {
    /// A key pair.
    #[serde(rename = "public-key")]
    PublicKey,
}

/// Who asks.
#[derive(Serialize, ToSchema)]
pub struct RelyingPartyEntity {
    /// The host that passkeys are bound to.
    #[schema(max_length = 255, example = "circle.example")]
    pub id: String,
    /// What the programme is called.
    #[schema(max_length = 100, example = "Own Circle")]
    pub name: String,
}

/// Who enrols.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserEntity {
    /// What the authenticator calls the person.
    pub id: Base64Url<64>,
    /// What it shows: the phone, its middle hidden.
    #[schema(max_length = 100, example = "+7916•••4567")]
    pub name: String,
    /// The person's name, or the same again.
    #[schema(max_length = 200, example = "Анна")]
    pub display_name: String,
}

/// A kind of key.
#[derive(Serialize, ToSchema)]
pub struct CredentialParameter {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: CredentialType,
    /// The algorithm, by its COSE number.
    #[schema(minimum = -65_535, maximum = 0, example = -7)]
    pub alg: i32,
}

/// A passkey that exists.
#[derive(Serialize, ToSchema)]
pub struct CredentialDescriptor {
    /// Always `public-key`.
    #[serde(rename = "type")]
    pub kind: CredentialType,
    /// What its authenticator calls it.
    pub id: Base64Url<1023>,
}

/// What is wanted of the authenticator.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticatorSelection {
    /// Always `required`: the passkey itself tells whose it is.
    #[schema(max_length = 20, pattern = "^required$", example = "required")]
    pub resident_key: &'static str,
    /// The same for older browsers.
    pub require_resident_key: bool,
    /// Always `required`.
    #[schema(max_length = 20, pattern = "^required$", example = "required")]
    pub user_verification: &'static str,
}

/// `PublicKeyCredentialCreationOptionsJSON`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreationOptions {
    /// Who asks.
    pub rp: RelyingPartyEntity,
    /// Who enrols.
    pub user: UserEntity,
    /// What is to be signed.
    pub challenge: Base64Url<64>,
    /// Kinds of keys, best first.
    #[schema(max_items = 10)]
    pub pub_key_cred_params: Vec<CredentialParameter>,
    /// Milliseconds for which the challenge may be answered.
    #[schema(value_type = i32, minimum = 1, maximum = 3_600_000, example = 300_000)]
    pub timeout: u32,
    /// What the person has already.
    #[schema(max_items = 100)]
    pub exclude_credentials: Vec<CredentialDescriptor>,
    /// What is wanted of the authenticator.
    pub authenticator_selection: AuthenticatorSelection,
    /// Always `none`: we ask for no attestation.
    #[schema(max_length = 20, pattern = "^none$", example = "none")]
    pub attestation: &'static str,
}

impl From<PasskeyOffer> for CreationOptions {
    fn from(offer: PasskeyOffer) -> Self {
        let kind = CredentialType::PublicKey;
        Self {
            rp: RelyingPartyEntity {
                id: offer.party_id,
                name: offer.party_name,
            },
            user: UserEntity {
                id: Base64Url(offer.user_handle),
                name: offer.user_name,
                display_name: offer.user_display_name,
            },
            challenge: Base64Url(offer.challenge),
            pub_key_cred_params: offer
                .algorithms
                .into_iter()
                .map(|alg| CredentialParameter { kind, alg })
                .collect(),
            timeout: offer.timeout_millis,
            exclude_credentials: offer
                .exclude
                .into_iter()
                .map(|id| CredentialDescriptor {
                    kind,
                    id: Base64Url(id),
                })
                .collect(),
            authenticator_selection: AuthenticatorSelection {
                resident_key: "required",
                require_resident_key: true,
                user_verification: "required",
            },
            attestation: "none",
        }
    }
}

/// `PublicKeyCredentialRequestOptionsJSON`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequestOptions {
    /// What is to be signed.
    pub challenge: Base64Url<64>,
    /// Milliseconds for which the challenge may be answered.
    #[schema(value_type = i32, minimum = 1, maximum = 3_600_000, example = 300_000)]
    pub timeout: u32,
    /// The host whose passkeys are asked for.
    #[schema(max_length = 255, example = "circle.example")]
    pub rp_id: String,
    /// Always empty: the passkey itself tells whose it is.
    #[schema(max_items = 0)]
    pub allow_credentials: Vec<CredentialDescriptor>,
    /// Always `required`.
    #[schema(max_length = 20, pattern = "^required$", example = "required")]
    pub user_verification: &'static str,
}

impl From<PasskeyChallenge> for RequestOptions {
    fn from(challenge: PasskeyChallenge) -> Self {
        Self {
            challenge: Base64Url(challenge.challenge),
            timeout: challenge.timeout_millis,
            rp_id: challenge.party_id,
            allow_credentials: Vec::new(),
            user_verification: "required",
        }
    }
}

/// What an authenticator answers that made a passkey (`RegistrationResponseJSON`).
#[derive(Deserialize, ToSchema)]
pub struct CreatedCredential {
    /// Always `public-key`.
    #[serde(rename = "type")]
    #[expect(dead_code, reason = "read so that another type is refused")]
    kind: CredentialType,
    /// The answer itself.
    pub response: AttestationResponse,
}

/// The answer of an authenticator that made a passkey.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttestationResponse {
    /// What the browser says.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: Base64Url<8192>,
    /// What the authenticator says.
    pub attestation_object: Base64Url<16384>,
}

/// What an authenticator answers that signed a challenge (`AuthenticationResponseJSON`).
#[derive(Deserialize, ToSchema)]
pub struct SignedCredential {
    /// What the authenticator calls the passkey.
    pub id: Base64Url<1023>,
    /// Always `public-key`.
    #[serde(rename = "type")]
    #[expect(dead_code, reason = "read so that another type is refused")]
    kind: CredentialType,
    /// The answer itself.
    pub response: AssertionResponse,
}

/// The answer of an authenticator that signed a challenge.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AssertionResponse {
    /// What the browser says.
    #[serde(rename = "clientDataJSON")]
    pub client_data_json: Base64Url<8192>,
    /// What the authenticator says.
    pub authenticator_data: Base64Url<8192>,
    /// The signature over both.
    pub signature: Base64Url<2048>,
    /// Whose the authenticator believes the passkey to be.
    pub user_handle: Option<Base64Url<64>>,
}
