//! How a person proved who it is, in the words of RFC 8176, as they stand in a sign-in's `amr`.

/// A passkey that verified its user: two factors in one device.
pub(crate) const PASSKEY: [&str; 2] = ["hwk", "mfa"];

/// A password and the code of an authenticator.
pub(crate) const PASSWORD_AND_TOTP: [&str; 3] = ["pwd", "otp", "mfa"];

/// A code by text message and a one-time code for coming back. It opens nothing but the enrolment of factors.
pub(crate) const RECOVERY: [&str; 2] = ["sms", "recovery"];
