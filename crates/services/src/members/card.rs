//! The card that a member's device shows. The device gets its secret once and makes codes by itself, also offline.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::member_code::{LOCATOR_DIGITS, MemberCode, MemberNumber, STEP_SECONDS};
use store::error::StoreError;

use super::consents::{self, ConsentGateError};
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::ids::random_bytes;
use crate::transaction;

/// How often a locator is drawn again when it was taken.
const TRIES: u32 = 5;

/// A card.
#[derive(Clone, PartialEq, Eq)]
pub struct Card {
    /// The member's number.
    pub number: String,
    /// The number as a bar code (EAN-13).
    pub ean13: String,
    /// Names this device's card.
    pub locator: String,
    /// HMAC-SHA-256 key of the rotating code, base64url.
    pub secret: String,
    /// Seconds for which one code is shown.
    pub step_seconds: i64,
    /// The code of now.
    pub code: String,
}

impl std::fmt::Debug for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Card")
            .field("locator", &self.locator)
            .finish_non_exhaustive()
    }
}

/// The card of the device that asks; made when it asks first.
///
/// # Errors
/// [`ConsentGateError`].
pub async fn card(ctx: &Context, caller: &MemberCaller) -> Result<Card, ConsentGateError> {
    let (number, locator) = transaction::run(ctx, (ctx.clone(), *caller), |conn, (ctx, caller)| {
        Box::pin(async move {
            consents::require(conn, ctx, caller.member).await?;
            let missing = || StoreError(sqlx::Error::RowNotFound);
            let row = store::members::get(conn, caller.member)
                .await?
                .ok_or_else(missing)?;
            for _ in 0..TRIES {
                let (now, fresh) = (ctx.clock().now(), new_locator());
                let locator = store::member_cards::get_or_insert(
                    conn,
                    caller.member,
                    caller.session,
                    &fresh,
                    now,
                )
                .await?;
                if let Some(locator) = locator {
                    return Ok((row.number, locator));
                }
            }
            Err::<_, ConsentGateError>(missing().into())
        })
    })
    .await?;
    let secret = ctx.vault().card_secret(&locator);
    let code = MemberCode::generate(&locator, &secret, ctx.clock().now().timestamp());
    let ean13 =
        MemberNumber::parse(&number).map_or_else(|_| String::new(), |number| number.ean13());
    Ok(Card {
        number,
        ean13,
        secret: URL_SAFE_NO_PAD.encode(secret),
        step_seconds: STEP_SECONDS,
        code: code.to_string(),
        locator,
    })
}

fn new_locator() -> String {
    let number = u64::from_be_bytes(random_bytes()) % 1_000_000_000_000;
    format!("{number:0LOCATOR_DIGITS$}")
}
