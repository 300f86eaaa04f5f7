//! What a member agrees to. Texts have versions and hashes; each word of a member is a new row with time, channel and the
//! keyed hash of its address. Without the required consents nothing more is recorded of a person and no card is shown;
//! reading, signing out, export and erasure stay open.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use domain::audit::{Action, ObjectKind};
use domain::consents::{ConsentChannel, ConsentKind};
use domain::ids::MemberId;
use serde_json::json;
use sqlx::PgConnection;
use store::consents::ConsentRow;
use store::error::StoreError;

use crate::audit_log::{self, Actor, Entry};
use crate::auth::session_state::known;
use crate::caller::MemberCaller;
use crate::context::Context;
use crate::transaction;

/// A wording that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentText {
    /// What it is about.
    pub kind: ConsentKind,
    /// From 1 on.
    pub version: i32,
    /// Russian title.
    pub title_ru: String,
    /// English title.
    pub title_en: String,
    /// Russian text.
    pub body_ru: String,
    /// English text.
    pub body_en: String,
    /// SHA-256 of both texts with a line feed between them.
    pub sha256: Vec<u8>,
}

/// What a member says of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentChoice {
    /// What it is about.
    pub kind: ConsentKind,
    /// The wording that was shown.
    pub version: i32,
    /// Agreed (true) or withdrawn.
    pub given: bool,
}

/// Where a word of a member comes from.
#[derive(Clone, Copy, Debug)]
pub struct ConsentSource {
    /// While doing what.
    pub channel: ConsentChannel,
    /// From which network address.
    pub address: IpAddr,
}

/// How a member stands to one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsentState {
    /// What it is about.
    pub kind: ConsentKind,
    /// The wording in force.
    pub version: i32,
    /// Whether the member agrees to the wording in force.
    pub given: bool,
    /// The wording that the member spoke of last.
    pub spoke_of: Option<i32>,
    /// When the member spoke last.
    pub recorded_at: Option<DateTime<Utc>>,
}

/// Why a choice is not recorded.
#[derive(Debug, thiserror::Error)]
pub enum ConsentError {
    /// The text that was agreed to is not the one in force.
    #[error("another wording is in force")]
    TextChanged {
        /// What it is about.
        kind: ConsentKind,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nothing is recorded or shown of a member.
#[derive(Debug, thiserror::Error)]
pub enum ConsentGateError {
    /// The member has not agreed to what is required.
    #[error("required consents are missing")]
    Missing(Vec<ConsentKind>),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The texts in force.
///
/// # Errors
/// If the database fails.
pub async fn consent_texts(ctx: &Context) -> Result<Vec<ConsentText>, StoreError> {
    in_force(&mut *ctx.connection().await?, ctx.clock().now()).await
}

async fn in_force(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
) -> Result<Vec<ConsentText>, StoreError> {
    let rows = store::consents::texts_in_force(conn, now).await?;
    let mut texts = rows
        .into_iter()
        .map(|row| {
            Ok(ConsentText {
                kind: known(&row.kind)?,
                version: row.version,
                title_ru: row.title_ru,
                title_en: row.title_en,
                body_ru: row.body_ru,
                body_en: row.body_en,
                sha256: row.sha256,
            })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    texts.sort_by_key(|text| text.kind);
    Ok(texts)
}

/// How the caller stands to each kind.
///
/// # Errors
/// If the database fails.
pub async fn my_consents(
    ctx: &Context,
    caller: &MemberCaller,
) -> Result<Vec<ConsentState>, StoreError> {
    states(&mut *ctx.connection().await?, ctx, caller.member).await
}

/// Records what the caller says, and answers how he stands now.
///
/// # Errors
/// See [`ConsentError`].
pub async fn set_consents(
    ctx: &Context,
    caller: &MemberCaller,
    choices: Vec<ConsentChoice>,
    source: ConsentSource,
) -> Result<Vec<ConsentState>, ConsentError> {
    let input = (ctx.clone(), caller.member, choices);
    transaction::run(ctx, input, move |conn, (ctx, member, choices)| {
        Box::pin(async move {
            let rows = to_rows(conn, ctx, choices, source).await?;
            keep(conn, ctx, *member, &rows, None).await?;
            Ok(states(conn, ctx, *member).await?)
        })
    })
    .await
}

/// The choices as they will be kept, each with the hash of its text.
pub(super) async fn to_rows(
    conn: &mut PgConnection,
    ctx: &Context,
    choices: &[ConsentChoice],
    source: ConsentSource,
) -> Result<Vec<ConsentRow>, ConsentError> {
    let now = ctx.clock().now();
    let texts = in_force(conn, now).await?;
    choices
        .iter()
        .map(|choice| {
            let changed = ConsentError::TextChanged { kind: choice.kind };
            let text = texts.iter().find(|text| text.kind == choice.kind);
            // Whoever withdraws need not have read the newest wording.
            let text = text.filter(|text| !choice.given || text.version == choice.version);
            let text = text.ok_or(changed)?;
            Ok(ConsentRow {
                id: ctx.ids().uuid(),
                kind: choice.kind.as_str().to_owned(),
                version: text.version,
                text_sha256: text.sha256.clone(),
                given: choice.given,
                channel: source.channel.as_str().to_owned(),
                address_hash: Some(ctx.vault().address_hash(source.address)),
                recorded_at: now,
            })
        })
        .collect()
}

/// Keeps what a member says and writes it down; `by` where the request does not know the member yet.
pub(super) async fn keep(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
    rows: &[ConsentRow],
    by: Option<&Actor>,
) -> Result<(), StoreError> {
    store::consents::insert(conn, member, rows).await?;
    for row in rows {
        let action = if row.given {
            Action::ConsentGive
        } else {
            Action::ConsentWithdraw
        };
        let what = json!({ "kind": row.kind, "version": row.version, "channel": row.channel });
        let entry = Entry::of(action, ObjectKind::Consent)
            .id(row.id)
            .after(what);
        let entry = match by {
            Some(actor) => entry.by(actor.clone()),
            None => entry,
        };
        audit_log::record(conn, ctx, entry).await?;
    }
    Ok(())
}

/// The required kinds that a member has not agreed to.
pub(crate) async fn missing(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
) -> Result<Vec<ConsentKind>, StoreError> {
    let required: Vec<String> = ConsentKind::ALL
        .iter()
        .filter(|kind| kind.is_required())
        .map(|kind| kind.as_str().to_owned())
        .collect();
    let missing = store::consents::missing(conn, member, &required, ctx.clock().now()).await?;
    missing.iter().map(|kind| known(kind)).collect()
}

/// Passes a member who has agreed to what is required.
pub(crate) async fn require(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
) -> Result<(), ConsentGateError> {
    let missing = missing(conn, ctx, member).await?;
    if missing.is_empty() {
        Ok(())
    } else {
        Err(ConsentGateError::Missing(missing))
    }
}

async fn states(
    conn: &mut PgConnection,
    ctx: &Context,
    member: MemberId,
) -> Result<Vec<ConsentState>, StoreError> {
    let texts = in_force(conn, ctx.clock().now()).await?;
    let said = store::consents::of_member(conn, member).await?;
    Ok(texts
        .iter()
        .map(|text| {
            let last = said.iter().find(|row| row.kind == text.kind.as_str());
            ConsentState {
                kind: text.kind,
                version: text.version,
                given: last.is_some_and(|row| row.given && row.version >= text.version),
                spoke_of: last.map(|row| row.version),
                recorded_at: last.map(|row| row.recorded_at),
            }
        })
        .collect())
}
