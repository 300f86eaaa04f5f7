//! Asking for a one-time code by text message, to sign in. The answer is the same whether or not the phone is a member's.

use domain::people::{CodePurpose, Locale};
use domain::phone::Phone;
use shared_state::Health;
use store::error::StoreError;

use super::one_time_code::{self, Ask, Refused, is_served, seconds_until};
use super::origin::Origin;
use crate::context::Context;
use crate::limits::LimitError;
use crate::transaction;

pub use super::one_time_code::{Challenge, LIFE, RESEND_AFTER};

/// A number whose SIM was changed so recently gets no code, where the provider can tell.
const SIM_SETTLES_IN_HOURS: u32 = 72;

/// Seconds after which whoever counts is looked for again.
const COUNTED_AGAIN_AFTER: u32 = 5;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct RequestCode {
    /// Where the code goes.
    pub phone: Phone,
    /// The language of the message.
    pub locale: Locale,
    /// Where the request comes from.
    pub origin: Origin,
}

/// Why no code was sent.
#[derive(Debug, thiserror::Error)]
pub enum RequestCodeError {
    /// The number is not a mobile one of a country that is served, or its SIM was changed a moment ago.
    #[error("codes are sent only to mobile numbers of the countries that are served")]
    PhoneNotServed,
    /// Too often for this phone.
    #[error("too many codes for this phone")]
    TooMany {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// Too often for the network, the device, the prefix or the country.
    #[error("too many codes: {limit}")]
    LimitReached {
        /// Which limit.
        limit: &'static str,
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The prefix or the country was stopped.
    #[error("no codes are sent there for now")]
    Stopped {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The programme's budget of messages is used up.
    #[error("no more messages are sent for now")]
    BudgetUsedUp {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// Nobody delivers messages here.
    #[error("no provider of text messages is configured")]
    NoProvider,
    /// Nothing can be counted just now, so nothing is sent.
    #[error("the limits cannot be counted just now: {reason}")]
    NotCounted {
        /// What is away, for the log.
        reason: String,
        /// Seconds to wait.
        retry_after: u32,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<LimitError> for RequestCodeError {
    fn from(error: LimitError) -> Self {
        match error {
            LimitError::Unavailable(reason) => not_counted(reason),
            LimitError::Store(error) => Self::Store(error),
        }
    }
}

/// Sends a code for signing in.
///
/// # Errors
/// See [`RequestCodeError`].
pub async fn request_code(
    ctx: &Context,
    input: RequestCode,
) -> Result<Challenge, RequestCodeError> {
    send_code(ctx, input, CodePurpose::SignIn).await
}

/// Sends a code for `purpose`.
pub(crate) async fn send_code(
    ctx: &Context,
    input: RequestCode,
    purpose: CodePurpose,
) -> Result<Challenge, RequestCodeError> {
    if !is_served(ctx, &input.phone) {
        return Err(RequestCodeError::PhoneNotServed);
    }
    if !ctx.config().development && !ctx.sms().delivers() {
        tracing::error!("a code was asked for, and no provider of text messages is configured");
        return Err(RequestCodeError::NoProvider);
    }
    if ctx.shared().health() == Health::Degraded {
        return Err(not_counted("what all processes share is away".to_owned()));
    }
    if sim_changed(ctx, &input.phone).await {
        return Err(RequestCodeError::PhoneNotServed);
    }
    let refused = transaction::run(ctx, (ctx.clone(), input), move |conn, (ctx, input)| {
        Box::pin(async move {
            let ask = Ask {
                phone: &input.phone,
                locale: input.locale,
                purpose,
                origin: &input.origin,
            };
            Ok::<_, RequestCodeError>(one_time_code::issue(conn, ctx, ask).await?)
        })
    });
    let now = ctx.clock().now();
    refused.await?.map_err(|refused| match refused {
        Refused::Phone(until) => RequestCodeError::TooMany {
            retry_after: seconds_until(until, now),
        },
        Refused::Limit(used_up) => RequestCodeError::LimitReached {
            limit: used_up.limit.name,
            retry_after: seconds_until(used_up.until, now),
        },
        Refused::Budget(used_up) => RequestCodeError::BudgetUsedUp {
            retry_after: seconds_until(used_up.until, now),
        },
        Refused::Stopped(until) => RequestCodeError::Stopped {
            retry_after: seconds_until(until, now),
        },
    })
}

fn not_counted(reason: String) -> RequestCodeError {
    metrics::counter!("codes_refused_uncounted_total").increment(1);
    RequestCodeError::NotCounted {
        reason,
        retry_after: COUNTED_AGAIN_AFTER,
    }
}

/// What the provider knows of the SIM; one that knows nothing or does not answer stops nobody.
async fn sim_changed(ctx: &Context, phone: &Phone) -> bool {
    let changed = ctx
        .sms()
        .sim_changed_within(phone.e164(), SIM_SETTLES_IN_HOURS)
        .await;
    match changed {
        Ok(changed) => changed,
        Err(error) => {
            tracing::warn!(%error, "whether a SIM was changed could not be asked");
            false
        }
    }
}
