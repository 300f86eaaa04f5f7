//! What other programs look for at agreed addresses (RFC 8615).

pub mod jwks;
