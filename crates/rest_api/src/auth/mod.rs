//! Signing in, what a person signs in with, renewing tokens, and a person's sign-ins.

pub mod asker;
pub mod assert_passkey;
pub mod base64url;
pub mod consent_texts;
pub mod end_other_sessions;
pub mod end_session;
pub mod enrol_passkey;
pub mod enrol_totp;
pub mod factors;
pub mod list_passkeys;
pub mod list_sessions;
pub mod logout;
pub mod make_recovery_codes;
pub mod passkey_model;
pub mod refresh;
pub mod remove_passkey;
pub mod remove_totp;
pub mod request_code;
pub mod set_password;
pub mod sign_in;
pub mod tokens;
