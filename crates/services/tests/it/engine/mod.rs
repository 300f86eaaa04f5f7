//! The posting engine on a real database: groups, faults, fairness, several nodes, and the proof that it posts what
//! posting one by one would post.

mod batches;
mod batches_one_by_one;
mod faults;
mod lines;
mod mixed_orders;
mod nodes;
mod one_by_one;
mod phone_tails;
mod proxy;
mod racing_orders;
mod town;
mod turns;
mod unlocked;
