//! The configuration from outside, and the program itself as a process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod audit;
mod config;
mod demo;
mod import;
mod jobs;
mod keys;
mod process;
mod program;
mod stopping;
mod tour;
mod two_processes;
