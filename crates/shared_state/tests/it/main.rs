//! One suite for counting in a process and for counting on every Redis that `OWNCIRCLE_TEST_REDIS_URL` names
//! (addresses, separated by blanks); then what happens when Redis is slow or away.

mod away;
mod proxy;
mod suite;
mod worlds;
