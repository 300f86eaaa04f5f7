//! Signatures under the lines that anchor the audit log.

use aws_lc_rs::hmac;

use super::Vault;

impl Vault {
    /// The signature under a line that anchors the audit log.
    #[must_use]
    pub fn sign_anchor(&self, line: &[u8]) -> Vec<u8> {
        hmac::sign(&self.audit_anchor, line).as_ref().to_vec()
    }

    /// Whether this is the signature under that line.
    #[must_use]
    pub fn has_signed_anchor(&self, line: &[u8], signature: &[u8]) -> bool {
        hmac::verify(&self.audit_anchor, line, signature).is_ok()
    }
}
