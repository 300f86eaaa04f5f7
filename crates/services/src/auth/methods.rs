//! How a person proved who it is, in the words of RFC 8176, as they stand in a sign-in's `amr`.

/// A passkey that verified its user: two factors in one device.
pub(crate) const PASSKEY: [&str; 2] = ["hwk", "mfa"];
