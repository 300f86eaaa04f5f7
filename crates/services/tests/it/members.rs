//! Members: found in every way, made when unknown, joined, changed, shown to a till.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveDate;
use domain::ids::MemberId;
use domain::member_code::{MemberCode, MemberNumber};
use domain::people::{Locale, MemberStatus};
use domain::rights::{OperatorRole, Scope};
use domain::text::Text;
use futures_util::future::join_all;
use services::auth::authenticate;
use services::auth::integration_keys::{CreateIntegrationKey, create_for};
use services::caller::{AccessError, TillCaller};
use services::context::Context;
use services::members::{
    ChangeProfile, GrantOperatorError, LookupError, LookupMember, MemberReference, OnUnknown,
    ProfileError, Proof, Unresolved, card, change_profile, grant_operator, lookup, profile,
    resolve_members,
};
use store::error::StoreError;

use crate::kit::{business, caller, phone, start, tokens};

async fn resolve(
    ctx: &Context,
    business: domain::ids::BusinessId,
    references: Vec<MemberReference>,
    on_unknown: OnUnknown,
) -> Vec<Result<MemberId, Unresolved>> {
    let ctx = &ctx.of(business);
    services::transaction::run(
        ctx,
        (ctx.clone(), references),
        move |conn, (ctx, references)| {
            Box::pin(
                async move { resolve_members(conn, ctx, business, references, on_unknown).await },
            )
        },
    )
    .await
    .map_err(|error: StoreError| error)
    .unwrap()
    .into_iter()
    .map(|found| found.map(|found| found.member))
    .collect()
}

async fn till(ctx: &Context, scopes: Vec<Scope>) -> TillCaller {
    let luna = business(ctx, "luna", None).await;
    let input = CreateIntegrationKey {
        name: Text::new("Касса").unwrap(),
        scopes,
        location: None,
        expires_at: None,
    };
    let key = create_for(ctx, luna, None, input).await.unwrap();
    authenticate(ctx, &key.secret)
        .await
        .unwrap()
        .into_till()
        .unwrap()
}

#[tokio::test]
async fn unknown_phones_and_customers_wait_and_keep_their_place() {
    let app = start().await;
    let ctx = &app.context;
    let (luna, sol) = (
        business(ctx, "luna", None).await,
        business(ctx, "sol", None).await,
    );
    let references = || {
        vec![
            MemberReference::Phone(phone("+79161234567")),
            MemberReference::Alias("C-1".to_owned()),
            MemberReference::Phone(phone("8 916 123-45-68")),
            MemberReference::Phone(phone("89161234567")),
            MemberReference::Alias("C-1".to_owned()),
        ]
    };
    let refused = resolve(ctx, luna, references(), OnUnknown::Refuse).await;
    assert!(
        refused
            .iter()
            .all(|found| *found == Err(Unresolved::Unknown))
    );
    let made = resolve(ctx, luna, references(), OnUnknown::CreateWaiting).await;
    assert_eq!((made[0], made[1]), (made[3], made[4]));
    let distinct: BTreeSet<_> = made.iter().map(|found| found.unwrap()).collect();
    assert_eq!(distinct.len(), 3);
    assert_eq!(
        resolve(ctx, luna, references(), OnUnknown::Refuse).await,
        made
    );
    let elsewhere = resolve(ctx, sol, references(), OnUnknown::Refuse).await;
    assert_eq!(
        (elsewhere[0], elsewhere[1]),
        (made[0], Err(Unresolved::Unknown))
    );
    let wallets: i64 = sqlx::query_scalar("select count(*) from wallets")
        .fetch_one(ctx.pool())
        .await
        .unwrap();
    assert_eq!(wallets, 3);
    let signed_in = tokens(&app, &phone("+79161234567")).await;
    assert_eq!(Ok(signed_in.member), made[0]);
}

#[tokio::test]
async fn many_at_once_make_one_member() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", None).await;
    for reference in [
        MemberReference::Phone(phone("+79161234567")),
        MemberReference::Alias("C-1".to_owned()),
    ] {
        let found = join_all(
            (0..16).map(|_| resolve(ctx, luna, vec![reference.clone()], OnUnknown::CreateWaiting)),
        )
        .await;
        let distinct: BTreeSet<_> = found.iter().map(|found| found[0].unwrap()).collect();
        assert_eq!(distinct.len(), 1, "{reference:?}");
    }
    let members: i64 = sqlx::query_scalar("select count(*) from members")
        .fetch_one(ctx.pool())
        .await
        .unwrap();
    assert_eq!(members, 2, "the losers of the race left nobody behind");
}

#[tokio::test]
async fn a_member_is_found_by_number_and_identifier() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", None).await;
    let anna = caller(&app, &phone("+79161234567"))
        .await
        .into_member()
        .unwrap();
    let number = MemberNumber::parse(&profile(ctx, &anna).await.unwrap().number).unwrap();
    let found = resolve(
        ctx,
        luna,
        vec![
            MemberReference::Number(number),
            MemberReference::Member(anna.member),
            MemberReference::Number(MemberNumber::from_random(1)),
            MemberReference::Member(ctx.ids().next()),
        ],
        OnUnknown::CreateWaiting,
    )
    .await;
    assert_eq!(found[..2], [Ok(anna.member), Ok(anna.member)]);
    assert_eq!(
        found[2..],
        [Err(Unresolved::Unknown), Err(Unresolved::Unknown)]
    );
}

#[tokio::test]
async fn a_till_sees_little_and_the_code_is_a_strong_proof() {
    let app = start().await;
    let ctx = &app.context;
    let anna = caller(&app, &phone("+79161234567"))
        .await
        .into_member()
        .unwrap();
    let change = ChangeProfile {
        name: Some(Some(Text::new("Анна Каренина").unwrap())),
        ..ChangeProfile::default()
    };
    change_profile(ctx, &anna, change).await.unwrap();
    let card = card(ctx, &anna).await.unwrap();
    assert_eq!(card.ean13.len(), 13);
    let till = till(ctx, vec![Scope::LoyaltyRead]).await;
    let ask = |reference| LookupMember {
        business: None,
        reference,
    };
    let seen = lookup(
        ctx,
        &till,
        ask(MemberReference::Phone(phone("+79161234567"))),
    )
    .await
    .unwrap();
    assert_eq!(seen.first_name.as_deref(), Some("Анна"));
    assert_eq!(seen.phone_masked.as_deref(), Some("+7916•••4567"));
    assert_eq!(
        (seen.status, seen.proof),
        (MemberStatus::Active, Proof::Weak)
    );
    let code = |text: &str| MemberReference::Code(MemberCode::parse(text).unwrap(), app.now());
    let seen = lookup(ctx, &till, ask(code(&card.code))).await.unwrap();
    assert_eq!(
        seen.proof,
        Proof::Code {
            step: app.now().timestamp() / 30
        }
    );
    app.advance(Duration::from_secs(61));
    assert!(matches!(
        lookup(ctx, &till, ask(code(&card.code))).await,
        Err(LookupError::NotFound(Unresolved::InvalidCode))
    ));
    assert!(matches!(
        lookup(
            ctx,
            &till,
            ask(MemberReference::Phone(phone("+79161234599")))
        )
        .await,
        Err(LookupError::NotFound(Unresolved::Unknown))
    ));
    let elsewhere = LookupMember {
        business: Some(ctx.ids().next()),
        reference: MemberReference::Member(anna.member),
    };
    assert!(matches!(
        lookup(ctx, &till, elsewhere).await,
        Err(LookupError::Access(AccessError::Unknown))
    ));
}

#[tokio::test]
async fn a_key_without_the_scope_finds_nobody() {
    let app = start().await;
    let till = till(&app.context, vec![Scope::TransactionsWrite]).await;
    let input = LookupMember {
        business: None,
        reference: MemberReference::Phone(phone("+79161234567")),
    };
    assert!(matches!(
        lookup(&app.context, &till, input).await,
        Err(LookupError::Access(AccessError::Forbidden))
    ));
}

#[tokio::test]
async fn a_card_is_one_a_sign_in_and_dies_with_it() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let luna = business(ctx, "luna", None).await;
    let here = caller(&app, &anna).await.into_member().unwrap();
    let first = card(ctx, &here).await.unwrap();
    let again = card(ctx, &here).await.unwrap();
    assert_eq!(
        (&first.locator, &first.secret),
        (&again.locator, &again.secret)
    );
    let there = caller(&app, &anna).await.into_member().unwrap();
    assert_ne!(card(ctx, &there).await.unwrap().locator, first.locator);
    services::auth::sessions::logout(ctx, &here).await.unwrap();
    let now = app.now();
    let shown = MemberCode::generate(
        &first.locator,
        &ctx.vault().card_secret(&first.locator),
        now.timestamp(),
    );
    let found = resolve(
        ctx,
        luna,
        vec![MemberReference::Code(shown, now)],
        OnUnknown::Refuse,
    )
    .await;
    assert_eq!(found, [Err(Unresolved::InvalidCode)]);
}

#[tokio::test]
async fn a_profile_is_changed_by_field_and_version() {
    let app = start().await;
    let ctx = &app.context;
    let anna = caller(&app, &phone("+79161234567"))
        .await
        .into_member()
        .unwrap();
    let before = profile(ctx, &anna).await.unwrap();
    assert_eq!(
        (before.version, before.locale, &before.name),
        (1, Locale::Ru, &None)
    );
    assert_eq!(before.phone, Some(phone("+79161234567")));
    let birthday = NaiveDate::from_ymd_opt(2000, 2, 29).unwrap();
    let change = ChangeProfile {
        version: Some(1),
        name: Some(Some(Text::new("Анна").unwrap())),
        birthday: Some(Some(birthday)),
        locale: Some(Locale::En),
        email: None,
    };
    let after = change_profile(ctx, &anna, change.clone()).await.unwrap();
    assert_eq!(
        (after.name.as_deref(), after.birthday),
        (Some("Анна"), Some(birthday))
    );
    assert_eq!((after.version, after.locale), (2, Locale::En));
    assert!(matches!(
        change_profile(ctx, &anna, change).await,
        Err(ProfileError::Stale)
    ));
    let empty = ChangeProfile {
        name: Some(None),
        ..ChangeProfile::default()
    };
    let emptied = change_profile(ctx, &anna, empty).await.unwrap();
    assert_eq!((emptied.name, emptied.birthday), (None, Some(birthday)));
    let unborn = ChangeProfile {
        birthday: Some(NaiveDate::from_ymd_opt(2030, 1, 1)),
        ..ChangeProfile::default()
    };
    assert!(matches!(
        change_profile(ctx, &anna, unborn).await,
        Err(ProfileError::ImpossibleBirthday)
    ));
}

#[tokio::test]
async fn the_first_admin_comes_from_the_command_line() {
    let app = start().await;
    let (ctx, boss) = (&app.context, phone("+79161234567"));
    let before = caller(&app, &boss).await;
    assert!(before.into_operator().is_err());
    let signed_in = tokens(&app, &boss).await;
    assert!(
        authenticate(ctx, &signed_in.access_token)
            .await
            .unwrap()
            .into_operator()
            .is_err()
    );
    let member = grant_operator(ctx, &boss, OperatorRole::Admin)
        .await
        .unwrap();
    let operator = authenticate(ctx, &signed_in.access_token)
        .await
        .unwrap()
        .into_operator()
        .unwrap();
    assert_eq!(
        (operator.member, operator.roles),
        (member, vec![OperatorRole::Admin])
    );
    assert!(matches!(
        grant_operator(ctx, &phone("+74951234567"), OperatorRole::Admin).await,
        Err(GrantOperatorError::PhoneNotServed)
    ));
}
