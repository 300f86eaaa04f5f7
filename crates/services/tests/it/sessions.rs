//! Sign-ins: renewing, reuse, ending, and the keys behind the tokens.

use std::time::Duration;

use futures_util::future::join_all;
use services::auth::origin::Origin;
use services::auth::refresh::{RefreshError, refresh};
use services::auth::rotate_keys::rotate_if_due;
use services::auth::{AuthError, authenticate, sessions, signing_keys};
use services::members::card;

use crate::kit::{caller, phone, start, tokens};

#[tokio::test]
async fn a_refresh_token_gives_the_next_pair() {
    let app = start().await;
    let ctx = &app.context;
    let first = tokens(&app, &phone("+79161234567")).await;
    app.advance(Duration::from_secs(600));
    let second = refresh(ctx, &first.refresh_token, &Origin::default())
        .await
        .unwrap();
    assert_ne!(first.refresh_token, second.refresh_token);
    assert_eq!(first.session, second.session);
    assert!(authenticate(ctx, &second.access_token).await.is_ok());
    app.advance(Duration::from_secs(31));
    assert!(matches!(
        authenticate(ctx, &first.access_token).await,
        Err(AuthError::Invalid("expired"))
    ));
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_the_family_lives() {
    let app = start().await;
    let ctx = &app.context;
    let first = tokens(&app, &phone("+79161234567")).await;
    let nowhere = Origin::default();
    let answers = join_all((0..20).map(|_| refresh(ctx, &first.refresh_token, &nowhere))).await;
    let second = answers[0].as_ref().unwrap().refresh_token.clone();
    for answer in &answers {
        assert_eq!(answer.as_ref().unwrap().refresh_token, second);
    }
    app.advance(Duration::from_secs(10));
    assert_eq!(
        refresh(ctx, &first.refresh_token, &Origin::default())
            .await
            .unwrap()
            .refresh_token,
        second
    );
    assert!(refresh(ctx, &second, &Origin::default()).await.is_ok());
}

#[tokio::test]
async fn reuse_ends_the_family() {
    let app = start().await;
    let ctx = &app.context;
    let first = tokens(&app, &phone("+79161234567")).await;
    let second = refresh(ctx, &first.refresh_token, &Origin::default())
        .await
        .unwrap();
    app.advance(Duration::from_secs(11));
    assert!(matches!(
        refresh(ctx, &first.refresh_token, &Origin::default()).await,
        Err(RefreshError::Reused)
    ));
    assert!(matches!(
        refresh(ctx, &second.refresh_token, &Origin::default()).await,
        Err(RefreshError::Invalid)
    ));
    assert!(authenticate(ctx, &second.access_token).await.is_err());
}

#[tokio::test]
async fn a_grandparent_is_reuse_also_within_the_grace() {
    let app = start().await;
    let ctx = &app.context;
    let first = tokens(&app, &phone("+79161234567")).await;
    let second = refresh(ctx, &first.refresh_token, &Origin::default())
        .await
        .unwrap();
    let third = refresh(ctx, &second.refresh_token, &Origin::default())
        .await
        .unwrap();
    assert!(matches!(
        refresh(ctx, &first.refresh_token, &Origin::default()).await,
        Err(RefreshError::Reused)
    ));
    assert!(matches!(
        refresh(ctx, &third.refresh_token, &Origin::default()).await,
        Err(RefreshError::Invalid)
    ));
}

#[tokio::test]
async fn a_sign_in_ends_after_thirty_days_of_rest() {
    let app = start().await;
    let ctx = &app.context;
    let first = tokens(&app, &phone("+79161234567")).await;
    app.advance(Duration::from_secs(29 * 86_400));
    let second = refresh(ctx, &first.refresh_token, &Origin::default())
        .await
        .unwrap();
    app.advance(Duration::from_secs(30 * 86_400));
    assert!(matches!(
        refresh(ctx, &second.refresh_token, &Origin::default()).await,
        Err(RefreshError::Invalid)
    ));
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused() {
    let app = start().await;
    let stranger = format!("ocr_{}", "A".repeat(43));
    for text in ["", "ocr_", "eyJhbGciOiJSUzI1NiJ9.e30.x", stranger.as_str()] {
        assert!(matches!(
            refresh(&app.context, text, &Origin::default()).await,
            Err(RefreshError::Invalid)
        ));
    }
}

#[tokio::test]
async fn an_ended_sign_in_stops_its_access_tokens_at_once() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let lost = tokens(&app, &anna).await;
    assert!(authenticate(ctx, &lost.access_token).await.is_ok());
    let here = caller(&app, &anna).await.into_member().unwrap();
    let listed = sessions::list(ctx, &here).await.unwrap();
    assert_eq!(listed.iter().filter(|session| session.current).count(), 1);
    assert_eq!(listed.len(), 2);
    sessions::end(ctx, &here, lost.session).await.unwrap();
    assert!(authenticate(ctx, &lost.access_token).await.is_err());
    assert!(
        refresh(ctx, &lost.refresh_token, &Origin::default())
            .await
            .is_err()
    );
    assert!(sessions::end(ctx, &here, lost.session).await.is_err());
    sessions::logout(ctx, &here).await.unwrap();
    assert!(sessions::list(ctx, &here).await.unwrap().is_empty());
}

#[tokio::test]
async fn nobody_ends_anothers_sign_in() {
    let app = start().await;
    let ctx = &app.context;
    let annas = tokens(&app, &phone("+79161234567")).await;
    let boris = caller(&app, &phone("+79161234568"))
        .await
        .into_member()
        .unwrap();
    assert!(matches!(
        sessions::end(ctx, &boris, annas.session).await,
        Err(sessions::EndSessionError::Unknown)
    ));
    assert!(authenticate(ctx, &annas.access_token).await.is_ok());
}

#[tokio::test]
async fn an_end_elsewhere_is_seen_within_five_seconds() {
    let app = start().await;
    let ctx = &app.context;
    let tokens = tokens(&app, &phone("+79161234567")).await;
    assert!(authenticate(ctx, &tokens.access_token).await.is_ok());
    sqlx::query("update sessions set ended_at = $1, end_reason = 'ended'")
        .bind(app.now())
        .execute(ctx.pool())
        .await
        .unwrap();
    app.advance(Duration::from_secs(5));
    assert!(authenticate(ctx, &tokens.access_token).await.is_err());
}

#[tokio::test]
async fn a_blocked_member_is_out() {
    let app = start().await;
    let ctx = &app.context;
    let tokens = tokens(&app, &phone("+79161234567")).await;
    sqlx::query("update members set status = 'blocked'")
        .execute(ctx.pool())
        .await
        .unwrap();
    app.advance(Duration::from_secs(5));
    assert!(authenticate(ctx, &tokens.access_token).await.is_err());
    assert!(
        refresh(ctx, &tokens.refresh_token, &Origin::default())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn keys_rotate_and_tokens_live_on() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let before = tokens(&app, &anna).await;
    let keys = signing_keys::rotate(ctx, signing_keys::Haste::Now)
        .await
        .unwrap();
    let kid_of = |state: &str| {
        let mut found = keys.iter().filter(|key| key.state == state);
        let kid = found.next().unwrap().kid.clone();
        assert!(found.next().is_none(), "{state} is only one");
        kid
    };
    let current = kid_of("current");
    assert_ne!(kid_of("retired"), kid_of("next"));
    let jwks = signing_keys::jwks(ctx).await.unwrap();
    let published = jwks["keys"].as_array().unwrap();
    assert_eq!(published.len(), 3);
    for key in published {
        assert_eq!(
            (&key["kty"], &key["alg"], &key["use"]),
            (&"RSA".into(), &"RS256".into(), &"sig".into())
        );
        assert!(key.get("d").is_none());
    }
    let key = published
        .iter()
        .find(|key| key["kid"] == current.as_str())
        .unwrap();
    assert_eq!(key["n"].as_str().unwrap().len(), 512, "3072 bits");
    assert!(authenticate(ctx, &before.access_token).await.is_ok());
    let after = tokens(&app, &anna).await;
    assert!(authenticate(ctx, &after.access_token).await.is_ok());
}

#[tokio::test]
async fn what_is_over_is_forgotten() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let here = caller(&app, &anna).await.into_member().unwrap();
    card(ctx, &here).await.unwrap();
    let forget = async || {
        let before = app.now() - chrono::TimeDelta::days(90);
        let mut conn = ctx.connection().await.unwrap();
        store::sessions::forget(&mut conn, before, 1000)
            .await
            .unwrap()
    };
    assert_eq!(forget().await, 0);
    app.advance(Duration::from_secs(91 * 86_400));
    let later = tokens(&app, &anna).await;
    assert_eq!(forget().await, 1);
    for (table, rows) in [("sessions", 1), ("refresh_tokens", 1), ("member_cards", 0)] {
        let select = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(select)
            .fetch_one(ctx.pool())
            .await
            .unwrap();
        assert_eq!(count, rows, "{table}");
    }
    assert!(
        refresh(ctx, &later.refresh_token, &Origin::default())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_key_signs_for_a_month() {
    let app = start().await;
    let ctx = &app.context;
    assert!(!rotate_if_due(ctx).await.unwrap());
    let next = |keys: Vec<signing_keys::SigningKeyView>| {
        let found = keys.into_iter().find(|key| key.state == "next");
        found.unwrap().kid
    };
    let published = next(signing_keys::list(ctx).await.unwrap());
    app.advance(Duration::from_secs(30 * 86_400));
    assert!(rotate_if_due(ctx).await.unwrap());
    assert!(!rotate_if_due(ctx).await.unwrap());
    let keys = signing_keys::list(ctx).await.unwrap();
    let current = keys.iter().find(|key| key.state == "current").unwrap();
    assert_eq!(
        current.kid, published,
        "it was published long before it signed"
    );
}

#[tokio::test]
async fn a_key_is_taken_in_only_if_it_is_good_and_missed() {
    use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
    use aws_lc_rs::rsa::{KeyPair, KeySize};

    let app = start().await;
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    assert!(
        !signing_keys::import(&app.context, der.as_ref())
            .await
            .unwrap()
    );
    assert!(matches!(
        signing_keys::import(&app.context, b"no key").await,
        Err(signing_keys::SigningKeyError::NotAKey)
    ));
}
