//! The rules of the coalition, decided from values: no I/O, no clock, no randomness, no async, no floats.
//! Start with [`loyalty`]; [`money`] says what amounts are and how they round.

pub mod audit;
pub mod consents;
pub mod email;
pub mod ids;
pub mod invitation_code;
pub mod loyalty;
pub mod member_code;
pub mod money;
pub mod names;
pub mod password;
pub mod people;
pub mod phone;
pub mod preferences;
pub mod programme;
pub mod rights;
pub mod signing_alg;
pub mod text;
