//! Tests of the public interface: the published figures, high-precision values, properties.

#![allow(clippy::float_arithmetic)]

mod cdnow;
mod effects;
mod log;
mod numerics;
mod oracle;
mod properties;
mod rfm_retention;
