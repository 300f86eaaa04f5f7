//! Files of purchases: received in pieces ([`upload`]), then posted group by group by a job ([`run`]). Each group is one
//! transaction with its verdicts and the place that was reached, so that a crash loses nothing and repeats nothing.
//! What a file holds is told by pure code: [`layout`] (the file), [`cutter`] (records), [`row`] (purchases).

pub mod cutter;
pub mod drop_abandoned;
pub mod format;
mod group;
pub mod import_purchases;
pub mod layout;
pub mod local;
mod model;
mod reader;
pub mod row;
pub mod run;
pub mod show;
pub mod upload;
pub mod values;
mod verdict;

pub use format::ImportFormat;
pub use model::{Import, ImportState};
