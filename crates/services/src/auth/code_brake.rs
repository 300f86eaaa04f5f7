//! The brake on codes that never come back. Whoever is paid for text messages to numbers of his own asks for many codes
//! and enters none: a prefix or a country of which fewer than a fifth came back gets no more for a time. The programme's
//! own country is only told of, for stopping it would be the outage that somebody wants; there the budgets bound the loss.

use chrono::{DateTime, TimeDelta, Utc};
use domain::audit::{Action, ObjectKind};
use domain::phone::Phone;
use serde_json::json;
use sqlx::PgConnection;
use store::code_stops::StopRow;
use store::error::StoreError;
use uuid::Uuid;

use super::one_time_code::LIFE;
use crate::audit_log::{self, Entry};
use crate::context::Context;
use crate::limits::UsedUp;
use crate::vault::SealedField;

/// Over how long it is looked back.
const LOOK_BACK: TimeDelta = TimeDelta::hours(6);

/// How long a stop lasts, unless an operator lifts it.
const STOPPED_FOR: TimeDelta = TimeDelta::hours(24);

/// One of so many codes has to come back.
const ONE_OF: i64 = 5;

/// Where a code goes, as it is counted.
pub(super) struct Scope {
    kind: &'static str,
    /// The keyed hash.
    pub(super) bucket: Vec<u8>,
    label: String,
    /// Whether a stop holds codes back.
    holds: bool,
}

/// The prefix and the country of a phone.
pub(super) struct Scopes {
    pub(super) prefix: Scope,
    pub(super) region: Scope,
}

impl Scopes {
    pub(super) fn of(ctx: &Context, phone: &Phone) -> Self {
        let region = phone.region();
        let name = region.map_or_else(String::new, |region| region.to_string());
        let scope = |kind, label: String, holds| Scope {
            kind,
            bucket: ctx.vault().limit_bucket(kind, label.as_bytes()),
            label,
            holds,
        };
        Self {
            prefix: scope("prefix", phone.prefix().to_owned(), true),
            region: scope("region", name, region != Some(ctx.config().default_region)),
        }
    }
}

/// Until when no code goes there; stops what deserves it.
pub(super) async fn stopped(
    conn: &mut PgConnection,
    ctx: &Context,
    scopes: &Scopes,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    for scope in [&scopes.prefix, &scopes.region] {
        let last = store::code_stops::last(conn, &scope.bucket).await?;
        let lasts = |stop: &StopRow| stop.lifted_at.is_none() && stop.until > now;
        match &last {
            Some(stop) if lasts(stop) && stop.holds => return Ok(Some(stop.until)),
            Some(stop) if lasts(stop) => continue,
            _ => {}
        }
        let over = last.map(|stop| stop.lifted_at.unwrap_or(stop.until));
        let after = over.map_or(now - LOOK_BACK, |over| over.max(now - LOOK_BACK));
        let (sent, verified) = fared(conn, scope, after, now).await?;
        let enough = sent >= i64::from(ctx.config().codes.brake_after);
        if enough && verified.saturating_mul(ONE_OF) < sent {
            let stop = Stop {
                sent,
                verified,
                holds: scope.holds,
                until: now + STOPPED_FOR,
            };
            let id = write(conn, ctx, scope, stop, now).await?;
            tracing::error!(
                stop = %id, kind = scope.kind, sent, verified, holds = scope.holds,
                "codes are asked for more often than they come back"
            );
            if scope.holds {
                return Ok(Some(now + STOPPED_FOR));
            }
        }
    }
    Ok(None)
}

/// Writes down for the operators that the cap of a prefix or a country is reached, once for each time that it holds.
pub(super) async fn note_cap(
    conn: &mut PgConnection,
    ctx: &Context,
    scopes: &Scopes,
    used_up: UsedUp,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let scopes = [&scopes.prefix, &scopes.region];
    let Some(scope) = scopes
        .into_iter()
        .find(|scope| scope.kind == used_up.limit.name)
    else {
        return Ok(());
    };
    let last = store::code_stops::last(conn, &scope.bucket).await?;
    if last.is_some_and(|stop| stop.until >= used_up.until) {
        return Ok(());
    }
    let (sent, verified) = fared(conn, scope, now - LOOK_BACK, now).await?;
    let stop = Stop {
        sent,
        verified,
        holds: false,
        until: used_up.until,
    };
    let id = write(conn, ctx, scope, stop, now).await?;
    tracing::warn!(
        stop = %id, kind = scope.kind, sent, verified,
        "as many codes were sent to one prefix or country as may be"
    );
    Ok(())
}

/// How the codes of a scope fared that were sent after a moment and whose life is over.
async fn fared(
    conn: &mut PgConnection,
    scope: &Scope,
    after: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<(i64, i64), StoreError> {
    let until = now - LIFE;
    if scope.kind == "prefix" {
        store::code_stops::fared_by_prefix(conn, &scope.bucket, after, until).await
    } else {
        store::code_stops::fared_by_region(conn, &scope.bucket, after, until).await
    }
}

/// A stop as it is to be written.
struct Stop {
    sent: i64,
    verified: i64,
    holds: bool,
    until: DateTime<Utc>,
}

/// Writes it down; its identifier.
async fn write(
    conn: &mut PgConnection,
    ctx: &Context,
    scope: &Scope,
    stop: Stop,
    now: DateTime<Utc>,
) -> Result<Uuid, StoreError> {
    let id = ctx.ids().uuid();
    let (sent, verified, holds) = (stop.sent, stop.verified, stop.holds);
    metrics::counter!("one_time_code_stops_total", "kind" => scope.kind).increment(1);
    let label = scope.label.as_bytes();
    let row = StopRow {
        id,
        kind: scope.kind.to_owned(),
        scope: scope.bucket.clone(),
        label_sealed: ctx
            .vault()
            .seal(SealedField::CodeStop, id.as_bytes(), label),
        sent,
        verified,
        holds,
        stopped_at: now,
        until: stop.until,
        lifted_at: None,
    };
    store::code_stops::insert(conn, &row).await?;
    let entry = Entry::of(Action::CodeSendingStop, ObjectKind::Destination).id(id);
    let counts = json!({ "kind": scope.kind, "sent": sent, "verified": verified, "holds": holds });
    audit_log::record(conn, ctx, entry.after(counts)).await?;
    Ok(id)
}
