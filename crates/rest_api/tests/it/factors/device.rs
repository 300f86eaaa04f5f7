//! A device with passkeys in software, told what its browser says: also what no honest browser would.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_kit::json::sha256;
use passkey::authenticator::{Authenticator, MemoryStore, UiHint, UserCheck, UserValidationMethod};
use passkey::crypto::aws_lc_rs::AwsLcRsBackend;
use passkey::crypto::iana::Algorithm;
use passkey::types::Passkey;
use passkey::types::ctap2::{Aaguid, Ctap2Error, get_assertion, make_credential};
use passkey::types::webauthn::{
    PublicKeyCredentialDescriptor, PublicKeyCredentialParameters, PublicKeyCredentialType,
    PublicKeyCredentialUserEntity,
};
use serde_json::{Value, json};

/// Somebody who always touches the device, and whom it knows when it is asked to look.
struct Present;

#[async_trait::async_trait]
impl UserValidationMethod for Present {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        _hint: UiHint<'a, Passkey>,
        presence: bool,
        verification: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck {
            presence,
            verification,
        })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// See the module.
pub struct Device {
    inner: Authenticator<MemoryStore, Present, AwsLcRsBackend>,
    /// Whose page the browser shows.
    pub origin: &'static str,
    /// For which site the device makes and uses passkeys.
    pub site: &'static str,
    /// Whether the device looks who it is.
    pub verifies: bool,
}

impl Device {
    /// An honest one on our own page.
    pub fn new() -> Self {
        Self::with(MemoryStore::new())
    }

    /// Another one that holds the same passkeys as this one now.
    pub fn copy(&self) -> Self {
        Self::with(self.inner.store().clone())
    }

    fn with(store: MemoryStore) -> Self {
        let mut inner = Authenticator::new(Aaguid::new_empty(), store, Present, AwsLcRsBackend);
        inner.set_make_credentials_with_signature_counter(true);
        Self {
            inner,
            origin: "http://127.0.0.1:8080",
            site: "127.0.0.1",
            verifies: true,
        }
    }

    /// What `navigator.credentials.create` gives for these options.
    pub async fn create(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.create", options);
        let user = &options["user"];
        let text = |name: &str| user[name].as_str().expect("a text").to_owned();
        let request = make_credential::Request {
            client_data_hash: sha256(&client_data).to_vec().into(),
            rp: make_credential::PublicKeyCredentialRpEntity {
                id: self.site.to_owned(),
                name: None,
            },
            user: PublicKeyCredentialUserEntity {
                id: bytes(&user["id"]).into(),
                display_name: text("displayName"),
                name: text("name"),
            },
            pub_key_cred_params: vec![PublicKeyCredentialParameters {
                ty: PublicKeyCredentialType::PublicKey,
                alg: Algorithm::ES256,
            }],
            exclude_list: None,
            extensions: None,
            options: make_credential::Options {
                rk: true,
                up: true,
                uv: self.verifies,
            },
            pin_auth: None,
            pin_protocol: None,
        };
        let made = self.inner.make_credential(request).await;
        let made = made.unwrap_or_else(|status| panic!("{status:?}"));
        json!({
            "id": "AQID",
            "rawId": "AQID",
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(&client_data),
                "attestationObject": URL_SAFE_NO_PAD.encode(&*made.as_webauthn_bytes()),
                "transports": ["internal"],
            },
        })
    }

    /// What `navigator.credentials.get` gives for these options.
    pub async fn sign(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let ids = self.inner.store().keys().cloned();
        let all = ids.map(|id| PublicKeyCredentialDescriptor {
            ty: PublicKeyCredentialType::PublicKey,
            id: id.into(),
            transports: None,
        });
        let all = all.collect();
        let request = get_assertion::Request {
            rp_id: self.site.to_owned(),
            client_data_hash: sha256(&client_data).to_vec().into(),
            allow_list: Some(all),
            extensions: None,
            options: get_assertion::Options {
                up: true,
                uv: self.verifies,
            },
            pin_auth: None,
            pin_protocol: None,
        };
        let signed = self.inner.get_assertion(request).await;
        let signed = signed.unwrap_or_else(|status| panic!("{status:?}"));
        let credential = signed.credential.expect("a passkey");
        let user = signed.user.expect("a person");
        json!({
            "id": URL_SAFE_NO_PAD.encode(&*credential.id),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": URL_SAFE_NO_PAD.encode(&client_data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(signed.auth_data.to_vec()),
                "signature": URL_SAFE_NO_PAD.encode(&*signed.signature),
                "userHandle": URL_SAFE_NO_PAD.encode(&*user.id),
            },
        })
    }

    fn client_data(&self, ceremony: &str, options: &Value) -> Vec<u8> {
        let said = json!({
            "type": ceremony,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        said.to_string().into_bytes()
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    let text = value.as_str().expect("a text");
    URL_SAFE_NO_PAD.decode(text).expect("base64url")
}
