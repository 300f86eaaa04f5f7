//! The public key of a passkey (COSE_Key, RFC 9052), of the three kinds that authenticators have.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use coset::cbor::Value;
use coset::{Algorithm, CborSerializable, CoseKey, KeyType, Label, iana};

use super::CeremonyFault;

/// What we offer, best first, by their numbers in the IANA registry: ES256, EdDSA, RS256.
pub(crate) const ALGORITHMS: [i32; 3] = [-7, -8, -257];

/// See the module.
#[derive(Debug)]
pub(super) enum PublicKey {
    /// ECDSA on P-256: an uncompressed point.
    Es256(Vec<u8>),
    /// Ed25519.
    Ed25519(Vec<u8>),
    /// RSA with PKCS #1 v1.5: modulus and exponent. Some Windows computers have no other.
    Rs256(Vec<u8>, Vec<u8>),
}

impl PublicKey {
    /// Reads a key.
    pub(super) fn parse(cose: &[u8]) -> Result<Self, CeremonyFault> {
        let key = CoseKey::from_slice(cose).map_err(|_| CeremonyFault::Key)?;
        let (KeyType::Assigned(kind), Some(Algorithm::Assigned(algorithm))) = (&key.kty, &key.alg)
        else {
            return Err(CeremonyFault::Key);
        };
        match (kind, algorithm) {
            (iana::KeyType::EC2, iana::Algorithm::ES256) if number(&key, -1) == Some(1) => {
                let (x, y) = (bytes(&key, -2, 32)?, bytes(&key, -3, 32)?);
                Ok(Self::Es256([&[4], x, y].concat()))
            }
            (iana::KeyType::OKP, iana::Algorithm::EdDSA) if number(&key, -1) == Some(6) => {
                Ok(Self::Ed25519(bytes(&key, -2, 32)?.to_vec()))
            }
            (iana::KeyType::RSA, iana::Algorithm::RS256) => {
                let (modulus, exponent) = (value(&key, -1), value(&key, -2));
                match (modulus, exponent) {
                    (Some(Value::Bytes(n)), Some(Value::Bytes(e))) => {
                        Ok(Self::Rs256(n.clone(), e.clone()))
                    }
                    _ => Err(CeremonyFault::Key),
                }
            }
            _ => Err(CeremonyFault::Key),
        }
    }

    /// Passes a key that signatures can be checked with: a point on the curve, a modulus long enough.
    pub(super) fn check(&self) -> Result<(), CeremonyFault> {
        let sound = match self {
            Self::Es256(point) => ParsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).is_ok(),
            Self::Ed25519(point) => ParsedPublicKey::new(&ED25519, point).is_ok(),
            Self::Rs256(modulus, _) => (256..=1024).contains(&modulus.len()),
        };
        if sound {
            Ok(())
        } else {
            Err(CeremonyFault::Key)
        }
    }

    /// Passes a signature of this key.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), CeremonyFault> {
        let verified = match self {
            Self::Es256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point).verify(message, signature)
            }
            Self::Ed25519(point) => {
                UnparsedPublicKey::new(&ED25519, point).verify(message, signature)
            }
            Self::Rs256(n, e) => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.map_err(|_| CeremonyFault::Signature)
    }
}

fn value(key: &CoseKey, label: i64) -> Option<&Value> {
    let found = key
        .params
        .iter()
        .find(|(name, _)| *name == Label::Int(label));
    found.map(|(_, value)| value)
}

fn number(key: &CoseKey, label: i64) -> Option<i128> {
    value(key, label)?.as_integer().map(i128::from)
}

fn bytes(key: &CoseKey, label: i64, length: usize) -> Result<&[u8], CeremonyFault> {
    match value(key, label) {
        Some(Value::Bytes(bytes)) if bytes.len() == length => Ok(bytes),
        _ => Err(CeremonyFault::Key),
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize, PublicKeyComponents};
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256};
    use coset::CoseKeyBuilder;

    use super::*;

    fn okp(x: Vec<u8>) -> Vec<u8> {
        let key = CoseKeyBuilder::new_okp_key()
            .algorithm(iana::Algorithm::EdDSA)
            .param(-1, Value::from(6))
            .param(-2, Value::Bytes(x));
        key.build().to_vec().unwrap()
    }

    #[test]
    fn ed25519_signs() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let key = PublicKey::parse(&okp(pair.public_key().as_ref().to_vec())).unwrap();
        let signature = pair.sign(b"message");
        assert_eq!(key.check(), Ok(()));
        assert_eq!(key.verify(b"message", signature.as_ref()), Ok(()));
        assert_eq!(
            key.verify(b"massage", signature.as_ref()),
            Err(CeremonyFault::Signature)
        );
    }

    #[test]
    fn rsa_signs() {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let parts = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
        let key = CoseKey {
            kty: KeyType::Assigned(iana::KeyType::RSA),
            alg: Some(Algorithm::Assigned(iana::Algorithm::RS256)),
            params: vec![
                (Label::Int(-1), Value::Bytes(parts.n)),
                (Label::Int(-2), Value::Bytes(parts.e)),
            ],
            ..CoseKey::default()
        };
        let key = PublicKey::parse(&key.to_vec().unwrap()).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        let random = SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, b"message", &mut signature)
            .unwrap();
        assert_eq!(key.check(), Ok(()));
        assert_eq!(key.verify(b"message", &signature), Ok(()));
        assert!(key.verify(b"message", &signature[1..]).is_err());
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        let off_curve =
            CoseKeyBuilder::new_ec2_pub_key(iana::EllipticCurve::P_256, vec![1; 32], vec![2; 32]);
        let off_curve = off_curve.algorithm(iana::Algorithm::ES256).build();
        let off_curve = PublicKey::parse(&off_curve.to_vec().unwrap()).unwrap();
        assert_eq!(off_curve.check(), Err(CeremonyFault::Key));
        let other_curve =
            CoseKeyBuilder::new_ec2_pub_key(iana::EllipticCurve::P_384, vec![1; 48], vec![2; 48]);
        let other_curve = other_curve.algorithm(iana::Algorithm::ES256).build();
        for bad in [other_curve.to_vec().unwrap(), okp(vec![1; 31]), Vec::new()] {
            assert!(PublicKey::parse(&bad).is_err(), "{bad:?}");
        }
    }
}
