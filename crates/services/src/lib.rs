//! services

pub mod audit;
pub mod audit_log;
pub mod auth;
pub mod businesses;
pub mod cache;
mod caches;
pub mod caller;
mod changes;
pub mod clock;
pub mod context;
pub mod fraud;
pub mod health;
pub mod housekeeping;
pub mod idempotency;
pub mod ids;
pub mod imports;
pub mod jobs;
pub mod limits;
pub mod log;
pub mod loyalty;
pub mod members;
pub mod notifications;
pub mod personal_data;
pub mod programme;
pub mod readers;
pub mod tenant;
mod touched;
pub mod transaction;
pub mod vault;

/// The failure of a query, which some use cases have as their only error.
pub use store::error::StoreError;
