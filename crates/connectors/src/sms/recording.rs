//! A sender for tests and for development: it keeps what it was given and sends nothing.

use std::sync::{Mutex, PoisonError};

use super::{SmsError, SmsMessage, SmsSender};

/// Keeps the last messages in memory.
#[derive(Debug, Default)]
pub struct RecordingSms {
    messages: Mutex<Vec<SmsMessage>>,
    changed_sims: Mutex<Vec<String>>,
}

impl RecordingSms {
    /// How many messages are kept; older ones are forgotten.
    const KEPT: usize = 1000;

    /// From now on the number's SIM was changed a moment ago.
    pub fn change_sim(&self, to: &str) {
        let mut changed = self
            .changed_sims
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        changed.push(to.to_owned());
    }

    /// The messages kept, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<SmsMessage> {
        self.messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait::async_trait]
impl SmsSender for RecordingSms {
    async fn sim_changed_within(&self, to: &str, _hours: u32) -> Result<bool, SmsError> {
        let changed = self
            .changed_sims
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(changed.iter().any(|one| one == to))
    }

    async fn send(&self, message: &SmsMessage) -> Result<(), SmsError> {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if messages.len() == Self::KEPT {
            messages.remove(0);
        }
        messages.push(message.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn keeps_what_it_was_given_and_prints_none_of_it() {
        let sms = RecordingSms::default();
        let message = SmsMessage {
            to: "+79161234567".into(),
            text: "123456".into(),
            key: "k1".into(),
        };
        assert_eq!(sms.send(&message).await, Ok(()));
        assert_eq!(sms.messages(), vec![message]);
        assert!(!format!("{sms:?}").contains("123456"));
    }
}
