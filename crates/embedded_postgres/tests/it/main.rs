//! Runs real servers: start and stop, every kind of leftover, and both kinds of user.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

mod accounts;
mod attach;
mod crashes;
mod kit;
mod start_stop;
