//! The programme's settings and its master key.

use std::time::Duration;

use domain::programme::ProgrammeSettings;
use domain::rights::OperatorRole;
use services::caller::AccessError;
use services::context::{Context, ContextParts, ServiceConfig};
use services::members::grant_operator;
use services::programme::{
    ChangeProgramme, ChangeProgrammeError, StartError, change, current, start as begin,
};
use services::vault::Vault;
use test_kit::TestApp;

use crate::kit::{caller, phone, settings, start};

/// Another process on the same database.
fn beside(app: &TestApp, master_key: u8) -> Context {
    Context::new(ContextParts {
        pool: app.context.pool().clone(),
        clock: app.context.clock().clone(),
        ids: app.context.ids().clone(),
        vault: Vault::new(&[master_key; 32]),
        sms: app.context.sms().clone(),
        config: ServiceConfig::default(),
    })
}

#[tokio::test]
async fn another_master_key_is_refused() {
    let app = start().await;
    let other = beside(&app, 99);
    let refused = begin(&other, &settings()).await;
    assert!(matches!(refused, Err(StartError::OtherMasterKey)));
    assert!(begin(&app.context, &settings()).await.is_ok());
}

#[tokio::test]
async fn the_first_settings_stay() {
    let app = start().await;
    let before = current(&app.context).await.unwrap();
    let other = ProgrammeSettings::starting("Other", "EUR", "Europe/Berlin".parse().unwrap());
    begin(&app.context, &other).await.unwrap();
    app.advance(Duration::from_secs(5));
    assert_eq!(current(&app.context).await.unwrap(), before);
}

#[tokio::test]
async fn a_change_holds_here_at_once_and_elsewhere_within_seconds() {
    let app = start().await;
    let ctx = &app.context;
    grant_operator(ctx, &phone("+79160000001"), OperatorRole::Admin)
        .await
        .unwrap();
    grant_operator(ctx, &phone("+79160000002"), OperatorRole::Support)
        .await
        .unwrap();
    let admin = caller(&app, &phone("+79160000001"))
        .await
        .into_operator()
        .unwrap();
    let support = caller(&app, &phone("+79160000002"))
        .await
        .into_operator()
        .unwrap();
    let elsewhere = services_elsewhere(&app);
    let before = current(&elsewhere).await.unwrap();
    let input = |version, name: &str| ChangeProgramme {
        version,
        settings: ProgrammeSettings {
            name: name.to_owned(),
            ..before.settings.clone()
        },
    };
    assert!(matches!(
        change(ctx, &support, input(before.version, "x")).await,
        Err(ChangeProgrammeError::Access(AccessError::Forbidden))
    ));
    let after = change(ctx, &admin, input(before.version, "Новый круг"))
        .await
        .unwrap();
    assert_eq!(
        (after.version, after.settings.name.as_str()),
        (before.version + 1, "Новый круг")
    );
    assert_eq!(current(ctx).await.unwrap(), after);
    app.advance(Duration::from_secs(5));
    assert_eq!(current(&elsewhere).await.unwrap(), after);
    assert!(matches!(
        change(ctx, &admin, input(before.version, "y")).await,
        Err(ChangeProgrammeError::Stale)
    ));
    assert!(matches!(
        change(ctx, &admin, input(after.version, "")).await,
        Err(ChangeProgrammeError::Invalid(_))
    ));
}

fn services_elsewhere(app: &TestApp) -> Context {
    beside(app, 7)
}
