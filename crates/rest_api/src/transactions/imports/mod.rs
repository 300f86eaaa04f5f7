//! Files of purchases, posted by a job. What an import looks like in JSON is in [`model`].

pub mod model;
pub mod show;
pub mod upload;
