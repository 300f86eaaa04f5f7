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

mod entry;
mod mask;
pub mod origin;

pub use entry::{Entry, record};
pub use origin::{Actor, Origin};
