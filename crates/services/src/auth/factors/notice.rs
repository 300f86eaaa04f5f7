//! Tells a person, by text message, that something about signing in was changed, so that a stranger's change is noticed.

use chrono::TimeDelta;
use domain::audit::{Action, ObjectKind};
use domain::ids::MemberId;
use domain::people::Locale;
use serde_json::json;
use sqlx::PgConnection;
use store::error::StoreError;

use crate::audit_log::{self, Entry};
use crate::auth::session_state::known;
use crate::context::Context;
use crate::members::open_phone;
use crate::notifications::send_text::send_text;

/// For how long the message is worth sending.
const WORTH: TimeDelta = TimeDelta::hours(24);

/// What was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// A passkey was enrolled.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// The password was set.
    PasswordSet,
    /// An authenticator was enrolled.
    AuthenticatorAdded,
    /// The authenticator was removed.
    AuthenticatorRemoved,
    /// New recovery codes were made.
    RecoveryCodesMade,
    /// Somebody signed in with a recovery code.
    CameBack,
    /// An admin removed them all.
    Reset,
}

impl Change {
    const fn name(self) -> &'static str {
        match self {
            Self::PasskeyAdded => "passkey_added",
            Self::PasskeyRemoved => "passkey_removed",
            Self::PasswordSet => "password_set",
            Self::AuthenticatorAdded => "authenticator_added",
            Self::AuthenticatorRemoved => "authenticator_removed",
            Self::RecoveryCodesMade => "recovery_codes_made",
            Self::CameBack => "came_back",
            Self::Reset => "reset",
        }
    }

    const fn action(self) -> Action {
        match self {
            Self::PasskeyAdded | Self::AuthenticatorAdded => Action::FactorAdd,
            Self::PasskeyRemoved | Self::AuthenticatorRemoved | Self::Reset => Action::FactorRemove,
            Self::PasswordSet => Action::PasswordSet,
            Self::RecoveryCodesMade => Action::RecoveryMake,
            Self::CameBack => Action::RecoveryUse,
        }
    }

    const fn text(self, locale: Locale) -> &'static str {
        match (self, locale) {
            (Self::PasskeyAdded, Locale::Ru) => "Добавлен ключ входа.",
            (Self::PasskeyAdded, Locale::En) => "A passkey was added.",
            (Self::PasskeyRemoved, Locale::Ru) => "Ключ входа удалён.",
            (Self::PasskeyRemoved, Locale::En) => "A passkey was removed.",
            (Self::PasswordSet, Locale::Ru) => "Пароль изменён.",
            (Self::PasswordSet, Locale::En) => "The password was changed.",
            (Self::AuthenticatorAdded, Locale::Ru) => "Подключено приложение с кодами.",
            (Self::AuthenticatorAdded, Locale::En) => "An authenticator was added.",
            (Self::AuthenticatorRemoved, Locale::Ru) => "Приложение с кодами отключено.",
            (Self::AuthenticatorRemoved, Locale::En) => "The authenticator was removed.",
            (Self::RecoveryCodesMade, Locale::Ru) => "Созданы новые коды восстановления.",
            (Self::RecoveryCodesMade, Locale::En) => "New recovery codes were made.",
            (Self::CameBack, Locale::Ru) => "Вход по коду восстановления.",
            (Self::Reset, Locale::Ru) => "Все способы входа сброшены.",
            (Self::Reset, Locale::En) => "All ways to sign in were reset.",
            (Self::CameBack, Locale::En) => "A recovery code was used to sign in.",
        }
    }
}

/// Notes a change and tells its person, when the caller's transaction commits.
pub(crate) async fn tell(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    change: Change,
) -> Result<(), StoreError> {
    let entry = Entry::of(change.action(), ObjectKind::Factor).id(member);
    let entry = entry.after(json!({ "change": change.name() }));
    audit_log::record(conn, ctx, entry).await?;
    metrics::counter!("factor_changes_total", "change" => change.name()).increment(1);
    let row = store::members::get(conn, member)
        .await?
        .ok_or(StoreError(sqlx::Error::RowNotFound))?;
    let Some(phone) = open_phone(ctx, member, row.phone_sealed.as_deref())? else {
        return Ok(());
    };
    let locale = known::<Locale>(&row.locale)?;
    let ask = match locale {
        Locale::Ru => "Если это не вы, сообщите нам.",
        Locale::En => "If it was not you, tell us.",
    };
    let text = format!("{} {ask}", change.text(locale));
    send_text(conn, ctx, &phone, &text, WORTH).await
}
