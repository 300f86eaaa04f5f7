//! What is wrong with the configuration, each fault with its key, its source and what is allowed.

use std::fmt;

/// All faults that were found.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// One sentence each.
    pub faults: Vec<String>,
}

impl ConfigError {
    /// An error of one fault.
    #[must_use]
    pub fn one(fault: impl Into<String>) -> Self {
        Self {
            faults: vec![fault.into()],
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the configuration is wrong:")?;
        for fault in &self.faults {
            write!(out, "\n  {fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
