//! What every test over HTTP needs: the real router in this process, on a database of the test's own, with a clock
//! that the test moves. Start at [`TestApp`]. Which server the databases are made on is said by
//! `OWNCIRCLE_TEST_DATABASE_URL`; which Redis by `OWNCIRCLE_TEST_REDIS_URL`.

mod app;
mod builders;
mod confidence;
mod database;
mod dump;
mod imports;
mod request;
pub mod wire;
mod work;

pub use app::{TEST_MASTER_KEY, TestApp, config_of_tests, redis_servers, start_of_tests};
pub use builders::SignedIn;
pub use confidence::stands_alone;
pub use database::TestDatabase;
pub use dump::place_of;
pub use request::{Answer, RequestBuilder};
pub use wire::Wire;
