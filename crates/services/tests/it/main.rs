//! The services on a real database, past HTTP.
#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod audit;
mod audit_log;
mod businesses;
mod codes;
mod engine;
mod imports;
mod integration_keys;
mod kit;
mod members;
mod messages;
mod programme;
mod sessions;
mod transaction;
mod walls;
