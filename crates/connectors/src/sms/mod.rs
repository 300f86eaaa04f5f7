//! Text messages. A real provider implements [`SmsSender`]; [`RecordingSms`] remembers what it was given.

mod none;
mod recording;

pub use none::NoSms;
pub use recording::RecordingSms;

/// A text message on its way to one phone.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsMessage {
    /// The recipient, E.164.
    pub to: String,
    /// The text, as the recipient reads it.
    pub text: String,
    /// One message is sent once, however often it is asked for under this key.
    pub key: String,
}

impl std::fmt::Debug for SmsMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmsMessage")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SmsError {
    /// The provider is down or busy: try again later.
    #[error("the provider can't take the message now: {0}")]
    Unavailable(String),
    /// The provider will never take this message.
    #[error("the provider refuses the message: {0}")]
    Refused(String),
}

/// Somebody who delivers text messages.
#[async_trait::async_trait]
pub trait SmsSender: Send + Sync + std::fmt::Debug {
    /// Whether there is anybody to deliver messages; without, codes are refused when they are asked for.
    fn delivers(&self) -> bool {
        true
    }

    /// Whether the number's SIM was changed, or the number moved to another operator, within so many hours. Who can't
    /// tell says no.
    ///
    /// # Errors
    /// If somebody who can tell does not answer.
    async fn sim_changed_within(&self, _to: &str, _hours: u32) -> Result<bool, SmsError> {
        Ok(false)
    }

    /// Hands one message over.
    ///
    /// # Errors
    /// [`SmsError::Unavailable`] if trying again may help, [`SmsError::Refused`] if not.
    async fn send(&self, message: &SmsMessage) -> Result<(), SmsError>;
}
