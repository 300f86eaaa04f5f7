//! The configuration: what may be set ([`model`]), where it is read from ([`load`]), what is wrong with it ([`error`]).
//! The committed `owncircle.example.toml` is the documentation and, word for word, the defaults.

mod checks;
mod error;
mod load;
mod model;
mod sources;

pub(crate) use checks::{network, test_number, test_numbers_until};
pub use error::ConfigError;
pub use load::{Loaded, load};
pub use model::{
    Auth, Config, Environment, Limits, Log, LogFormat, Posting, Programme, Role, SecondFactor,
    Secret, Sms, Tokens, Worker,
};
pub use sources::{Overrides, Surroundings};
