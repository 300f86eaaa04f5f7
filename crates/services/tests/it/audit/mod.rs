//! The audit: clean after everything that can happen to points, and aware of every kind of tampering.

mod by_hand;
mod clean;
mod kept;
mod month_plans;
mod months;
mod rights;
mod tampering;
mod workload;
