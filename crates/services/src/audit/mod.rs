//! The proof of the ledger: everything recomputed from journals and entries, every difference named. Start at
//! [`audit`]; the night's run and an operator's are kept ([`check_ledger`], [`nightly_audit`]).

mod check_ledger;
pub mod nightly_audit;
mod recompute;
mod report;

pub use check_ledger::{CheckLedgerError, KeptAudit, audit_and_keep, check_ledger};
pub use recompute::{AuditError, audit};
pub use report::{AuditReport, CheckCount, Difference, PointTotals, Totals};
