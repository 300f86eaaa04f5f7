//! How a person of the demonstration joins: asks for a code by phone, reads it in the development outbox, signs in, and
//! fills in the profile.

use std::time::Duration;

use anyhow::Context as _;
use domain::phone::{Phone, Region};
use domain::text::Text;
use services::auth::authenticate;
use services::auth::origin::Origin;
use services::auth::request_code::{RequestCode, RequestCodeError, request_code};
use services::auth::sign_in::{self, SignIn};
use services::caller::MemberCaller;
use services::context::Context;
use services::members::{ChangeProfile, Joining, change_profile};
use services::notifications::development_outbox;

use super::people::Person;

/// Joins and fills in name, birthday and language.
///
/// # Errors
/// If a service refuses or the database fails.
pub(super) async fn joined_as(ctx: &Context, person: &Person) -> anyhow::Result<MemberCaller> {
    let caller = sign_in(ctx, person).await?;
    let profile = ChangeProfile {
        version: None,
        name: Some(Some(Text::new(&person.name)?)),
        birthday: Some(Some(person.birthday)),
        email: None,
        locale: Some(person.locale),
    };
    change_profile(ctx, &caller, profile).await?;
    Ok(caller)
}

/// Signs in by phone and code.
///
/// # Errors
/// If a service refuses or the database fails.
pub(super) async fn sign_in(ctx: &Context, person: &Person) -> anyhow::Result<MemberCaller> {
    let phone = Phone::parse(&person.phone, Region::RU)?;
    let asked = RequestCode {
        phone: phone.clone(),
        locale: person.locale,
        origin: Origin::default(),
    };
    let challenge = match request_code(ctx, asked.clone()).await {
        // Asked for a moment ago, before the filling was broken off, or a limit is used up: the clock is ours to move.
        Err(
            RequestCodeError::TooMany { retry_after }
            | RequestCodeError::LimitReached { retry_after, .. }
            | RequestCodeError::BudgetUsedUp { retry_after },
        ) => {
            let wait = Duration::from_secs(retry_after.into());
            ctx.clock().advance(wait);
            request_code(ctx, asked).await?
        }
        answer => answer?,
    };
    let newest = development_outbox::list(ctx, Some(&phone), 1).await?;
    let text = newest.first().context("no message was kept")?.text.clone();
    let tokens = sign_in::sign_in(
        ctx,
        SignIn {
            phone,
            challenge: challenge.id,
            code: code_in(&text).context("a message without a code")?,
            device: Some(Text::new("Телефон")?),
            origin: Origin::default(),
            joining: Joining::agreeing(ctx).await?,
            recovery_code: None,
        },
    )
    .await?;
    let caller = authenticate(ctx, &tokens.access_token).await?;
    Ok(caller.into_member()?)
}

/// The first six digits in a row.
fn code_in(text: &str) -> Option<String> {
    text.split(|letter: char| !letter.is_ascii_digit())
        .find(|digits| digits.len() == 6)
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_code_is_found_in_the_message() {
        let text = "Код для входа: 012345. Никому его не говорите.\n\n@127.0.0.1 #012345";
        assert_eq!(super::code_in(text).as_deref(), Some("012345"));
        assert_eq!(super::code_in("12 345"), None);
    }
}
