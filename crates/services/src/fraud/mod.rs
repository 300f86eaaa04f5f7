//! Fraud at the till: limits by the hour, and cases for operators. What a member may earn in a day, and from one hand, is
//! decided with the purchase itself (`crate::loyalty::posting`), under the lock of the member's wallet.
//!
//! [`Watch`] stands around one purchase of a till; [`list`] and [`close`] are the operators'.

mod cases;
mod till_hours;
mod watch;

pub use cases::{CaseError, CaseRow, close, list};
pub(crate) use till_hours::TillHours;
pub(crate) use watch::{Watch, WatchError};
