//! A key pair of one algorithm: making it, reading it, signing with it, and its public half as it is published.

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaPublicKeyComponents,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::signing_alg::SigningAlg;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};

use super::SigningKeyError;

/// The smallest modulus, in bytes, of a key that is taken in.
const SMALLEST_MODULUS: usize = 256;

/// The bytes of one coordinate on P-256.
const COORDINATE: usize = 32;

/// A private key that signs with one algorithm and no other.
pub(in crate::auth) struct SigningPair {
    alg: SigningAlg,
    key: Key,
}

enum Key {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
}

impl std::fmt::Debug for SigningPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningPair({})", self.alg)
    }
}

impl SigningPair {
    /// Makes a key; for RSA that takes the processor for a second or more.
    pub(in crate::auth) fn generate(alg: SigningAlg) -> Result<Self, SigningKeyError> {
        let key = match alg {
            SigningAlg::Rs256 | SigningAlg::Ps256 => RsaKeyPair::generate(KeySize::Rsa3072)
                .map(Key::Rsa)
                .map_err(|_| SigningKeyError::NotMade)?,
            SigningAlg::Es256 => EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
                .map(Key::P256)
                .map_err(|_| SigningKeyError::NotMade)?,
        };
        Ok(Self { alg, key })
    }

    /// Reads a private key (PKCS #8) for `alg`.
    pub(super) fn from_pkcs8(alg: SigningAlg, pkcs8: &[u8]) -> Result<Self, SigningKeyError> {
        let key = match alg {
            SigningAlg::Rs256 | SigningAlg::Ps256 => {
                let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| SigningKeyError::NotAKey)?;
                if pair.public_modulus_len() < SMALLEST_MODULUS {
                    return Err(SigningKeyError::NotAKey);
                }
                Key::Rsa(pair)
            }
            SigningAlg::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)
                .map(Key::P256)
                .map_err(|_| SigningKeyError::NotAKey)?,
        };
        Ok(Self { alg, key })
    }

    /// The one algorithm of the key.
    pub(in crate::auth) const fn alg(&self) -> SigningAlg {
        self.alg
    }

    /// The private key (PKCS #8).
    pub(super) fn to_pkcs8(&self) -> Result<Vec<u8>, SigningKeyError> {
        match &self.key {
            Key::Rsa(pair) => {
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SigningKeyError::NotAKey)?;
                Ok(der.as_ref().to_vec())
            }
            Key::P256(pair) => {
                let der = pair.to_pkcs8v1().map_err(|_| SigningKeyError::NotAKey)?;
                Ok(der.as_ref().to_vec())
            }
        }
    }

    /// The signature of a message; `None` if the system gives no randomness.
    pub(in crate::auth) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(pair) => {
                let encoding: &'static dyn RsaEncoding = match self.alg {
                    SigningAlg::Ps256 => &RSA_PSS_SHA256,
                    SigningAlg::Rs256 | SigningAlg::Es256 => &RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Key::P256(pair) => Some(pair.sign(&random, message).ok()?.as_ref().to_vec()),
        }
    }

    /// The thumbprint (RFC 7638: SHA-256 over the members that make the key, in order, without spaces) and the public key
    /// as it is published (RFC 7517).
    pub(in crate::auth) fn public_jwk(&self) -> (String, Value) {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (members, mut jwk) = match &self.key {
            Key::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                let (n, e) = (encode(&public.n), encode(&public.e));
                (
                    format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#),
                    json!({ "kty": "RSA", "n": n, "e": e }),
                )
            }
            Key::P256(pair) => {
                // Uncompressed: one byte that says so, and the two coordinates.
                let point = pair.public_key().as_ref().get(1..).unwrap_or_default();
                let (x, y) = point.split_at_checked(COORDINATE).unwrap_or_default();
                let (x, y) = (encode(x), encode(y));
                (
                    format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#),
                    json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y }),
                )
            }
        };
        let kid = encode(digest::digest(&digest::SHA256, members.as_bytes()).as_ref());
        jwk["use"] = "sig".into();
        jwk["alg"] = self.alg.as_str().into();
        jwk["kid"] = kid.as_str().into();
        (kid, jwk)
    }
}

/// The key that verifies, from the public half as it is published.
pub(super) fn decoding_key(alg: SigningAlg, jwk: &Value) -> Option<DecodingKey> {
    let part = |name: &str| jwk.get(name).and_then(Value::as_str).unwrap_or_default();
    match alg {
        SigningAlg::Rs256 | SigningAlg::Ps256 => {
            DecodingKey::from_rsa_components(part("n"), part("e")).ok()
        }
        SigningAlg::Es256 => DecodingKey::from_ec_components(part("x"), part("y")).ok(),
    }
}

/// The algorithm as the verifying crate calls it.
pub(super) const fn algorithm(alg: SigningAlg) -> Algorithm {
    match alg {
        SigningAlg::Rs256 => Algorithm::RS256,
        SigningAlg::Ps256 => Algorithm::PS256,
        SigningAlg::Es256 => Algorithm::ES256,
    }
}

/// A key of 2048 bits, which is made faster, for tests of what uses it.
#[cfg(test)]
pub(in crate::auth) fn small_rsa(alg: SigningAlg) -> SigningPair {
    SigningPair {
        alg,
        key: Key::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
    }
}

/// The signature of another algorithm with the same key, for tests of what is refused.
#[cfg(test)]
impl SigningPair {
    pub(in crate::auth) fn sign_as(
        &self,
        encoding: &'static dyn RsaEncoding,
        message: &[u8],
    ) -> Vec<u8> {
        let Key::Rsa(pair) = &self.key else {
            panic!("a key of RSA")
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
            .unwrap();
        signature
    }
}
