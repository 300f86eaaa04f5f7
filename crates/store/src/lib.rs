//! Everything that is said to PostgreSQL: migrations, one file a table (or a few that belong together), functions over a
//! connection with checked SQL. No rule of the business lives here; start with [`wallets`] and [`purchases`].

pub mod audit;
pub mod businesses;
pub mod development_outbox;
pub mod earning_rules;
pub mod error;
pub mod holds;
pub mod idempotency_keys;
pub mod import_chunks;
pub mod import_dry_receipts;
pub mod import_verdicts;
pub mod imports;
pub mod integration_keys;
pub mod journals;
pub mod locations;
pub mod lots;
pub mod member_cards;
pub mod member_progress;
pub mod members;
pub mod migrate;
pub mod one_time_codes;
pub mod operators;
pub mod outbox_events;
pub mod pool;
pub mod posting;
pub mod programme;
pub mod purchases;
pub mod receipts;
pub mod refunds;
pub mod sessions;
pub mod signing_keys;
pub mod staff;
pub mod tiers;
pub mod used_member_codes;
pub mod wallets;
