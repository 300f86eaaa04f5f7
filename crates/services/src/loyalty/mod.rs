//! Points and purchases: a file a use case. [`posting`] is the one path by which purchases are written, for tills,
//! batches and imports alike; [`engine`] gathers them into groups; [`wallets`] loads and stores what a member has.

pub mod adjustments;
pub mod advance_on_time;
pub mod advance_wallets;
pub mod balance;
pub mod earning_rules;
pub mod engine;
pub mod history;
pub mod holds;
pub mod ladder;
pub mod lookup;
pub mod places;
pub mod post_batch;
pub mod post_purchase;
pub mod posting;
pub mod quote;
pub mod refund_purchase;
pub mod tier_progress;
pub mod transactions;
pub mod transfer;
pub mod wallets;
