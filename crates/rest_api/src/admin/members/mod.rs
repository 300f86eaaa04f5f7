//! Members as the programme's operators see and treat them.

pub mod block;
pub mod find;
pub mod list;
pub mod model;
pub mod reset_factors;
pub mod show;
pub mod unblock;
