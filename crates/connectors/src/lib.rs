//! Everybody else's servers: for each kind a small trait, real clients, and a fake that records.
//! No business word, no SQL. Start at [`sms`].

pub mod sms;
