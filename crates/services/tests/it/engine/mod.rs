//! The posting engine on a real database: groups, faults, fairness, several nodes, and the proof that it posts what
//! posting one by one would post.

mod faults;
mod lines;
mod nodes;
mod one_by_one;
mod proxy;
mod town;
mod turns;
