//! The member's own profile, card, consents, preferences, devices and invitations.

pub mod card;
pub mod change;
pub mod change_phone;
pub mod forget_device;
pub mod get;
pub mod get_consents;
pub mod get_preferences;
pub mod model;
pub mod preferences_model;
pub mod referrals;
pub mod register_device;
pub mod request_phone_code;
pub mod set_consents;
pub mod set_preferences;
