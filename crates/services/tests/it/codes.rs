//! One-time codes: who gets one, how often, and what it is worth.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use services::auth::request_code::RequestCodeError;
use services::auth::sign_in::SignInError;
use services::auth::{authenticate, sessions};
use services::context::{Context, ContextParts};
use services::limits::{Counted, Limit, LimitCounters, LimitError, PostgresCounters, Take, UsedUp};
use services::transaction;
use services::vault::Vault;
use sqlx::PgConnection;

use crate::kit::{answer, ask, code_of, phone, start, tokens, wrong};

#[tokio::test]
async fn a_code_signs_in_once() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let challenge = ask(ctx, &anna).await.unwrap();
    assert_eq!((challenge.expires_in, challenge.resend_after), (300, 60));
    let code = code_of(ctx, &anna).await;
    let tokens = answer(ctx, &anna, challenge, &code).await.unwrap();
    assert_eq!(tokens.expires_in, 600);
    assert!(authenticate(ctx, &tokens.access_token).await.is_ok());
    assert!(matches!(
        answer(ctx, &anna, challenge, &code).await,
        Err(SignInError::InvalidCode)
    ));
}

#[tokio::test]
async fn only_served_mobile_numbers_get_a_code() {
    let app = start().await;
    for text in [
        "+77011234567",
        "+74951234567",
        "+78005553535",
        "+12025550123",
    ] {
        let refused = ask(&app.context, &phone(text)).await;
        assert!(
            matches!(refused, Err(RequestCodeError::PhoneNotServed)),
            "{text}"
        );
    }
}

#[tokio::test]
async fn five_wrong_tries_kill_a_code() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let challenge = ask(ctx, &anna).await.unwrap();
    let code = code_of(ctx, &anna).await;
    let wrong = wrong(&code);
    let tries = join_all((0..20).map(|_| answer(ctx, &anna, challenge, &wrong))).await;
    assert!(
        tries
            .iter()
            .all(|tried| matches!(tried, Err(SignInError::InvalidCode)))
    );
    let attempts: i16 = sqlx::query_scalar("select attempts from one_time_codes")
        .fetch_one(ctx.pool())
        .await
        .unwrap();
    assert_eq!(attempts, 5);
    let right = answer(ctx, &anna, challenge, &code).await;
    assert!(matches!(right, Err(SignInError::InvalidCode)));
}

#[tokio::test]
async fn one_of_many_at_once_wins() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let challenge = ask(ctx, &anna).await.unwrap();
    let code = code_of(ctx, &anna).await;
    let tries = join_all((0..40).map(|_| answer(ctx, &anna, challenge, &code))).await;
    assert_eq!(tries.iter().filter(|tried| tried.is_ok()).count(), 1);
    let sessions: i64 = sqlx::query_scalar("select count(*) from sessions")
        .fetch_one(ctx.pool())
        .await
        .unwrap();
    assert_eq!(sessions, 1);
}

#[tokio::test]
async fn a_new_code_forgives_no_failures() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    for _ in 0..2 {
        let challenge = ask(ctx, &anna).await.unwrap();
        let wrong = wrong(&code_of(ctx, &anna).await);
        for _ in 0..5 {
            assert!(matches!(
                answer(ctx, &anna, challenge, &wrong).await,
                Err(SignInError::InvalidCode)
            ));
        }
        app.advance(Duration::from_secs(61));
    }
    // The first wait of half a minute is over; one more failure doubles it.
    let challenge = ask(ctx, &anna).await.unwrap();
    let code = code_of(ctx, &anna).await;
    assert!(answer(ctx, &anna, challenge, &wrong(&code)).await.is_err());
    assert!(matches!(
        answer(ctx, &anna, challenge, &code).await,
        Err(SignInError::TooMany { retry_after: 60 })
    ));
    app.advance(Duration::from_secs(60));
    assert!(answer(ctx, &anna, challenge, &code).await.is_ok());
}

#[tokio::test]
async fn a_code_is_worth_nothing_after_five_minutes_or_after_another() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let old = ask(ctx, &anna).await.unwrap();
    let old_code = code_of(ctx, &anna).await;
    app.advance(Duration::from_secs(61));
    let new = ask(ctx, &anna).await.unwrap();
    let new_code = code_of(ctx, &anna).await;
    assert!(answer(ctx, &anna, old, &old_code).await.is_err());
    assert!(answer(ctx, &anna, old, &new_code).await.is_err());
    app.advance(Duration::from_secs(301));
    assert!(answer(ctx, &anna, new, &new_code).await.is_err());
}

#[tokio::test]
async fn a_code_belongs_to_its_phone() {
    let app = start().await;
    let (ctx, anna, boris) = (&app.context, phone("+79161234567"), phone("+79161234568"));
    let for_anna = ask(ctx, &anna).await.unwrap();
    let for_boris = ask(ctx, &boris).await.unwrap();
    let (annas, boriss) = (code_of(ctx, &anna).await, code_of(ctx, &boris).await);
    assert!(answer(ctx, &boris, for_anna, &annas).await.is_err());
    if annas != boriss {
        assert!(answer(ctx, &anna, for_anna, &boriss).await.is_err());
    }
    assert!(answer(ctx, &boris, for_boris, &boriss).await.is_ok());
    assert!(answer(ctx, &anna, for_anna, &annas).await.is_ok());
}

#[tokio::test]
async fn a_phone_gets_three_codes_in_ten_minutes_and_one_a_minute() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    ask(ctx, &anna).await.unwrap();
    app.advance(Duration::from_secs(20));
    assert!(matches!(
        ask(ctx, &anna).await,
        Err(RequestCodeError::TooMany { retry_after: 40 })
    ));
    for _ in 0..2 {
        app.advance(Duration::from_secs(60));
        ask(ctx, &anna).await.unwrap();
    }
    app.advance(Duration::from_secs(60));
    // 200 seconds after the first of three.
    assert!(matches!(
        ask(ctx, &anna).await,
        Err(RequestCodeError::TooMany { retry_after: 400 })
    ));
    let many = join_all((0..10).map(|_| ask(ctx, &anna))).await;
    assert!(many.iter().all(Result::is_err));
}

/// Counts nothing, because whoever should cannot be reached.
#[derive(Debug)]
struct Unreachable;

impl LimitCounters for Unreachable {
    fn take<'a>(
        &'a self,
        _conn: &'a mut PgConnection,
        _takes: &'a [Take],
        _now: DateTime<Utc>,
    ) -> Counted<'a> {
        let error = LimitError::Unavailable("nobody answers".to_owned());
        Box::pin(std::future::ready(Err(error)))
    }
}

#[tokio::test]
async fn what_cannot_be_counted_is_not_sent() {
    let app = start().await;
    let usual = &app.context;
    let parts = ContextParts {
        pool: usual.pool().clone(),
        clock: usual.clock().clone(),
        ids: usual.ids().clone(),
        vault: Vault::new(&[7; 32]),
        sms: usual.sms().clone(),
        config: usual.config().clone(),
    };
    let ctx = Context::with_counters(parts, Arc::new(Unreachable));
    let refused = ask(&ctx, &phone("+79161234567")).await;
    assert!(matches!(
        refused,
        Err(RequestCodeError::NotCounted { retry_after: 5, .. })
    ));
    let sent: i64 = sqlx::query_scalar("select count(*) from one_time_codes")
        .fetch_one(ctx.pool())
        .await
        .unwrap();
    assert_eq!(sent, 0);
}

#[tokio::test]
async fn of_forty_at_once_as_many_pass_as_may() {
    let app = start().await;
    let ctx = &app.context;
    let limit = |name, most| Limit {
        name,
        most,
        within: TimeDelta::hours(1),
    };
    let take = |limit: Limit| Take {
        limit,
        bucket: ctx.vault().limit_bucket(limit.name, b"same"),
    };
    // Named in two orders, so that two that wait for each other would be found.
    let (one, other) = (take(limit("one", 10)), take(limit("other", 1000)));
    let tries = join_all((0..40).map(|n| {
        let takes = if n % 2 == 0 {
            vec![one.clone(), other.clone()]
        } else {
            vec![other.clone(), one.clone()]
        };
        let now = app.now();
        transaction::run(ctx, takes, move |conn, takes| {
            PostgresCounters.take(conn, takes, now)
        })
    }))
    .await;
    let tries: Vec<Option<UsedUp>> = tries.into_iter().map(Result::unwrap).collect();
    assert_eq!(tries.iter().filter(|taken| taken.is_none()).count(), 10);
    let used_up = tries.iter().flatten().next().unwrap();
    assert_eq!(used_up.limit.name, "one");
    assert_eq!(used_up.until, app.now() + TimeDelta::hours(1));
    let counts: Vec<i64> = sqlx::query_scalar("select taken from limit_counters")
        .fetch_all(ctx.pool())
        .await
        .unwrap();
    assert_eq!(
        counts,
        [10, 10],
        "who is refused by one takes nothing of the other"
    );
}

#[tokio::test]
async fn a_million_guesses_without_the_key_find_no_code() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let challenge = ask(ctx, &anna).await.unwrap();
    let kept: Vec<u8> = sqlx::query_scalar("select code_hash from one_time_codes")
        .fetch_one(ctx.pool())
        .await
        .unwrap();
    assert_eq!(
        (kept.len(), kept[0]),
        (33, 1),
        "the name of the key, and the hash"
    );
    let id = challenge.id.as_uuid();
    for guess in 0..1_000_000_u32 {
        let code = format!("{guess:06}");
        for prefix in [&b""[..], id.as_bytes(), anna.e164().as_bytes()] {
            let mut context = digest::Context::new(&digest::SHA256);
            context.update(prefix);
            context.update(code.as_bytes());
            assert_ne!(context.finish().as_ref(), &kept[1..]);
        }
    }
}

#[tokio::test]
async fn no_code_and_no_phone_stands_in_the_database() {
    let app = start().await;
    let (ctx, anna) = (&app.context, phone("+79161234567"));
    let signed_in = tokens(&app, &anna).await;
    let code = code_of(ctx, &anna).await;
    let caller = authenticate(ctx, &signed_in.access_token)
        .await
        .unwrap()
        .into_member()
        .unwrap();
    assert_eq!(sessions::list(ctx, &caller).await.unwrap().len(), 1);
    let tables: Vec<String> = sqlx::query_scalar(
        "select table_name::text from information_schema.tables where table_schema = 'public'",
    )
    .fetch_all(ctx.pool())
    .await
    .unwrap();
    assert!(tables.len() > 20, "{tables:?}");
    for table in tables.iter().filter(|table| !table.starts_with('_')) {
        let select = format!("select coalesce(string_agg(t::text, ' '), '') from {table} t");
        let dump: String = sqlx::query_scalar(sqlx::AssertSqlSafe(select))
            .fetch_one(ctx.pool())
            .await
            .unwrap();
        assert!(!dump.contains("9161234567"), "{table}");
        assert!(!dump.contains(&signed_in.refresh_token), "{table}");
        assert!(
            !dump
                .split(|c: char| !c.is_ascii_digit())
                .any(|word| word == code),
            "{table}"
        );
    }
}
