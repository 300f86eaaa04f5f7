//! The program `owncircle`: reads the command line and the configuration, puts the parts together and runs them.
//! It holds no rule of the business. Start at [`cli`].

pub mod cli;
pub mod config;
mod data_dir;
mod database;
mod demo;
mod http;
pub mod job_registry;
mod log_buffer;
mod master_key;
pub mod schedules;
mod signals;
mod telemetry;
mod wiring;
