//! The member's own profile and card.

pub mod card;
pub mod change;
pub mod get;
pub mod model;
