//! Signing in by phone and code, renewing tokens, and a person's sign-ins.

pub mod asker;
pub mod consent_texts;
pub mod end_other_sessions;
pub mod end_session;
pub mod list_sessions;
pub mod logout;
pub mod refresh;
pub mod request_code;
pub mod sign_in;
pub mod tokens;
