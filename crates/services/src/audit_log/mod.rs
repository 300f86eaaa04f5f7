//! The audit log: who did what to which object, before and after, under which request. A use case that changes
//! something calls [`record`] in its own transaction, so that the change and its entry commit together:
//!
//! ```ignore
//! let entry = Entry::of(Action::RuleChange, ObjectKind::Rule)
//!     .id(rule.id)
//!     .business(rule.business)
//!     .changed(&before, &after);
//! audit_log::record(conn, ctx, entry).await?;
//! ```
//!
//! Who acts, and under which request, is known already ([`origin`]). An entry carries identifiers, never personal
//! data, codes or tokens: it can't be erased later. What looks like one is masked all the same.
//!
//! A worker seals entries within seconds into a chain of hashes ([`seal`]) and writes the head of the chain to a file
//! outside the database ([`anchor`]). [`check_log`] recomputes all of it and names what was changed by hand.

pub mod anchor;
mod check;
mod entry;
mod link;
mod list;
mod mask;
pub mod origin;
mod report;
pub mod seal;

pub use check::{Anchors, check_log};
pub use entry::{Entry, record};
pub use list::{LogEntry, LogFilter, ReadLogError, read_log};
pub use origin::{Actor, Origin};
pub use report::{AnchoredHead, LogCheck, LogDifference, LogReport};
