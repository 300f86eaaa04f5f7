//! Points, tiers, the rules by which points are earned, quotes and holds.

pub mod adjustments;
pub mod balance;
pub mod capture_hold;
pub mod history;
pub mod hold_model;
pub mod ladder;
pub mod lookup;
pub mod lots;
pub mod make_hold;
pub mod movement_text;
pub mod quote;
pub mod rule_model;
pub mod rules;
pub mod tier;
pub mod tier_model;
pub mod transfer;
pub mod validity_model;
pub mod void_hold;
