//! The queue on a real PostgreSQL, under the least rights that the program has.

// Helpers of tests fail like tests do.
#![allow(clippy::unwrap_used)]

mod admin;
mod draining;
mod enqueueing;
mod scheduling;
mod support;
mod working;
