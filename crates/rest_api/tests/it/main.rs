//! The REST interface, tested through the real router on a real database.

mod admin;
mod audit_log;
mod auth;
mod bad_input;
mod businesses;
mod conventions;
mod document;
mod factors;
mod health;
mod imports;
mod loyalty;
mod manners;
mod query_budget;
mod rights;
mod second_factor;
mod several_nodes;
mod transactions;
mod users;
