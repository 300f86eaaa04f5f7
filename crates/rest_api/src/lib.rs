//! The REST interface: every URL in [`routes`], every error in [`problem`], a folder per resource and a file per
//! endpoint. It parses requests, asks `services`, and writes answers; it knows no SQL.

pub mod admin;
pub mod auth;
pub mod businesses;
pub mod development_outbox;
pub mod health;
pub mod loyalty;
pub mod manners;
pub mod openapi;
pub mod problem;
pub mod problems;
pub mod reference_page;
mod rights_page;
pub mod routes;
pub mod table;
pub mod transactions;
pub mod users;
pub mod well_known;
pub mod wire;

pub use openapi::openapi;
pub use rights_page::rights_page;
pub use routes::router;
