//! What the posting path says to the database, one statement each for a whole group: [`named`], [`lock`], [`look`] and
//! [`contents`] before it decides, [`further`] and [`write`] afterwards. A group of plain purchases sends [`look`] and
//! [`write`] only, each a transaction of its own.

pub mod contents;
pub mod further;
pub mod lock;
pub mod look;
pub mod named;
pub mod names;
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
