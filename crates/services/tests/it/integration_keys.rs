//! Integration keys: shown once, scoped, limited, revocable at once.

use std::time::Duration;

use chrono::TimeDelta;
use domain::rights::Scope;
use domain::text::Text;
use services::auth::authenticate;
use services::auth::integration_keys::{
    CreateIntegrationKey, IntegrationKeyError, create, create_for, list, revoke,
};
use services::caller::{AccessError, Caller};
use sqlx::{Connection as _, PgConnection};

use crate::kit::{business, caller, phone, start};

fn till() -> CreateIntegrationKey {
    CreateIntegrationKey {
        name: Text::new("Касса 1").unwrap(),
        scopes: vec![
            Scope::TransactionsWrite,
            Scope::LoyaltyRead,
            Scope::TransactionsWrite,
        ],
        location: None,
        expires_at: None,
    }
}

#[tokio::test]
async fn a_key_speaks_for_its_business() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", None).await;
    let new = create_for(ctx, luna, None, till()).await.unwrap();
    assert!(new.secret.starts_with("ock_") && new.secret.len() == 47);
    assert!(new.secret.starts_with(&new.key.prefix) && new.key.prefix.len() == 12);
    let Caller::Key(key) = authenticate(ctx, &new.secret).await.unwrap() else {
        panic!("a key");
    };
    assert_eq!((key.key, key.business), (new.key.id, luna));
    assert_eq!(key.scopes, [Scope::TransactionsWrite, Scope::LoyaltyRead]);
    let mut other = new.secret.clone().into_bytes();
    other[20] = if other[20] == b'A' { b'B' } else { b'A' };
    assert!(
        authenticate(ctx, &String::from_utf8(other).unwrap())
            .await
            .is_err()
    );
    assert!(authenticate(ctx, "ock_").await.is_err());
}

#[tokio::test]
async fn only_the_hash_is_kept() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", None).await;
    let new = create_for(ctx, luna, None, till()).await.unwrap();
    let dump: String =
        sqlx::query_scalar("select string_agg(k::text, ' ') from integration_keys k")
            .fetch_one(&mut *ctx.of(luna).connection().await.unwrap())
            .await
            .unwrap();
    assert!(!dump.contains(&new.secret[12..]));
    assert!(!format!("{new:?}").contains(&new.secret[12..]));
}

#[tokio::test]
async fn an_owner_makes_lists_and_revokes() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", Some("+79161234567")).await;
    let sol = business(ctx, "sol", None).await;
    let owner = caller(&app, &phone("+79161234567"))
        .await
        .into_staff()
        .unwrap();
    let first = create(ctx, &owner, luna, till()).await.unwrap();
    let second = create(ctx, &owner, luna, till()).await.unwrap();
    assert_eq!(
        list(ctx, &owner, luna).await.unwrap(),
        [first.key.clone(), second.key.clone()]
    );
    assert!(authenticate(ctx, &first.secret).await.is_ok());
    revoke(ctx, &owner, luna, first.key.id).await.unwrap();
    assert!(authenticate(ctx, &first.secret).await.is_err());
    assert!(authenticate(ctx, &second.secret).await.is_ok());
    assert!(matches!(
        revoke(ctx, &owner, luna, first.key.id).await,
        Err(IntegrationKeyError::UnknownKey)
    ));
    for refused in [
        create(ctx, &owner, sol, till()).await.err(),
        list(ctx, &owner, sol).await.err(),
        revoke(ctx, &owner, sol, second.key.id).await.err(),
    ] {
        assert!(matches!(
            refused,
            Some(IntegrationKeyError::Access(AccessError::Unknown))
        ));
    }
}

#[tokio::test]
async fn a_revocation_elsewhere_is_seen_within_five_seconds() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", None).await;
    let new = create_for(ctx, luna, None, till()).await.unwrap();
    assert!(authenticate(ctx, &new.secret).await.is_ok());
    let mut owner = PgConnection::connect(&app.database_url()).await.unwrap();
    sqlx::query("update integration_keys set revoked_at = $1")
        .bind(app.now())
        .execute(&mut owner)
        .await
        .unwrap();
    app.advance(Duration::from_secs(5));
    assert!(authenticate(ctx, &new.secret).await.is_err());
}

#[tokio::test]
async fn a_key_expires() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", None).await;
    let expires = |seconds| CreateIntegrationKey {
        expires_at: Some(app.now() + TimeDelta::seconds(seconds)),
        ..till()
    };
    assert!(matches!(
        create_for(ctx, luna, None, expires(0)).await,
        Err(IntegrationKeyError::ExpiresInThePast)
    ));
    let new = create_for(ctx, luna, None, expires(2)).await.unwrap();
    assert!(authenticate(ctx, &new.secret).await.is_ok());
    app.advance(Duration::from_secs(2));
    assert!(authenticate(ctx, &new.secret).await.is_err());
}

#[tokio::test]
async fn an_impossible_key_is_not_made() {
    let app = start().await;
    let ctx = &app.context;
    let luna = business(ctx, "luna", None).await;
    let none = CreateIntegrationKey {
        scopes: vec![],
        ..till()
    };
    assert!(matches!(
        create_for(ctx, luna, None, none).await,
        Err(IntegrationKeyError::NoScopes)
    ));
    let elsewhere = CreateIntegrationKey {
        location: Some(ctx.ids().next()),
        ..till()
    };
    assert!(matches!(
        create_for(ctx, luna, None, elsewhere).await,
        Err(IntegrationKeyError::UnknownLocation)
    ));
    assert!(matches!(
        create_for(ctx, ctx.ids().next(), None, till()).await,
        Err(IntegrationKeyError::Access(AccessError::Unknown))
    ));
}
