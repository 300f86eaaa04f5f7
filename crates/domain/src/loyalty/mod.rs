//! The rules of earning, spending, returning and keeping points, decided from values: no clock, no randomness, no I/O.
//! Start with [`wallet`] (what a member has), then [`purchase`] (what a purchase does to it) and [`refund`].

pub mod adjustment;
pub mod basket;
pub mod earning;
pub mod explanation;
pub mod ledger;
pub mod lot;
pub mod purchase;
pub mod redemption;
pub mod refund;
pub mod rule;
pub mod tier;
pub mod transfer;
pub mod validity;
pub mod wallet;
