//! What the posting path says to the database, one statement each for a whole group: [`named`], [`resolve`], [`contents`]
//! and [`read`] before it decides, [`further`] and [`write`] afterwards. A group of plain purchases asks [`resolve`],
//! [`read`] and [`write`] only.

pub mod contents;
pub mod further;
pub mod named;
pub mod read;
pub mod resolve;
pub mod write;

use domain::loyalty::purchase::Terms;

/// What a business has agreed to, and whether it takes part.
#[derive(Clone, Debug)]
pub struct BusinessTerms {
    /// The terms.
    pub terms: Terms,
    /// Whether the business is let in and not suspended.
    pub active: bool,
}
