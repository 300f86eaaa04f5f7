//! The table of rights, walked with real requests.

mod doors;
