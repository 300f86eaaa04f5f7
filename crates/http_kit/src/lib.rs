//! What both doors of the service, REST and pages, have in common: who is calling, how requests are read, limited,
//! logged and counted, and how errors are answered. It knows no URL and no use case. Start at [`problem`] for
//! errors, [`json`] for bodies and [`layers`] for what happens around every request.

pub mod body;
pub mod bounds;
pub mod caller;
pub mod etag;
pub mod idempotency;
pub mod json;
pub mod kit;
pub mod layers;
pub mod page;
pub mod problem;
pub mod problem_codes;
pub mod query;
pub mod rate_limit;
mod request_counts;
pub mod request_id;
pub mod rights;
pub mod schema;

pub use body::BodyLimit;
pub use caller::{By, Fresh, MaybeBy};
pub use idempotency::IdempotencyKey;
pub use json::{ApiJson, IdempotentJson};
pub use kit::{HttpConfig, HttpKit, Readiness};
pub use page::{CursorSealer, Page, PageLimit};
pub use problem::{ApiResult, FieldError, Problem, ProblemCode};
pub use query::{ApiPath, ApiQuery};
pub use rights::{Rights, Tenant};
