//! Job: hands one text message over to whoever delivers it. The queue holds it sealed.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use connectors::sms::{SmsError, SmsMessage};
use domain::phone::Phone;
use jobs::{EnqueueError, Handler, Job, JobError, JobRun};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use store::error::StoreError;
use uuid::Uuid;

use super::development_outbox;
use crate::context::Context;
use crate::vault::{SealBroken, SealedField};

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendText {
    id: Uuid,
    recipient_sealed: String,
    text_sealed: String,
    worthless_after: DateTime<Utc>,
}

impl Job for SendText {
    const NAME: &'static str = "notifications.send_text";
    const MAX_ATTEMPTS: i16 = 5;
    const PRIORITY: i16 = -10;

    fn unique_key(&self) -> Option<String> {
        Some(format!("{}:{}", Self::NAME, self.id))
    }
}

impl Handler<Context> for SendText {
    async fn run(self, ctx: Context, _run: JobRun) -> Result<(), JobError> {
        if ctx.clock().now() > self.worthless_after {
            return Err(JobError::give_up(
                "the message came too late to be worth anything",
            ));
        }
        let open = |field, sealed: &str| -> Result<String, SealBroken> {
            let sealed = STANDARD_NO_PAD.decode(sealed).map_err(|_| SealBroken)?;
            ctx.vault().open_text(field, self.id.as_bytes(), &sealed)
        };
        let message = SmsMessage {
            to: open(SealedField::MessageRecipient, &self.recipient_sealed)
                .map_err(JobError::give_up)?,
            text: open(SealedField::MessageText, &self.text_sealed).map_err(JobError::give_up)?,
            key: self.id.to_string(),
        };
        ctx.sms().send(&message).await.map_err(|error| match error {
            SmsError::Unavailable(_) => JobError::retry(error),
            SmsError::Refused(_) => JobError::give_up(error),
        })
    }
}

/// Sends a text message when the caller's transaction commits; in development it is shown instead.
pub(crate) async fn send_text(
    conn: &mut PgConnection,
    ctx: &Context,
    phone: &Phone,
    text: &str,
    worth: TimeDelta,
) -> Result<(), StoreError> {
    if ctx.config().development {
        return development_outbox::keep(conn, ctx, phone, text).await;
    }
    let (id, now) = (ctx.ids().uuid(), ctx.clock().now());
    let seal = |field, plain: &str| {
        STANDARD_NO_PAD.encode(ctx.vault().seal(field, id.as_bytes(), plain.as_bytes()))
    };
    let job = SendText {
        id,
        recipient_sealed: seal(SealedField::MessageRecipient, phone.e164()),
        text_sealed: seal(SealedField::MessageText, text),
        worthless_after: now + worth,
    };
    match jobs::enqueue(conn, &job, now).await {
        Ok(_) => Ok(()),
        Err(EnqueueError::Database(error)) => Err(StoreError(error)),
        Err(error) => Err(StoreError(sqlx::Error::Encode(Box::new(error)))),
    }
}
