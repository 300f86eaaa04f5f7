//! Text messages outside development: through the queue, sealed, and not when they are worth nothing any more.

use std::sync::Arc;
use std::time::Duration;

use connectors::sms::RecordingSms;
use jobs::{Registry, drain};
use services::context::{Context, ContextParts, ServiceConfig};
use services::notifications::development_outbox::{self, DevelopmentOutboxError};
use services::notifications::send_text::SendText;
use services::vault::Vault;
use test_kit::TestApp;

use crate::kit::{answer, ask, phone, start};

/// The same service, not in development.
fn production(app: &TestApp) -> (Context, Arc<RecordingSms>) {
    let sms = Arc::new(RecordingSms::default());
    let context = Context::new(ContextParts {
        pool: app.context.pool().clone(),
        clock: app.context.clock().clone(),
        ids: app.context.ids().clone(),
        vault: Vault::new(&[7; 32]),
        sms: sms.clone(),
        config: ServiceConfig::default(),
    });
    (context, sms)
}

fn registry() -> Registry<Context> {
    Registry::new().job::<SendText>()
}

#[tokio::test]
async fn a_code_is_sent_by_the_queue_which_cannot_read_it() {
    let app = start().await;
    let (ctx, sms) = production(&app);
    let anna = phone("+79161234567");
    let challenge = ask(&ctx, &anna).await.unwrap();
    let payload: String =
        sqlx::query_scalar("select payload::text from graphile_worker._private_jobs")
            .fetch_one(ctx.pool())
            .await
            .unwrap();
    let ran = drain(ctx.pool(), &registry(), &ctx, app.now())
        .await
        .unwrap();
    assert_eq!(ran.names(), ["notifications.send_text"]);
    let sent = sms.messages();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].to, "+79161234567");
    let code = sent[0].text.rsplit('#').next().unwrap();
    assert!(
        !payload.contains(code) && !payload.contains("9161234567"),
        "{payload}"
    );
    assert!(answer(&ctx, &anna, challenge, code).await.is_ok());
    assert!(matches!(
        development_outbox::list(&ctx, None, 1).await,
        Err(DevelopmentOutboxError::NotDevelopment)
    ));
}

#[tokio::test]
async fn a_code_that_came_too_late_is_not_sent() {
    let app = start().await;
    let (ctx, sms) = production(&app);
    ask(&ctx, &phone("+79161234567")).await.unwrap();
    app.advance(Duration::from_secs(301));
    let ran = drain(ctx.pool(), &registry(), &ctx, app.now())
        .await
        .unwrap();
    assert_eq!(ran.failures().len(), 1);
    assert!(sms.messages().is_empty());
}

#[tokio::test]
async fn without_a_provider_a_code_is_refused_when_it_is_asked_for() {
    let app = start().await;
    let ctx = Context::new(ContextParts {
        pool: app.context.pool().clone(),
        clock: app.context.clock().clone(),
        ids: app.context.ids().clone(),
        vault: Vault::new(&[7; 32]),
        sms: Arc::new(connectors::sms::NoSms),
        config: ServiceConfig::default(),
    });
    let input = services::auth::request_code::RequestCode {
        phone: phone("+79161234567"),
        locale: domain::people::Locale::Ru,
        origin: services::auth::origin::Origin::default(),
    };
    let refused = services::auth::request_code::request_code(&ctx, input).await;
    assert!(matches!(
        refused,
        Err(services::auth::request_code::RequestCodeError::NoProvider)
    ));
}
