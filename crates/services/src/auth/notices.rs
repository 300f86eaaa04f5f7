//! What a member is told of what happened to the account, by a text message to its phone.

use chrono::TimeDelta;
use domain::ids::MemberId;
use domain::people::Locale;
use domain::phone::Phone;
use sqlx::PgConnection;
use store::error::StoreError;

use super::session_state::known;
use crate::context::Context;
use crate::members::open_phone;
use crate::notifications::send_text::send_text;

/// How long a notice is worth sending.
const WORTH: TimeDelta = TimeDelta::hours(24);

/// What a member is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notice {
    /// A sign-in was ended because somebody had a copy of its token.
    SignInCopied,
    /// The account has another phone now.
    PhoneChanged,
}

impl Notice {
    const fn text(self, locale: Locale) -> &'static str {
        match (self, locale) {
            (Self::SignInCopied, Locale::Ru) => {
                "Один из ваших входов завершён: его ключом воспользовались дважды. Войдите снова и проверьте список устройств."
            }
            (Self::SignInCopied, Locale::En) => {
                "One of your sign-ins was ended: its key was used twice. Sign in again and look at your devices."
            }
            (Self::PhoneChanged, Locale::Ru) => {
                "Номер вашего счёта изменён. Если это не вы, сразу сообщите в поддержку: сутки баллы не списываются."
            }
            (Self::PhoneChanged, Locale::En) => {
                "The phone of your account was changed. If it was not you, tell support at once: for a day no points are spent."
            }
        }
    }
}

/// Tells a member, by a text message to the phone of the account.
pub(super) async fn tell(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    notice: Notice,
) -> Result<(), StoreError> {
    let Some(row) = store::members::get(conn, member).await? else {
        return Ok(());
    };
    let locale = known::<Locale>(&row.locale)?;
    match open_phone(ctx, member, row.phone_sealed.as_deref())? {
        Some(phone) => tell_phone(conn, ctx, &phone, locale, notice).await,
        None => Ok(()),
    }
}

/// Tells whoever has this phone.
pub(super) async fn tell_phone(
    conn: &mut PgConnection,
    ctx: &Context,
    phone: &Phone,
    locale: Locale,
    notice: Notice,
) -> Result<(), StoreError> {
    send_text(conn, ctx, phone, notice.text(locale), WORTH).await
}
