//! What no log of the program tells.

/// Directives, separated by commas, that silence the libraries which log what they are given, whatever the level is.
#[must_use]
pub fn secrecy() -> String {
    [::jobs::LOG_DIRECTIVES, domain::phone::LOG_DIRECTIVES].join(",")
}
