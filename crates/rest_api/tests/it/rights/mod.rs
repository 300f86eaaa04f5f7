//! The table of rights, walked with real requests: every operation by every role, at home and elsewhere. A new
//! operation is walked as soon as it stands in the table; the objects of its address come from [`town`] by the name of
//! the step before a parameter, and are unknown ones where the town has none.

mod bodies;
mod doors;
mod fields;
mod step_up;
mod town;
mod walk;
