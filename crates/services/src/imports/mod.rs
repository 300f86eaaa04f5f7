//! Files of purchases: received in pieces ([`upload`]), then posted through the engine by a job ([`run`]), a few groups
//! of rows at a time. Verdicts and the place that was reached are kept after each group, and every purchase carries its
//! row, so that a crash loses nothing and repeats nothing.
//! What a file holds is told by pure code: [`layout`] (the file), [`cutter`] (records), [`row`] (purchases).

mod ahead;
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
mod waves;

pub use format::ImportFormat;
pub use model::{Import, ImportState};
