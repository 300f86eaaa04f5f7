//! Customer-base models that reproduce the literature: how often customers come back, whether they are gone, what they
//! will spend.
//!
//! Start with [`summarize`], which turns purchases into histories; fit [`BgNbd`], [`MbgNbd`] or [`ParetoNbd`] to
//! [`Patterns`] of them and [`GammaGamma`] to their [`Spending`]; ask through [`PurchaseModel`]; see with
//! [`validation`] whether the answers are worth anything. Beside the models stand [`rfm`], [`retention`] and
//! [`effects`]. The crate does no I/O, knows no clock, and holds no global state. Raw numbers are checked once, when a
//! [`History`], a [`Horizon`] or a model is made; after that nothing fails and nothing is NaN.

// Floats are what this crate is about; the workspace forbids them where points and money are counted.
#![allow(clippy::float_arithmetic)]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod calendar;
pub mod effects;
mod error;
mod fit;
mod history;
mod models;
mod patterns;
pub mod retention;
pub mod rfm;
pub mod special;
mod summary;
pub mod validation;

pub use calendar::day_number;
pub use error::{Error, HistoryFault};
pub use fit::{Ending, Fit, FitOptions};
pub use history::{History, Horizon};
pub use models::{
    BgNbd, Discounting, GammaGamma, MbgNbd, ParetoNbd, PurchaseModel, Score, Spending,
    lifetime_value,
};
pub use patterns::{Pattern, Patterns};
pub use summary::{Purchase, Summarizer, Summary, Window, summarize};
