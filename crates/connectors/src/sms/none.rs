//! No provider: says so instead of losing messages.

use super::{SmsError, SmsMessage, SmsSender};

/// Refuses every message, because nobody was configured to deliver it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSms;

#[async_trait::async_trait]
impl SmsSender for NoSms {
    fn delivers(&self) -> bool {
        false
    }

    async fn send(&self, _message: &SmsMessage) -> Result<(), SmsError> {
        Err(SmsError::Refused("no provider is configured".to_owned()))
    }
}
