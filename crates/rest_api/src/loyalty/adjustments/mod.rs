//! Points given or taken by hand.

pub mod approve;
pub mod decline;
pub mod get;
pub mod list;
pub mod model;
pub mod request;
