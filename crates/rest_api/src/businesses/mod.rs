//! Partners, their places, people and keys.

pub mod add_location;
pub mod change;
pub mod create;
pub mod create_key;
pub mod get;
pub mod give_role;
pub mod list;
pub mod list_keys;
pub mod list_staff;
pub mod model;
pub mod revoke_key;
pub mod take_role;
