//! Members as the programme's operators see and treat them: found, shown whole, blocked and let in again; and who is an
//! operator.

mod block;
mod roles;
mod search;
mod show;

pub use block::{BlockError, block, unblock};
pub use roles::{ChangeRole, ChangeRoleError, change_role};
pub use search::{FindError, FoundMember, find, page};
pub use show::{MemberWhole, show};
