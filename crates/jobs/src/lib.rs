//! The job queue: a thin layer on `graphile_worker`, whose tables live in the schema `graphile_worker` of our database.
//!
//! It holds what a job is ([`Job`], [`Handler`]), how one is put into the caller's transaction ([`enqueue`]), who runs
//! it ([`WorkerBuilder`], and [`drain()`] in tests), what runs by the clock ([`Schedule`]) and what an operator sees
//! ([`admin`]). It knows no word of the business. Start at [`job`].
//!
//! A job runs at least once: a worker that dies gives its jobs back, so `run` must be safe to repeat. Payloads are kept
//! in the database and shown to operators; they carry ids, never secrets or personal data.
//!
//! The SQL here is not checked at build time: its tables are made by the queue crate at run time. Each statement is run
//! by a test under the least rights that the program has.

pub mod admin;
pub mod drain;
mod enqueue;
pub mod job;
mod migrate;
mod registry;
pub mod schedule;
mod worker;

pub use drain::drain;
pub use enqueue::{EnqueueError, enqueue, enqueue_all, enqueue_at};
pub use job::{Handler, Job, JobError, JobRun, OnDuplicate};
pub use migrate::{MigrateError, migrate};
pub use registry::Registry;
pub use schedule::{InvalidSchedule, Schedule};
pub use worker::{Now, Recovery, WorkerBuilder, WorkerError};

/// Log directives that silence the places where the queue crate logs whole payloads; this crate logs every run itself.
pub const LOG_DIRECTIVES: &str = "graphile_worker::runner::release=off,graphile_worker::runner::task_execution=off,\
                                  graphile_worker::runner::job_execution=error,graphile_worker_queries=error";
