//! What these tests share: a started service, phones, people signed in.

use std::time::Duration;

use domain::ids::BusinessId;
use domain::money::{BasisPoints, Money};
use domain::people::Locale;
use domain::phone::{Phone, Region};
use domain::programme::ProgrammeSettings;
use domain::text::{Slug, Text};
use services::auth::origin::Origin;
use services::auth::request_code::{Challenge, RequestCode, RequestCodeError, request_code};
use services::auth::sessions::strengthen_as_system;
use services::auth::sign_in::{SignIn, SignInError, sign_in};
use services::auth::{Tokens, authenticate};
use services::businesses::{CreateBusiness, create_as_system};
use services::caller::Caller;
use services::context::Context;
use services::members::Joining;
use services::notifications::development_outbox;
use test_kit::TestApp;

pub async fn start() -> TestApp {
    TestApp::start().await
}

pub fn settings() -> ProgrammeSettings {
    ProgrammeSettings::starting("Свой Круг", "RUB", "Europe/Moscow".parse().expect("a zone"))
}

pub fn phone(text: &str) -> Phone {
    Phone::parse(text, Region::RU).expect("a phone")
}

pub async fn ask(ctx: &Context, phone: &Phone) -> Result<Challenge, RequestCodeError> {
    let input = RequestCode {
        phone: phone.clone(),
        locale: Locale::Ru,
        origin: Origin::default(),
    };
    request_code(ctx, input).await
}

pub async fn code_of(ctx: &Context, phone: &Phone) -> String {
    let messages = development_outbox::list(ctx, Some(phone), 1)
        .await
        .expect("the outbox");
    let text = &messages.first().expect("a message").text;
    text.rsplit('#').next().expect("a code").to_owned()
}

/// Another code than this one.
pub fn wrong(code: &str) -> String {
    let other = if code.starts_with('0') { "1" } else { "0" };
    format!("{other}{}", &code[1..])
}

pub async fn answer(
    ctx: &Context,
    phone: &Phone,
    challenge: Challenge,
    code: &str,
) -> Result<Tokens, SignInError> {
    let input = SignIn {
        phone: phone.clone(),
        challenge: challenge.id,
        code: code.to_owned(),
        device: Some(Text::new("Телефон").expect("a name")),
        recovery_code: None,
        origin: Origin::default(),
        joining: Joining::agreeing(ctx).await.expect("the texts"),
    };
    sign_in(ctx, input).await
}

/// Signs a person in, with every role that the person has. Lets a minute pass first, so that a code may be asked for again.
pub async fn tokens(app: &TestApp, phone: &Phone) -> Tokens {
    app.advance(Duration::from_secs(61));
    let challenge = ask(&app.context, phone).await.expect("a code is sent");
    let code = code_of(&app.context, phone).await;
    let tokens = answer(&app.context, phone, challenge, &code)
        .await
        .expect("the code is right");
    strengthen_as_system(&app.context, tokens.session)
        .await
        .expect("the sign-in is there");
    tokens
}

pub async fn caller(app: &TestApp, phone: &Phone) -> Caller {
    let tokens = tokens(app, phone).await;
    authenticate(&app.context, &tokens.access_token)
        .await
        .expect("the token is valid")
}

pub async fn business(ctx: &Context, slug: &str, owner: Option<&str>) -> BusinessId {
    let input = CreateBusiness {
        slug: Slug::new(slug).expect("a slug"),
        name: Text::new("Кафе «Луна»").expect("a name"),
        category: "food".to_owned(),
        description_ru: None,
        description_en: None,
        base_rate: BasisPoints::new(500),
        share_cap: None,
        spend_without_code_up_to: Money::ZERO,
        owner: owner.map(phone),
    };
    create_as_system(ctx, input)
        .await
        .expect("the business is added")
        .id
}
