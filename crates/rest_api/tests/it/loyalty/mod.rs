//! Points, tiers and rules over HTTP, as members, tills and anybody read them.

mod history;
mod lookup;
mod reading;
mod rules;
