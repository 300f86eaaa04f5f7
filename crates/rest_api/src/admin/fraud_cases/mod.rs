//! What happened at tills and an operator should look at.

pub mod close;
pub mod list;
pub mod model;
