//! The keyed hashes of codes that people read off and send back.

use aws_lc_rs::hmac;
use domain::phone::Phone;

use super::{CODE_KEY_ID, Vault};

impl Vault {
    /// The keyed hash of a one-time code, bound to its challenge, phone and purpose. Its first byte names the key.
    #[must_use]
    pub fn code_hash(
        &self,
        challenge: uuid::Uuid,
        phone: &Phone,
        purpose: &str,
        code: &str,
    ) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.one_time_code);
        context.update(challenge.as_bytes());
        for part in [phone.e164(), purpose, code] {
            context.update(&[0]);
            context.update(part.as_bytes());
        }
        [&[CODE_KEY_ID], context.sign().as_ref()].concat()
    }

    /// The keyed hash of a code for coming back, bound to its member.
    #[must_use]
    pub fn recovery_code_hash(&self, member: uuid::Uuid, code: &str) -> Vec<u8> {
        let bound = [member.as_bytes(), code.as_bytes()].concat();
        hmac::sign(&self.recovery_code, &bound).as_ref().to_vec()
    }
}
