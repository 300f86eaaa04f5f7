//! GET /admin/audit: the audit log.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use domain::audit::{Action, ActorKind, ObjectKind};
use domain::ids::BusinessId;
use http_kit::{ApiQuery, By, HttpKit, Page, PageLimit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use services::audit_log::{LogEntry, LogFilter, read_log};
use services::caller::OperatorCaller;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::problem::ApiResult;
use crate::wire;

/// Which entries to show.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Only this action.
    #[param(value_type = Option<wire::AuditAction>, inline)]
    action: Option<Action>,
    /// Only what this member or integration key did.
    actor_id: Option<Uuid>,
    /// Only what was done to objects of this kind.
    #[param(value_type = Option<wire::AuditObjectKind>, inline)]
    object_kind: Option<ObjectKind>,
    /// Only what was done to the object with this identifier.
    #[param(min_length = 1, max_length = 200, pattern = "^[A-Za-z0-9_.:-]+$")]
    object_id: Option<String>,
    /// Only what concerns this business.
    #[param(value_type = Option<Uuid>)]
    business_id: Option<BusinessId>,
    /// Only what was written at this moment or later.
    from: Option<DateTime<Utc>>,
    /// Only what was written before this moment.
    until: Option<DateTime<Utc>>,
    /// Where the page begins: `next_cursor` of the page before.
    #[param(max_length = 1000, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
    /// How many items at most.
    #[param(inline)]
    limit: Option<PageLimit>,
}

/// Something that was done. It carries identifiers, no personal data.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry {
    /// Identifier.
    pub id: Uuid,
    /// Its place in the chain of hashes; null until it is sealed, a few seconds later.
    #[schema(required = true, minimum = 1)]
    pub sequence: Option<i64>,
    /// When it was written.
    pub recorded_at: DateTime<Utc>,
    /// What was done.
    #[schema(max_length = 64, example = "settings.change")]
    pub action: String,
    /// The same in words, in Russian.
    #[schema(max_length = 200, example = "Изменены настройки программы")]
    pub label_ru: String,
    /// The same in words, in English.
    #[schema(max_length = 200, example = "Settings of the programme changed")]
    pub label_en: String,
    /// Who did it.
    pub actor: AuditActor,
    /// What it was done to.
    #[schema(max_length = 64, example = "programme")]
    pub object_kind: String,
    /// Which one.
    #[schema(required = true, max_length = 200)]
    pub object_id: Option<String>,
    /// The business concerned.
    #[schema(required = true, value_type = Option<Uuid>)]
    pub business_id: Option<BusinessId>,
    /// What was, of the fields that changed.
    #[schema(required = true, example = json!({ "activation_delay_hours": 0 }))]
    pub before: Option<Value>,
    /// What is now, of the fields that changed.
    #[schema(required = true, example = json!({ "activation_delay_hours": 48 }))]
    pub after: Option<Value>,
    /// The way in: method and pattern of the address, or the command.
    #[schema(
        required = true,
        max_length = 200,
        example = "PUT /api/v1/admin/settings"
    )]
    pub via: Option<String>,
    /// The name of the request.
    #[schema(required = true, max_length = 128)]
    pub request_id: Option<String>,
}

/// Who did something.
#[derive(Serialize, ToSchema)]
pub struct AuditActor {
    /// What kind of caller.
    #[schema(value_type = wire::AuditActorKind)]
    pub kind: ActorKind,
    /// The member or the integration key.
    #[schema(required = true)]
    pub id: Option<Uuid>,
    /// The sign-in.
    #[schema(required = true)]
    pub session_id: Option<Uuid>,
    /// What the actor could do at that moment: operator roles, `role@business`, or the scopes of a key.
    #[schema(max_items = 1000)]
    pub roles: Vec<String>,
}

impl From<LogEntry> for AuditEntry {
    fn from(entry: LogEntry) -> Self {
        let action: Option<Action> = entry.action.parse().ok();
        // A later version of the program knows actions that this one has no words for.
        let label = |of: fn(Action) -> &'static str| {
            action.map_or_else(|| entry.action.clone(), |action| of(action).to_owned())
        };
        Self {
            id: entry.id,
            sequence: entry.sequence,
            recorded_at: entry.recorded_at,
            label_ru: label(Action::label_ru),
            label_en: label(Action::label_en),
            action: entry.action,
            actor: AuditActor {
                kind: entry.actor_kind,
                id: entry.actor_id,
                session_id: entry.session_id,
                roles: entry.roles,
            },
            object_kind: entry.object_kind,
            object_id: entry.object_id,
            business_id: entry.business,
            before: entry.before,
            after: entry.after,
            via: entry.via,
            request_id: entry.request_id,
        }
    }
}

/// Read the audit log
///
/// For an admin: what was done, by whom, to what, before and after, newest first. Reading is written down as well: the
/// first page of each look, with its filter.
#[utoipa::path(
    get, path = "/admin/audit", operation_id = "admin_read_audit", tag = "admin",
    security(("operator" = [])),
    params(AuditQuery),
    responses((status = 200, description = "A page of entries", body = Page<AuditEntry>)),
    extensions(("x-problems" = json!(["invalid_cursor"]))),
)]
pub async fn log(
    State(kit): State<HttpKit>,
    By(operator): By<OperatorCaller>,
    ApiQuery(query): ApiQuery<AuditQuery>,
) -> ApiResult<Json<Page<AuditEntry>>> {
    const LIST: &str = "audit";
    let filters = (
        (&query.action, &query.actor_id, &query.object_kind),
        (&query.object_id, &query.business_id),
        (&query.from, &query.until),
    );
    let before: Option<Uuid> = match &query.cursor {
        Some(cursor) => Some(kit.cursors().open(LIST, &filters, cursor)?),
        None => None,
    };
    let filter = LogFilter {
        action: query.action,
        actor: query.actor_id,
        object_kind: query.object_kind,
        object_id: query.object_id.clone(),
        business: query.business_id,
        from: query.from,
        until: query.until,
        before,
    };
    let limit = u16::try_from(query.limit.unwrap_or_default().get()).unwrap_or(1);
    // One more than asked for tells whether there is a next page.
    let mut found = read_log(kit.services(), &operator, filter, limit + 1).await?;
    let more = found.len() > usize::from(limit);
    found.truncate(usize::from(limit));
    let last = found.last().map(|entry| entry.id).filter(|_| more);
    Ok(Json(Page {
        next_cursor: last.map(|last| kit.cursors().seal(LIST, &filters, &last)),
        items: found.into_iter().map(Into::into).collect(),
    }))
}
