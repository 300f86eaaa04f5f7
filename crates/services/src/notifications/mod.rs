//! Messages to people. Text messages go through the queue to whoever delivers them; in development they are kept in
//! a visible outbox instead.

pub mod development_outbox;
pub mod send_text;
