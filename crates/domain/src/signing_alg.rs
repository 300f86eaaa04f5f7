//! The algorithms that keys may sign access tokens with, each key with one. RS256 is what every party must know
//! (RFC 9068); the others are a setting away.

use crate::names::named_values;

named_values! {
    /// A signature algorithm (RFC 7518).
    SigningAlg {
        /// RSA with PKCS #1 v1.5 and SHA-256.
        Rs256 = "RS256",
        /// RSA with PSS and SHA-256.
        Ps256 = "PS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
    }
}
