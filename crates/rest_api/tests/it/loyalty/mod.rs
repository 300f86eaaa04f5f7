//! Points, tiers and rules over HTTP, as members, tills and anybody read them.

mod balance_kept;
mod history;
mod lookup;
mod places_kept;
mod quoting;
mod reading;
mod rules;
mod tail;
mod tier_window;
