//! The configuration: what may be set ([`model`]), where it is read from ([`load`]), what is wrong with it ([`error`]).
//! The committed `owncircle.example.toml` is the documentation and, word for word, the defaults.

mod checks;
mod error;
mod load;
mod model;
mod sources;

pub use error::ConfigError;
pub use load::{Loaded, load};
pub use model::{
    Config, Environment, Limits, Log, LogFormat, Posting, Programme, ProxyHeader, Role, Secret,
    Sms, Worker,
};
pub use sources::{Overrides, Surroundings};
